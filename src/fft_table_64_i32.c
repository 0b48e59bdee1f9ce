/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const uint16_t mw_fft_table_64_i32[MW_FFT_TABLE_SIZE(64)] MW_FLASH = {
    64, 65535, 65220, 64277, 62714, 60547, 57798, 54491, 50660, 46341, 41576, 36410, 30893, 25080,
    19024, 12785, 6424, 0,
};
