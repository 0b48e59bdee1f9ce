/* SPDX-License-Identifier: MIT */
#include "fft_q15.h"

int mw_ifft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent)
{
    const int status = mw_fft_check_q15(x, n, table, exponent);
    int is_long;
    if (status == MW_OK) {
        mw_fft_pair *const bins = (mw_fft_pair *) (void *) x;
        *exponent = mw_fft_run_q15(bins, n, table, &is_long) - mw_fft_log2(n);
        mw_fft_turn_round(bins, n);
    }
    return status;
}
