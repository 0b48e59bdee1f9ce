/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const uint16_t mw_fft_table_16_i32[MW_FFT_TABLE_SIZE(16)] MW_FLASH = {
    16, 65535, 60547, 46341, 25080, 0,
};
