/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const int16_t mw_fft_table_8_q15[MW_FFT_TABLE_SIZE(8)] MW_FLASH = {
    8, -32768, -23170, 0,
};
