/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include <milliwatt/fft.h>

/* clang-format off */
const uint16_t mw_fft_table_128_i32[MW_FFT_TABLE_SIZE(128)] MW_FLASH = {
    128, 65535, 65457, 65220, 64827, 64277, 63572, 62714, 61705, 60547, 59244, 57798, 56212, 54491,
    52639, 50660, 48559, 46341, 44011, 41576, 39040, 36410, 33692, 30893, 28020, 25080, 22078,
    19024, 15924, 12785, 9616, 6424, 3216, 0,
};
