/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const int16_t mw_fft_table_16_q15[MW_FFT_TABLE_SIZE(16)] MW_FLASH = {
    16, -32768, -30274, -23170, -12540, 0,
};
