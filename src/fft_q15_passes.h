/* SPDX-License-Identifier: MIT */
/** @file
 * Passes of fft_q15.c, for any CPU.
 */
#ifndef MILLIWATT_FFT_Q15_PASSES_H
#define MILLIWATT_FFT_Q15_PASSES_H

#include "fft_q15.h"

/* All powers, each increased by `more`, or-ed. */
static uint32_t mw_fft_powers(const mw_fft_pair *x, size_t n, uint32_t more)
{
    const mw_fft_pair *const end = x + n;
    uint32_t all = 0;
    for (; x != end; ++x) {
        all |= mw_fft_power(*x, more);
    }
    return all;
}

/* Stores and returns the power. */
static inline uint32_t mw_fft_put(mw_fft_pair *x, int32_t re, int32_t im)
{
    *x = mw_fft_pair_of(re, im);
    return (uint32_t) (re * re) + (uint32_t) (im * im) + MW_FFT_MORE;
}

typedef struct {
    int32_t re, im;
} mw_fft_wide;

/* Joins elements 0, 2, 1, 3 modulo 4, already turned and divided, of which all but the first have the other
 * sign. Returns the powers or-ed. */
static inline uint32_t mw_fft_join(mw_fft_pair *x, size_t m, mw_fft_wide a, mw_fft_wide b, mw_fft_wide c,
                                   mw_fft_wide d)
{
    const int32_t even_re = a.re - b.re;
    const int32_t even_im = a.im - b.im;
    const int32_t even_less_re = a.re + b.re;
    const int32_t even_less_im = a.im + b.im;
    const int32_t odd_re = c.re + d.re;
    const int32_t odd_im = c.im + d.im;
    const int32_t odd_less_re = c.re - d.re;
    const int32_t odd_less_im = c.im - d.im;
    uint32_t all = mw_fft_put(x, even_re - odd_re, even_im - odd_im);
    all |= mw_fft_put(x + m, even_less_re - odd_less_im, even_less_im + odd_less_re);
    all |= mw_fft_put(x + 2 * m, even_re + odd_re, even_im + odd_im);
    return all | mw_fft_put(x + 3 * m, even_less_re + odd_less_im, even_less_im - odd_less_re);
}

static inline mw_fft_wide mw_fft_part(mw_fft_pair x, int shift)
{
    const int32_t half = (INT32_C(1) << shift) >> 1;
    mw_fft_wide result;
    result.re = (x.re + half) >> shift;
    result.im = (x.im + half) >> shift;
    return result;
}

static inline mw_fft_wide mw_fft_turned(mw_fft_pair x, mw_fft_turn turn)
{
    mw_fft_wide result;
    result.re = mw_fft_turned_re(x, turn);
    result.im = mw_fft_turned_im(x, turn);
    return result;
}

/* Of all blocks, the first element of each of the four transforms: nothing to turn. */
static uint32_t mw_fft_first(mw_fft_pair *x, const mw_fft_pair *end, size_t m, int shift)
{
    uint32_t all = 0;
    for (; x < end; x += 4 * m) {
        const mw_fft_wide a = mw_fft_part(x[0], shift);
        const mw_fft_wide b = mw_fft_part(x[m], shift);
        const mw_fft_wide c = mw_fft_part(x[2 * m], shift);
        const mw_fft_wide d = mw_fft_part(x[3 * m], shift);
        const int32_t even_less_re = a.re - b.re;
        const int32_t even_less_im = a.im - b.im;
        const int32_t odd_less_re = c.re - d.re;
        const int32_t odd_less_im = c.im - d.im;
        all |= mw_fft_put(x, a.re + b.re + (c.re + d.re), a.im + b.im + (c.im + d.im));
        all |= mw_fft_put(x + m, even_less_re + odd_less_im, even_less_im - odd_less_re);
        all |= mw_fft_put(x + 2 * m, a.re + b.re - (c.re + d.re), a.im + b.im - (c.im + d.im));
        all |= mw_fft_put(x + 3 * m, even_less_re - odd_less_im, even_less_im + odd_less_re);
    }
    return all;
}

/* Of all blocks, one other element. */
static uint32_t mw_fft_other(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turn once,
                             mw_fft_turn twice, mw_fft_turn thrice, int shift)
{
    uint32_t all = 0;
    for (; x < end; x += 4 * m) {
        all |= mw_fft_join(x, m, mw_fft_part(x[0], shift), mw_fft_turned(x[m], twice),
                           mw_fft_turned(x[2 * m], once), mw_fft_turned(x[3 * m], thrice));
    }
    return all;
}

static inline mw_fft_turn mw_fft_less(mw_fft_turn turn, int shift)
{
    turn.cosine >>= shift;
    turn.sine >>= shift;
    return turn;
}

/* Joins transforms of m numbers to such of 4m, divided by 2^shift; 1 if a number of the result is LONG. */
static int mw_fft_pass(mw_fft_pair *x, const mw_fft_pair *end, size_t m, const int16_t *cosine,
                       size_t quarter, int shift)
{
    const size_t step = quarter / m;
    uint32_t all = mw_fft_first(x, end, m, shift);
    for (size_t k = 1; k < m; ++k) {
        size_t i = k * step;
        MW_FFT_OPAQUE(i);
        all |= mw_fft_other(x + k, end, m, mw_fft_less(mw_fft_turn_once(cosine, quarter, i), shift - 1),
                            mw_fft_less(mw_fft_turn_twice(cosine, quarter, 2 * i), shift - 1),
                            mw_fft_less(mw_fft_turn_thrice(cosine, quarter, 3 * i), shift - 1), shift);
    }
    return all >= MW_FFT_LONG;
}

#endif
