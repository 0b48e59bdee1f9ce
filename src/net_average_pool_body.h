/* SPDX-License-Identifier: MIT */
/* Means of windows, for the family that net_u8.h or net_i16.h has set up. */

/* The sum of one channel, from x on. */
static int32_t MW_OF(mw_window_sum)(const mw_window_part *part, uint_fast16_t channels, const MW_NUMBER *x)
{
    int32_t sum = 0;
    uint_fast16_t row = part->rows;
    do {
        const MW_NUMBER *const end = x + part->past;
        const MW_NUMBER *from = x;
        do {
            sum += *from;
            from += channels;
        } while (from != end);
        x += part->between_rows;
    } while (--row != 0);
    return sum;
}

/* The sums of four channels. */
static void MW_OF(mw_window_sums)(const mw_window_part *part, uint_fast16_t channels, const MW_NUMBER *x,
                                  int32_t *sums)
{
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;
    uint_fast16_t row = part->rows;
    do {
        const MW_NUMBER *const end = x + part->past;
        const MW_NUMBER *from = x;
        do {
            a += from[0];
            b += from[1];
            c += from[2];
            d += from[3];
            from += channels;
        } while (from != end);
        x += part->between_rows;
    } while (--row != 0);
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* All channels of one window, to `out` or, if there are any, to `scores`. */
static void MW_OF(mw_average_one)(const mw_average_pool *layer, const mw_window_part *part,
                                  mw_divisor divisor, const MW_NUMBER *x, MW_NUMBER *out, int32_t *scores)
{
    const uint_fast16_t channels = layer->windows.channels;
    int32_t sums[4];
    for (uint_fast16_t done = 0; done < channels;) {
        uint_fast16_t n = 1;
        if (channels - done >= 4) {
            n = 4;
            MW_OF(mw_window_sums)(part, channels, x + done, sums);
        } else {
            sums[0] = MW_OF(mw_window_sum)(part, channels, x + done);
        }
        for (uint_fast16_t i = 0; i < n; ++i, ++done) {
            const int32_t mean = MW_OF(mw_mean_of)(sums[i] + divisor.outside, &divisor);
            const int32_t value = mean * layer->scale + layer->offset;
            if (scores != NULL) {
                scores[done] = value;
            } else {
                out[done] = (MW_NUMBER) mw_clamped(value >> layer->shift, layer->low, layer->high);
            }
        }
    }
}

static void MW_OF(mw_averages)(const mw_average_pool *flash, const MW_NUMBER *x, MW_NUMBER *out,
                               int32_t *scores)
{
    mw_average_pool layer;
    const mw_windows *const windows = &layer.windows;
    mw_divisor divisor = {0, 0, 0};
    MW_READ_BYTES(&layer, flash, sizeof layer);
    for (uint_fast16_t i = 0; i < windows->height; ++i) {
        const mw_span rows = mw_seen(i, windows->down, windows->top, windows->rows, windows->in_height);
        for (uint_fast16_t j = 0; j < windows->width; ++j) {
            const mw_window_part part = mw_part(windows, rows, j);
            mw_divide_by(&divisor, &layer, &part);
            MW_OF(mw_average_one)(&layer, &part, divisor, x + part.first, out, scores);
            if (scores != NULL) {
                scores += windows->channels;
            } else {
                out += windows->channels;
            }
        }
    }
}

void MW_OF(mw_average_pool)(const mw_average_pool *layer, const MW_NUMBER *x, MW_NUMBER *out)
{
    MW_OF(mw_averages)(layer, x, out, NULL);
}

void MW_OF(mw_average_pool_scores)(const mw_average_pool *layer, const MW_NUMBER *x, int32_t *out)
{
    MW_OF(mw_averages)(layer, x, NULL, out);
}
