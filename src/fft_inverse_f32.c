/* SPDX-License-Identifier: MIT */
#include "fft_f32.h"

/* Numbers 1 to n-1 in reverse order, all times `scale`; n / 2 is its own opposite. */
static void mw_fft_scale_round(mw_fft_pair *x, size_t n, float scale)
{
    mw_fft_pair *low = x;
    mw_fft_pair *high = x + n;
    x->re *= scale;
    x->im *= scale;
    for (;;) {
        const mw_fft_pair first = *++low;
        const mw_fft_pair second = *--high;
        high->re = first.re * scale;
        high->im = first.im * scale;
        if (low == high) {
            return;
        }
        low->re = second.re * scale;
        low->im = second.im * scale;
    }
}

int mw_ifft_f32(float *x, size_t n, const float *table)
{
    const int status = mw_fft_check_f32(x, n, table);
    if (status == MW_OK) {
        mw_fft_run_f32((mw_fft_pair *) x, n, table);
        mw_fft_scale_round((mw_fft_pair *) x, n, 1.0f / (float) n);
    }
    return status;
}
