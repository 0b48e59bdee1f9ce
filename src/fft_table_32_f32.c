/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const float mw_fft_table_32_f32[MW_FFT_TABLE_SIZE(32)] MW_FLASH = {
    32.0f, 1.0f, 0.980785251f, 0.923879504f, 0.831469595f, 0.707106769f, 0.555570245f, 0.382683426f,
    0.195090324f, 0.0f,
};
