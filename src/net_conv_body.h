/* SPDX-License-Identifier: MIT */
/* Convolutions, for the family that net_u8.h or net_i16.h has set up. */

/* One output: all channels of it. */
#if MW_CMSIS_NN && MW_BYTES
static void mw_conv_one_u8(const mw_conv *layer, const uint8_t *x, uint8_t *out)
{
    mw_cmsis_outputs(&layer->dense, x, layer->rows, layer->between_rows, out);
}
#else
static void MW_OF(mw_conv_one)(const mw_conv *layer, const MW_NUMBER *x, MW_NUMBER *out)
{
    const mw_dense *const dense = &layer->dense;
    const mw_scaling how = {dense->offset, dense->sum_shift, dense->shift, dense->low, dense->high};
    const size_t between_rows = layer->between_rows;
    const size_t run = (size_t) 4 * dense->n_in;
    const MW_NUMBER *const below = x + layer->rows * between_rows;
    const MW_NUMBER *const end = out + (size_t) 4 * dense->n_out;
    const uint8_t *weights = dense->weights;
    const int32_t *bias = dense->bias;
    const int16_t *scale = dense->scale;
    uint32_t excess = 0;
    const MW_NUMBER *row = x;
    do {
        excess += MW_OF(mw_sum)(row, row + run);
        row += between_rows;
    } while (row != below);
    excess <<= 7;
    do {
        mw_sums_4 sums = mw_begin_4(bias, excess);
        row = x;
        do {
            sums = MW_OF(mw_dot_4)(sums, &weights, row, row + run);
            row += between_rows;
        } while (row != below);
        out[0] = MW_OF(mw_output)(sums.a, &how, scale);
        out[1] = MW_OF(mw_output)(sums.b, &how, scale + 1);
        out[2] = MW_OF(mw_output)(sums.c, &how, scale + 2);
        out[3] = MW_OF(mw_output)(sums.d, &how, scale + 3);
        bias += 4;
        scale += 4;
        out += 4;
    } while (out != end);
}
#endif

void MW_OF(mw_conv)(const mw_conv *flash, const MW_NUMBER *x, MW_NUMBER *out)
{
    mw_conv layer;
    MW_NUMBER *const first = out;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    uint_fast16_t above = layer.height;
    do {
        const MW_NUMBER *from = x;
        uint_fast16_t left = layer.width;
        do {
            MW_OF(mw_conv_one)(&layer, from, out); /* in fours: the next one overwrites what is too much */
            from += layer.right;
            out += layer.channels;
        } while (--left != 0);
        x += layer.down;
    } while (--above != 0);
    MW_OF(mw_narrow)(first, (size_t) (out - first), layer.dense.low, layer.dense.high);
}
