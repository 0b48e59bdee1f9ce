/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions, for the family that net_u8.h or net_i16.h has set up. */

/*
 * All outputs at one place, each channel giving one. Not inlined: with all that is alive in the caller, gcc
 * finds no registers for a loop in assembly when there is a frame pointer.
 */
MW_NOINLINE static void MW_OF(mw_depthwise_one)(const mw_depthwise *layer, const mw_scaling *how,
                                                const MW_NUMBER *x, MW_NUMBER *out)
{
    const size_t between_columns = layer->between_columns;
    const size_t between_rows = layer->between_rows;
    const size_t past = layer->columns * between_columns;
    const size_t all_rows = layer->rows * between_rows;
    const int8_t *weights = layer->weights;
    const int32_t *bias = layer->bias;
    const int16_t *scale = layer->scale;
    const MW_NUMBER *const end = out + layer->channels;
    do {
        mw_sums_4 sums = mw_begin_4(bias, 0);
        const MW_NUMBER *const below = x + all_rows;
        const MW_NUMBER *row = x;
        do {
            sums = MW_OF(mw_each_4)(sums, &weights, row, row + past, between_columns);
            row += between_rows;
        } while (row != below);
        out[0] = MW_OF(mw_output)(sums.a, how, scale);
        out[1] = MW_OF(mw_output)(sums.b, how, scale + 1);
        out[2] = MW_OF(mw_output)(sums.c, how, scale + 2);
        out[3] = MW_OF(mw_output)(sums.d, how, scale + 3);
        x += 4;
        bias += 4;
        scale += 4;
        out += 4;
    } while (out < end);
}

/* The sum of output `o`, which looks at the channel at x. */
static uint32_t MW_OF(mw_depthwise_sum)(const mw_depthwise *layer, uint_fast32_t o, const MW_NUMBER *x)
{
    const int8_t *weight =
        layer->weights + (o / 4 * 4) * ((uint_fast32_t) layer->rows * layer->columns) + o % 4;
    uint32_t sum = MW_READ_32(layer->bias + o);
    for (uint_fast16_t row = layer->rows; row != 0; --row) {
        const MW_NUMBER *from = x;
        for (uint_fast16_t column = layer->columns; column != 0; --column) {
            sum += (uint32_t) ((int32_t) *from * (int8_t) MW_READ_8(weight));
            from += layer->between_columns;
            weight += 4;
        }
        x += layer->between_rows;
    }
    return sum;
}

/* All outputs at one place, each channel giving several. */
static void MW_OF(mw_depthwise_several)(const mw_depthwise *layer, const mw_scaling *how, const MW_NUMBER *x,
                                        MW_NUMBER *out)
{
    const uint_fast32_t n = (uint_fast32_t) layer->channels * layer->multiplier;
    uint_fast16_t left = layer->multiplier;
    for (uint_fast32_t o = 0; o < n; ++o) {
        out[o] = MW_OF(mw_output)(MW_OF(mw_depthwise_sum)(layer, o, x), how, layer->scale + o);
        if (--left == 0) {
            left = layer->multiplier;
            ++x;
        }
    }
}

void MW_OF(mw_depthwise)(const mw_depthwise *flash, const MW_NUMBER *x, MW_NUMBER *out)
{
    mw_depthwise layer;
    MW_NUMBER *const first = out;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    const mw_scaling how = {layer.offset, layer.sum_shift, layer.shift, layer.low, layer.high};
    for (uint_fast16_t y = layer.height; y != 0; --y) {
        const MW_NUMBER *from = x;
        for (uint_fast16_t left = layer.width; left != 0; --left) {
            if (layer.multiplier == 1) {
                MW_OF(mw_depthwise_one)(&layer, &how, from, out); /* in fours, as convolutions */
            } else {
                MW_OF(mw_depthwise_several)(&layer, &how, from, out);
            }
            from += layer.right;
            out += (size_t) layer.channels * layer.multiplier;
        }
        x += layer.down;
    }
    MW_OF(mw_narrow)(first, (size_t) (out - first), layer.low, layer.high);
}
