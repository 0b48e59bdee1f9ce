/* SPDX-License-Identifier: MIT */
/** @file
 * Where the windows of pools lie in an image.
 */
#ifndef MILLIWATT_NET_WINDOWS_H
#define MILLIWATT_NET_WINDOWS_H

#include <milliwatt/nets.h>

/* The part of a window along one side that is in the image: its first place, and how many. */
typedef struct {
    uint_fast16_t first, count;
} mw_span;

/* Of window `index`; none lies in the padding alone. */
static inline mw_span mw_seen(uint_fast16_t index, uint_fast16_t stride, uint_fast16_t before,
                              uint_fast16_t size, uint_fast16_t side)
{
    const uint_fast32_t start = (uint_fast32_t) index * stride;
    const uint_fast32_t end = start + size - before;
    mw_span span;
    span.first = (uint_fast16_t) (start > before ? start - before : 0);
    span.count = (uint_fast16_t) ((end < side ? end : side) - span.first);
    return span;
}

/* What a window sees: rows of runs, one pixel after the other. */
typedef struct {
    size_t first; /* number of the first pixel's first channel */
    uint_fast16_t rows;
    uint_fast16_t columns;
    size_t between_rows, past; /* numbers from one row to the next, and of a row of the window */
} mw_window_part;

static inline mw_window_part mw_part(const mw_windows *layer, mw_span rows, uint_fast16_t x)
{
    const mw_span columns = mw_seen(x, layer->right, layer->left, layer->columns, layer->in_width);
    mw_window_part part;
    part.between_rows = (size_t) layer->in_width * layer->channels;
    part.first = rows.first * part.between_rows + (size_t) columns.first * layer->channels;
    part.past = (size_t) columns.count * layer->channels;
    part.rows = rows.count;
    part.columns = columns.count;
    return part;
}

#endif
