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

typedef float mw_fft_cosine;

#include "fft_order_body.h"

/* Turns by i of 4 * quarter steps, not more than one quarter. */
static inline mw_fft_turn mw_fft_turn_once(const mw_fft_cosine *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    turn.cosine = mw_fft_read_f32(cosine + i);
    turn.sine = mw_fft_read_f32(cosine + quarter - i);
    return turn;
}

#include "fft_turns_body.h"

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
