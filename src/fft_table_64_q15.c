/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const int16_t mw_fft_table_64_q15[MW_FFT_TABLE_SIZE(64)] MW_FLASH = {
    64, -32768, -32610, -32138, -31357, -30274, -28899, -27246, -25330, -23170, -20788, -18205,
    -15447, -12540, -9512, -6393, -3212, 0,
};
