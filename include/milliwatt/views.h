/* SPDX-License-Identifier: MIT */
/** @file
 * Windows and channels of windows, where they lie: nothing is copied.
 *
 * A sample is one number, a frame one sample of each channel, a window some frames in the order of time. A
 * window in a ring has two parts: what lies before the ring's end, and what comes after it from the ring's
 * beginning on. Whoever owns the memory owns it on; views hold pointers only.
 */
#ifndef MILLIWATT_VIEWS_H
#define MILLIWATT_VIEWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name One channel: `n_first` samples from `first` on, then `n_second` from `second` on.
 * Neighbouring samples of a part are `stride` numbers apart. At most 65535 samples in both parts together.
 * @{ */
typedef struct {
    const int16_t *first, *second;
    uint16_t n_first, n_second;
    uint16_t stride;
} mw_view_i16;

typedef struct {
    const float *first, *second;
    uint16_t n_first, n_second;
    uint16_t stride;
} mw_view_f32;
/** @} */

/** @name All of an array: `n` samples, `stride` numbers apart. @{ */
static inline mw_view_i16 mw_array_i16(const int16_t *x, uint16_t n, uint16_t stride)
{
    const mw_view_i16 view = {x, x, n, 0, stride};
    return view;
}

static inline mw_view_f32 mw_array_f32(const float *x, uint16_t n, uint16_t stride)
{
    const mw_view_f32 view = {x, x, n, 0, stride};
    return view;
}
/** @} */

/** Frames in the order of time: `n_first` from `first` on, then `n_second` (0: none) from `second` on. */
typedef struct {
    const void *first, *second;
    uint16_t n_first, n_second;
    uint16_t frame; /**< bytes a frame */
} mw_frames;

/** @name One channel of a window of frames of such numbers; `channel` counts from 0. @{ */
static inline mw_view_i16 mw_channel_i16(const mw_frames *window, uint16_t channel)
{
    const mw_view_i16 view = {(const int16_t *) window->first + channel,
                              (const int16_t *) window->second + channel, window->n_first, window->n_second,
                              (uint16_t) (window->frame / sizeof(int16_t))};
    return view;
}

static inline mw_view_f32 mw_channel_f32(const mw_frames *window, uint16_t channel)
{
    const mw_view_f32 view = {(const float *) window->first + channel,
                              (const float *) window->second + channel, window->n_first, window->n_second,
                              (uint16_t) (window->frame / sizeof(float))};
    return view;
}
/** @} */

#ifdef __cplusplus
}
#endif

#endif
