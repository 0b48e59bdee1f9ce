/* SPDX-License-Identifier: MIT */
/** @file
 * What transforms of int16_t share. Numbers of a block have one exponent; a pass that joins four halves its
 * inputs, or, where a complex number of the block is LONG, takes a quarter.
 *
 * Lengths: a number that is not LONG is shorter than 16126, so that halves of four are shorter than 32256;
 * quarters of four of those are no longer but for rounding, less than 4 a pass, of which there are six.
 */
#ifndef MILLIWATT_FFT_Q15_H
#define MILLIWATT_FFT_Q15_H

#include "fft_parts.h"

#if defined(__GNUC__)
typedef struct __attribute__((aligned(4))) {
    int16_t re, im;
} mw_fft_pair;
#else
typedef struct {
    int16_t re, im;
} mw_fft_pair;
#endif

/* The angle by which to turn, clockwise: its cosine and sine, negative, in 2^-15. */
typedef struct {
    int32_t cosine, sine;
} mw_fft_turn;

typedef int16_t mw_fft_cosine;

#include "fft_order_body.h"

static inline mw_fft_pair mw_fft_pair_of(int32_t re, int32_t im)
{
    mw_fft_pair result;
    result.re = (int16_t) re;
    result.im = (int16_t) im;
    return result;
}

/* Turns by i of 4 * quarter steps, not more than one quarter. */
static inline mw_fft_turn mw_fft_turn_once(const mw_fft_cosine *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    turn.cosine = mw_fft_read_q15(cosine + i);
    turn.sine = mw_fft_read_q15(cosine + quarter - i);
    return turn;
}

#include "fft_turns_body.h"

/* `(x.re * cosine + x.im * sine) / 2^16` and so on, rounded: half the number, turned, the other sign. */
static inline int32_t mw_fft_turned_re(mw_fft_pair x, mw_fft_turn turn)
{
    return (x.re * turn.cosine + x.im * turn.sine + INT32_C(0x8000)) >> 16;
}

static inline int32_t mw_fft_turned_im(mw_fft_pair x, mw_fft_turn turn)
{
    return (x.im * turn.cosine - x.re * turn.sine + INT32_C(0x8000)) >> 16;
}

/* x.re^2 + x.im^2 + more, which is below 2^32. */
static inline uint32_t mw_fft_power(mw_fft_pair x, uint32_t more)
{
    return (uint32_t) ((int32_t) x.re * x.re) + (uint32_t) ((int32_t) x.im * x.im) + more;
}

/* Bit 28 of the power of a LONG number, increased by this, is set. */
#define MW_FFT_LONG (UINT32_C(1) << 28)
#define MW_FFT_MORE (UINT32_C(1) << 23)

#ifdef __cplusplus
extern "C" {
#endif

/* Multiplies by a power of two, so that no number is longer than 8188, and the longest at least 2048. Returns
 * the exponent. */
int mw_fft_normalize_q15(mw_fft_pair *x, size_t n);

/* Halves all numbers. */
void mw_fft_halve_q15(mw_fft_pair *x, size_t n);

/* Without checks, n >= 4. Returns the exponent; `*is_long`: whether a number of the result is LONG. */
int mw_fft_run_q15(mw_fft_pair *x, size_t n, const int16_t *table, int *is_long);

#ifdef __cplusplus
}
#endif

#endif
