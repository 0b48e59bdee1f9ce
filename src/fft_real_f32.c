/* SPDX-License-Identifier: MIT */
/* Even elements are taken as real parts, odd ones as imaginary ones of n / 2 complex numbers. Bin k and bin
 * n / 2 - k of those tell the transforms of both (Press et al., Numerical Recipes, 12.3). */
#include "fft_f32.h"

/* All bins k and n / 2 - k but the first and the last. */
static void mw_rfft_split(mw_fft_pair *low, size_t n, const float *cosine, const float *sine, size_t step)
{
    mw_fft_pair *high = low + n / 2;
    do {
        mw_fft_turn turn;
        mw_fft_pair even, odd;
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        cosine += step;
        sine -= step;
        turn.cosine = mw_fft_read_f32(cosine);
        turn.sine = mw_fft_read_f32(sine);
        even.re = 0.5f * (x.re + y.re);
        even.im = 0.5f * (x.im - y.im);
        odd.re = 0.5f * (x.im + y.im);
        odd.im = 0.5f * (y.re - x.re);
        odd = mw_fft_turned(odd, turn);
        low->re = even.re + odd.re;
        low->im = even.im + odd.im;
        high->re = even.re - odd.re;
        high->im = odd.im - even.im;
    } while (low < high);
}

/* The opposite, times 2 * scale, with the numbers in reverse order. */
static void mw_rfft_join(mw_fft_pair *low, size_t n, const float *cosine, const float *sine, size_t step,
                         float scale)
{
    mw_fft_pair *high = low + n / 2;
    do {
        mw_fft_turn turn;
        mw_fft_pair even, odd;
        const mw_fft_pair x = *++low;
        const mw_fft_pair y = *--high;
        cosine += step;
        sine -= step;
        turn.cosine = mw_fft_read_f32(cosine);
        turn.sine = -mw_fft_read_f32(sine);
        even.re = scale * (x.re + y.re);
        even.im = scale * (x.im - y.im);
        odd.re = scale * (x.re - y.re);
        odd.im = scale * (x.im + y.im);
        odd = mw_fft_turned(odd, turn);
        low->re = even.re + odd.im;
        low->im = odd.re - even.im;
        high->re = even.re - odd.im;
        high->im = even.im + odd.re;
    } while (low < high);
}

int mw_rfft_f32(float *x, size_t n, const float *table)
{
    mw_fft_pair *const bins = (mw_fft_pair *) x;
    const int status = mw_fft_check_f32(x, n, table);
    size_t quarter;
    float re, im;
    if (status != MW_OK) {
        return status;
    }
    mw_fft_run_f32(bins, n / 2, table);
    re = bins[0].re;
    im = bins[0].im;
    bins[0].re = re + im;
    bins[0].im = 0.0f;
    bins[n / 2].re = re - im;
    bins[n / 2].im = 0.0f;
    quarter = mw_fft_length_f32(table) / 4;
    mw_rfft_split(bins, n, table + 1, table + 1 + quarter, 4 * quarter / n);
    return MW_OK;
}

int mw_irfft_f32(float *x, size_t n, const float *table)
{
    mw_fft_pair *const bins = (mw_fft_pair *) x;
    const int status = mw_fft_check_f32(x, n, table);
    const float scale = 1.0f / (float) n;
    size_t quarter;
    float first, last;
    if (status != MW_OK) {
        return status;
    }
    first = bins[0].re;
    last = bins[n / 2].re;
    bins[0].re = scale * (first + last);
    bins[0].im = scale * (first - last);
    quarter = mw_fft_length_f32(table) / 4;
    mw_rfft_join(bins, n, table + 1, table + 1 + quarter, 4 * quarter / n, scale);
    mw_fft_run_f32(bins, n / 2, table);
    return MW_OK;
}
