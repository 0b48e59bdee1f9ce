/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include "fft_table_f32.h"

/* clang-format off */
MW_FFT_TABLE_F32_BEGIN(8)
    1.0f, 0.707106769f, 0.0f,
MW_FFT_TABLE_F32_END(8, 4)
