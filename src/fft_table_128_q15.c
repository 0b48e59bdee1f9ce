/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const int16_t mw_fft_table_128_q15[MW_FFT_TABLE_SIZE(128)] MW_FLASH = {
    128, -32768, -32729, -32610, -32413, -32138, -31786, -31357, -30853, -30274, -29622, -28899,
    -28106, -27246, -26320, -25330, -24279, -23170, -22006, -20788, -19520, -18205, -16846, -15447,
    -14010, -12540, -11039, -9512, -7962, -6393, -4808, -3212, -1608, 0,
};
