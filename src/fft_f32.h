/* SPDX-License-Identifier: MIT */
/** @file
 * What transforms of floats share.
 */
#ifndef MILLIWATT_FFT_F32_H
#define MILLIWATT_FFT_F32_H

#include "fft_parts.h"

typedef struct {
    float re, im;
} mw_fft_pair;

/* The angle by which to turn, clockwise: e^(-i angle). */
typedef struct {
    float cosine, sine;
} mw_fft_turn;

#include "fft_order_body.h"

/* Turns by i of 4 * quarter steps: less than one quarter, two, three. */
static inline mw_fft_turn mw_fft_turn_once(const float *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    turn.cosine = mw_fft_read_f32(cosine + i);
    turn.sine = mw_fft_read_f32(cosine + quarter - i);
    return turn;
}

static inline mw_fft_turn mw_fft_turn_twice(const float *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    if (i <= quarter) {
        return mw_fft_turn_once(cosine, quarter, i);
    }
    turn = mw_fft_turn_once(cosine, quarter, 2 * quarter - i);
    turn.cosine = -turn.cosine;
    return turn;
}

static inline mw_fft_turn mw_fft_turn_thrice(const float *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    if (i <= 2 * quarter) {
        return mw_fft_turn_twice(cosine, quarter, i);
    }
    turn = mw_fft_turn_once(cosine, quarter, i - 2 * quarter);
    turn.cosine = -turn.cosine;
    turn.sine = -turn.sine;
    return turn;
}

static inline mw_fft_pair mw_fft_turned(mw_fft_pair x, mw_fft_turn turn)
{
    mw_fft_pair result;
    result.re = x.re * turn.cosine + x.im * turn.sine;
    result.im = x.im * turn.cosine - x.re * turn.sine;
    return result;
}

#ifdef __cplusplus
extern "C" {
#endif

/* Without checks, n >= 4. */
void mw_fft_run_f32(mw_fft_pair *x, size_t n, const float *table);

#ifdef __cplusplus
}
#endif

#endif
