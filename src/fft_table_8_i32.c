/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const uint16_t mw_fft_table_8_i32[MW_FFT_TABLE_SIZE(8)] MW_FLASH = {
    8, 65535, 46341, 0,
};
