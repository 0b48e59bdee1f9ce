/* SPDX-License-Identifier: MIT */
/* As fft_real_f32.c. */
#include "fft_q15.h"

/* Sums of two numbers, of which none is LONG: room for products by 2^15. */
typedef struct {
    int32_t re, im;
} mw_fft_wide;

/* `(even + odd * turn) / 2` and the conjugate of `(even - odd * turn) / 2`, rounded. */
static inline void mw_rfft_put(mw_fft_pair *low, mw_fft_pair *high, mw_fft_wide even, mw_fft_wide odd,
                               mw_fft_turn turn)
{
    const int32_t half = INT32_C(0x8000);
    const int32_t even_re = even.re * INT32_C(0x8000) + half;
    const int32_t even_im = even.im * INT32_C(0x8000);
    const int32_t re = odd.re * turn.cosine + odd.im * turn.sine; /* the other sign */
    const int32_t im = odd.im * turn.cosine - odd.re * turn.sine;
    *low = mw_fft_pair_of((even_re - re) >> 16, (even_im + half - im) >> 16);
    *high = mw_fft_pair_of((even_re + re) >> 16, (half - even_im - im) >> 16);
}

/* Bins k and n / 2 - k but the first, the last and the one in the middle. */
static void mw_rfft_split(mw_fft_pair *low, size_t n, const int16_t *cosine, size_t quarter)
{
    mw_fft_pair *high = low + n / 2;
    const size_t step = 4 * quarter / n;
    for (size_t i = step; i != quarter; i += step) {
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        mw_fft_wide even, odd;
        even.re = (int32_t) x.re + y.re;
        even.im = (int32_t) x.im - y.im;
        odd.re = (int32_t) x.im + y.im;
        odd.im = (int32_t) y.re - x.re;
        mw_rfft_put(low, high, even, odd, mw_fft_turn_once(cosine, quarter, i));
    }
    ++low;
    *low = mw_fft_pair_of(low->re, -(int32_t) low->im);
}

/* The opposite, with the numbers in reverse order. */
static void mw_rfft_join(mw_fft_pair *low, size_t n, const int16_t *cosine, size_t quarter)
{
    mw_fft_pair *high = low + n / 2;
    const size_t step = 4 * quarter / n;
    for (size_t i = step; i != quarter; i += step) {
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        mw_fft_turn turn = mw_fft_turn_once(cosine, quarter, i);
        mw_fft_wide even, odd;
        /* A quarter ahead, so that i * odd is what is added. */
        even.re = (int32_t) x.re + y.re;
        even.im = (int32_t) x.im - y.im;
        odd.re = -((int32_t) x.im + y.im);
        odd.im = (int32_t) x.re - y.re;
        turn.sine = -turn.sine;
        mw_rfft_put(high, low, even, odd, turn);
    }
    ++low;
    *low = mw_fft_pair_of(low->re, -(int32_t) low->im);
}

int mw_rfft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent)
{
    mw_fft_pair *const bins = (mw_fft_pair *) (void *) x;
    const int status = mw_fft_check_q15(x, n, table, exponent);
    int is_long = 0;
    mw_fft_pair first;
    if (status != MW_OK) {
        return status;
    }
    *exponent = mw_fft_run_q15(bins, n / 2, table, &is_long);
    if (is_long) {
        mw_fft_halve_q15(bins, n / 2);
        ++*exponent;
    }
    first = bins[0];
    bins[0] = mw_fft_pair_of((int32_t) first.re + first.im, 0);
    bins[n / 2] = mw_fft_pair_of((int32_t) first.re - first.im, 0);
    mw_rfft_split(bins, n, table + 1, (size_t) mw_fft_read_q15(table) / 4);
    return MW_OK;
}

int mw_irfft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent)
{
    mw_fft_pair *const bins = (mw_fft_pair *) (void *) x;
    const int status = mw_fft_check_q15(x, n, table, exponent);
    int is_long, before;
    int32_t first, last;
    if (status != MW_OK) {
        return status;
    }
    bins[0].im = 0;
    bins[n / 2].im = 0;
    before = mw_fft_normalize_q15(bins, n / 2 + 1);
    first = bins[0].re;
    last = bins[n / 2].re;
    bins[0] = mw_fft_pair_of((first + last + 1) >> 1, (first - last + 1) >> 1);
    mw_rfft_join(bins, n, table + 1, (size_t) mw_fft_read_q15(table) / 4);
    *exponent = before + mw_fft_run_q15(bins, n / 2, table, &is_long) - mw_fft_log2(n / 2);
    return MW_OK;
}
