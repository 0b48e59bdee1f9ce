/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const uint16_t mw_fft_table_32_i32[MW_FFT_TABLE_SIZE(32)] MW_FLASH = {
    32, 65535, 64277, 60547, 54491, 46341, 36410, 25080, 12785, 0,
};
