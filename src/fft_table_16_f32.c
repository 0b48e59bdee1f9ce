/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const float mw_fft_table_16_f32[MW_FFT_TABLE_SIZE(16)] MW_FLASH = {
    16.0f, 1.0f, 0.923879504f, 0.707106769f, 0.382683426f, 0.0f,
};
