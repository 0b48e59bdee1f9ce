/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const int16_t mw_fft_table_32_q15[MW_FFT_TABLE_SIZE(32)] MW_FLASH = {
    32, -32768, -32138, -30274, -27246, -23170, -18205, -12540, -6393, 0,
};
