/* SPDX-License-Identifier: MIT */
#include "net_scale.h"
#include "net_windows.h"

/* What the sum of a window is divided by, its reciprocal, and what numbers outside the image add to the sum.
 */
typedef struct {
    uint32_t n;
    uint32_t factor; /* 2^24 / n, rounded */
    int32_t outside;
} mw_divisor;

/* Most windows have the size of the one before: divisions are slow. */
static void mw_divide_by(mw_divisor *divisor, const mw_average_pool *layer, const mw_window_part *part)
{
    const uint32_t inside = (uint32_t) ((uint_fast32_t) part->rows * part->columns);
    const uint32_t full = (uint32_t) layer->windows.rows * layer->windows.columns;
    const uint32_t n = layer->counts_padding ? full : inside;
    divisor->outside = layer->counts_padding ? (int32_t) (full - inside) * layer->outside : 0;
    if (n != divisor->n) {
        divisor->n = n;
        divisor->factor = ((UINT32_C(1) << 24) + n / 2) / n;
    }
}

/* 256 times the mean of bytes. */
static int32_t mw_mean_of_u8(int32_t sum, const mw_divisor *divisor)
{
    return (int32_t) (((uint32_t) sum * divisor->factor + (UINT32_C(1) << 15)) >> 16);
}

/* The mean, halves up; with 2^15 more, so that nothing negative is divided. */
static int32_t mw_mean_of_i16(int32_t sum, const mw_divisor *divisor)
{
    const uint32_t n = divisor->n;
    const uint32_t shifted = (uint32_t) sum + (n << 15) + n / 2;
    return (int32_t) (shifted / n) - 32768;
}

#include "net_u8.h"
#include "net_average_pool_body.h"

#include "net_i16.h"
#include "net_average_pool_body.h"

void mw_average_pool_f32(const mw_average_pool *flash, const float *x, float *out)
{
    mw_average_pool layer;
    const mw_windows *const windows = &layer.windows;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    for (uint_fast16_t i = 0; i < windows->height; ++i) {
        const mw_span rows = mw_seen(i, windows->down, windows->top, windows->rows, windows->in_height);
        for (uint_fast16_t j = 0; j < windows->width; ++j) {
            const mw_window_part part = mw_part(windows, rows, j);
            const uint_fast32_t inside = (uint_fast32_t) part.rows * part.columns;
            const uint_fast32_t full = (uint_fast32_t) windows->rows * windows->columns;
            const float n = (float) (layer.counts_padding ? full : inside);
            for (uint_fast16_t channel = 0; channel < windows->channels; ++channel) {
                const float *row = x + part.first + channel;
                float sum = 0.0f;
                for (uint_fast16_t below = part.rows; below != 0; --below) {
                    const float *const end = row + part.past;
                    for (const float *from = row; from != end; from += windows->channels) {
                        sum += *from;
                    }
                    row += part.between_rows;
                }
                *out++ = sum / n;
            }
        }
    }
}
