/* SPDX-License-Identifier: MIT */
#include "fft_i32.h"

int mw_ifft_i32(int32_t *x, size_t n, const uint16_t *table)
{
    const int status = mw_fft_check_i32(x, n, table);
    if (status == MW_OK) {
        mw_fft_run_i32((mw_fft_pair *) x, n, table, 3);
        mw_fft_turn_round((mw_fft_pair *) x, n);
    }
    return status;
}
