/* SPDX-License-Identifier: MIT */
/* The largest number of windows, for the family that net_u8.h, net_i16.h or net_f32.h has set up. */

/* Of one channel, from x on. */
static MW_NUMBER MW_OF(mw_highest)(const mw_window_part *part, uint_fast16_t channels, const MW_NUMBER *x)
{
    MW_NUMBER best = x[0];
    uint_fast16_t row = part->rows;
    do {
        const MW_NUMBER *const end = x + part->past;
        for (const MW_NUMBER *from = x; from != end; from += channels) {
            best = *from > best ? *from : best;
        }
        x += part->between_rows;
    } while (--row != 0);
    return best;
}

/* Of four channels. */
static void MW_OF(mw_highest_4)(const mw_window_part *part, uint_fast16_t channels, const MW_NUMBER *x,
                                MW_NUMBER *out)
{
    MW_NUMBER a = x[0];
    MW_NUMBER b = x[1];
    MW_NUMBER c = x[2];
    MW_NUMBER d = x[3];
    uint_fast16_t row = part->rows;
    do {
        const MW_NUMBER *const end = x + part->past;
        for (const MW_NUMBER *from = x; from != end; from += channels) {
            a = from[0] > a ? from[0] : a;
            b = from[1] > b ? from[1] : b;
            c = from[2] > c ? from[2] : c;
            d = from[3] > d ? from[3] : d;
        }
        x += part->between_rows;
    } while (--row != 0);
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

void MW_OF(mw_max_pool)(const mw_windows *flash, const MW_NUMBER *x, MW_NUMBER *out)
{
    mw_windows layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    for (uint_fast16_t i = 0; i < layer.height; ++i) {
        const mw_span rows = mw_seen(i, layer.down, layer.top, layer.rows, layer.in_height);
        for (uint_fast16_t j = 0; j < layer.width; ++j) {
            const mw_window_part part = mw_part(&layer, rows, j);
            const MW_NUMBER *from = x + part.first;
            uint_fast16_t left = layer.channels;
            for (; left >= 4; left = (uint_fast16_t) (left - 4)) {
                MW_OF(mw_highest_4)(&part, layer.channels, from, out);
                from += 4;
                out += 4;
            }
            for (; left != 0; --left) {
                *out++ = MW_OF(mw_highest)(&part, layer.channels, from++);
            }
        }
    }
}
