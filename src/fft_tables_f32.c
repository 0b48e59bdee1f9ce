/* SPDX-License-Identifier: MIT */
#include "fft_parts.h"
#include "sine.h"

#if !MW_USE_PROGMEM
int mw_fft_table_f32(float *table, size_t n)
{
    if (table == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (n < MW_FFT_LEAST || n > MW_FFT_MOST || !mw_fft_power_of_two(n)) {
        return MW_ERROR_LENGTH;
    }
    const uint32_t turn = (uint32_t) ((UINT32_C(1) << 31) / n * 2);
    table[0] = (float) n;
    for (size_t k = 0; k <= n / 4; ++k) {
        table[k + 1] = mw_sine_to_f32(mw_cosine_turns((uint32_t) k * turn));
    }
    return MW_OK;
}
#endif
