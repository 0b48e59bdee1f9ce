/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const float mw_fft_table_8_f32[MW_FFT_TABLE_SIZE(8)] MW_FLASH = {
    8.0f, 1.0f, 0.707106769f, 0.0f,
};
