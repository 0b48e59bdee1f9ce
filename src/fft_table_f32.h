/* SPDX-License-Identifier: MIT */
/** @file
 * How constant tables of floats are defined: as plain arrays, or, for MW_CMSIS_DSP=1, with what
 * signal_cmsis.h finds behind them.
 */
#ifndef MILLIWATT_FFT_TABLE_F32_H
#define MILLIWATT_FFT_TABLE_F32_H

#include <milliwatt/fft.h>

#if MW_CMSIS_DSP
#include "signal_cmsis.h"

/* No transform of 4 or 8 is there. */
#define MW_CMSIS_FFT_INIT_4 NULL
#define MW_CMSIS_FFT_INIT_8 NULL
#define MW_CMSIS_FFT_INIT_16 arm_cfft_init_16_f32
#define MW_CMSIS_FFT_INIT_32 arm_cfft_init_32_f32
#define MW_CMSIS_FFT_INIT_64 arm_cfft_init_64_f32
#define MW_CMSIS_FFT_INIT_128 arm_cfft_init_128_f32
#define MW_CMSIS_FFT_INIT_256 arm_cfft_init_256_f32
#define MW_CMSIS_FFT_INIT_512 arm_cfft_init_512_f32
#define MW_CMSIS_FFT_INIT_1024 arm_cfft_init_1024_f32
#define MW_CMSIS_FFT_INIT_2048 arm_cfft_init_2048_f32
#define MW_CMSIS_FFT_INIT_4096 arm_cfft_init_4096_f32

/* clang-format off */
/* N + 8 bytes of numbers, so that pointers follow without a gap. */
#define MW_FFT_TABLE_F32_BEGIN(n)            \
    static const struct {                    \
        float numbers[MW_FFT_TABLE_SIZE(n)]; \
        mw_cmsis_fft_init full, half;        \
    } mw_fft_table_and_cmsis = {{-(float) (n),
#define MW_FFT_TABLE_F32_END(n, half)                                                \
    }, MW_CMSIS_FFT_INIT_##n, MW_CMSIS_FFT_INIT_##half};                             \
    extern const float mw_fft_table_##n##_f32[MW_FFT_TABLE_SIZE(n) + MW_FFT_BEHIND_] \
        __attribute__((alias("mw_fft_table_and_cmsis")));
/* clang-format on */
#else
/* clang-format off */
#define MW_FFT_TABLE_F32_BEGIN(n) \
    const float mw_fft_table_##n##_f32[MW_FFT_TABLE_SIZE(n)] MW_FLASH = {(float) (n),
#define MW_FFT_TABLE_F32_END(n, half) };
#endif
/* clang-format on */

#endif
