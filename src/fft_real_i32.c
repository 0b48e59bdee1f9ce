/* SPDX-License-Identifier: MIT */
/* As fft_real_f32.c. All numbers that are turned are no longer than 0.71 * 2^29. */
#include "fft_i32.h"

/* Bins k and n / 2 - k but the first, the last and the one in the middle. */
static void mw_rfft_split(mw_fft_pair *low, size_t n, const uint16_t *cosine, size_t quarter)
{
    mw_fft_pair *high = low + n / 2;
    const size_t step = 4 * quarter / n;
    for (size_t i = step; i != quarter; i += step) {
        const mw_fft_turn turn = mw_fft_turn_once(cosine, quarter, i);
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        const int32_t even_re = (x.re + y.re) >> 1;
        const int32_t even_im = (x.im - y.im) >> 1;
        mw_fft_pair odd;
        odd.re = (x.im + y.im) >> 1;
        odd.im = (y.re - x.re) >> 1;
        odd = mw_fft_turned(odd, turn, 16);
        low->re = even_re + odd.re;
        low->im = even_im + odd.im;
        high->re = even_re - odd.re;
        high->im = odd.im - even_im;
    }
    low[1].im = -low[1].im;
}

/* The opposite, divided by 8, with the numbers in reverse order. */
static void mw_rfft_join(mw_fft_pair *low, size_t n, const uint16_t *cosine, size_t quarter)
{
    mw_fft_pair *high = low + n / 2;
    const size_t step = 4 * quarter / n;
    for (size_t i = step; i != quarter; i += step) {
        mw_fft_turn turn = mw_fft_turn_once(cosine, quarter, i);
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        const int32_t even_re = (x.re >> 4) + (y.re >> 4);
        const int32_t even_im = (x.im >> 4) - (y.im >> 4);
        mw_fft_pair odd;
        odd.re = ((x.re >> 3) - (y.re >> 3)) >> 1;
        odd.im = ((x.im >> 3) + (y.im >> 3)) >> 1;
        turn.sine = -turn.sine;
        odd = mw_fft_turned(odd, turn, 16);
        low->re = even_re + odd.im;
        low->im = odd.re - even_im;
        high->re = even_re - odd.im;
        high->im = even_im + odd.re;
    }
    ++low;
    low->re >>= 3;
    low->im = -(low->im >> 3);
}

int mw_rfft_i32(int32_t *x, size_t n, const uint16_t *table)
{
    mw_fft_pair *const bins = (mw_fft_pair *) x;
    const int status = mw_fft_check_i32(x, n, table);
    int32_t re, im;
    if (status != MW_OK) {
        return status;
    }
    mw_fft_run_i32(bins, n / 2, table, 3);
    re = bins[0].re;
    im = bins[0].im;
    bins[0].re = re + im;
    bins[0].im = 0;
    bins[n / 2].re = re - im;
    bins[n / 2].im = 0;
    mw_rfft_split(bins, n, table + 1, MW_READ_16(table) / 4U);
    return MW_OK;
}

int mw_irfft_i32(int32_t *x, size_t n, const uint16_t *table)
{
    mw_fft_pair *const bins = (mw_fft_pair *) x;
    const int status = mw_fft_check_i32(x, n, table);
    int32_t first, last;
    if (status != MW_OK) {
        return status;
    }
    first = bins[0].re >> 4;
    last = bins[n / 2].re >> 4;
    bins[0].re = first + last;
    bins[0].im = first - last;
    mw_rfft_join(bins, n, table + 1, MW_READ_16(table) / 4U);
    mw_fft_run_i32(bins, n / 2, table, 1);
    return MW_OK;
}
