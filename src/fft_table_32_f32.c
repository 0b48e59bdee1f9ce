/* SPDX-License-Identifier: MIT */
/* Written by scripts/fft_tables.py. */
#include "fft_table_f32.h"

/* clang-format off */
MW_FFT_TABLE_F32_BEGIN(32)
    1.0f, 0.980785251f, 0.923879504f, 0.831469595f, 0.707106769f, 0.555570245f, 0.382683426f,
    0.195090324f, 0.0f,
MW_FFT_TABLE_F32_END(32, 16)
