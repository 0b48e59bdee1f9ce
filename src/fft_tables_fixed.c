/* SPDX-License-Identifier: MIT */
#include "fft_parts.h"
#include "sine.h"

#if !MW_USE_PROGMEM
static int mw_fft_check_table(const void *table, size_t n)
{
    if (table == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n >= MW_FFT_LEAST && n <= MW_FFT_MOST && mw_fft_power_of_two(n) ? MW_OK : MW_ERROR_LENGTH;
}

/* Cosine of k of n parts of a turn in 2^-bits, rounded, at most `most`. */
static int32_t mw_fft_cosine(size_t k, size_t n, unsigned bits, int32_t most)
{
    const uint32_t turn = (uint32_t) ((UINT32_C(1) << 31) / n * 2);
    const int64_t value = mw_cosine_turns((uint32_t) k * turn);
    const int32_t rounded = (int32_t) ((value + (INT64_C(1) << (59 - bits))) >> (60 - bits));
    return rounded < most ? rounded : most;
}

int mw_fft_table_i32(uint16_t *table, size_t n)
{
    const int status = mw_fft_check_table(table, n);
    if (status == MW_OK) {
        table[0] = (uint16_t) n;
        for (size_t k = 0; k <= n / 4; ++k) {
            table[k + 1] = (uint16_t) mw_fft_cosine(k, n, 16, 65535);
        }
    }
    return status;
}

int mw_fft_table_q15(int16_t *table, size_t n)
{
    const int status = mw_fft_check_table(table, n);
    if (status == MW_OK) {
        table[0] = (int16_t) n;
        table[1] = INT16_MIN;
        for (size_t k = 1; k <= n / 4; ++k) {
            table[k + 1] = (int16_t) -mw_fft_cosine(k, n, 15, 32767);
        }
    }
    return status;
}
#endif
