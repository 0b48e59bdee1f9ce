/* SPDX-License-Identifier: MIT */
/** @file
 * Floats as bits, and the search for NaN. All of it stays right under -ffast-math.
 */
#ifndef MILLIWATT_NAN_H
#define MILLIWATT_NAN_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The bits of a float. */
static inline uint32_t mw_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/** 1 if x is NaN. */
static inline int mw_is_nan(float x)
{
    return mw_float_bits(x) << 1 > UINT32_C(0xff000000);
}

/*
 * 0 only if none of `8 * blocks` floats is NaN. Arm cores with an FPU add eight floats up in ten
 * instructions, and a NaN stays NaN in a sum; infinities may raise a false alarm.
 */
#if defined(__GNUC__) && defined(__ARM_FP) && (__ARM_FP & 4) && !defined(__SOFTFP__) && !defined(__aarch64__)
static inline int mw_may_have_nan_(const float *values, uint_fast16_t blocks)
{
    float sum = 0.0f;
    while (blocks-- > 0) {
        __asm__("vldmia %1!, {s8-s15}\n\t"
                "vadd.f32 %0, %0, s8\n\t"
                "vadd.f32 %0, %0, s9\n\t"
                "vadd.f32 %0, %0, s10\n\t"
                "vadd.f32 %0, %0, s11\n\t"
                "vadd.f32 %0, %0, s12\n\t"
                "vadd.f32 %0, %0, s13\n\t"
                "vadd.f32 %0, %0, s14\n\t"
                "vadd.f32 %0, %0, s15"
                : "+t"(sum), "+r"(values)
                : "m"(*(const float (*)[8]) values)
                : "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15");
    }
    return mw_is_nan(sum);
}
#else
static inline int mw_may_have_nan_(const float *values, uint_fast16_t blocks)
{
    (void) values;
    (void) blocks;
    return 1;
}
#endif

/** 1 if one of `n` floats is NaN, else 0. */
static inline int mw_has_nan(const float *values, uint_fast16_t n)
{
    const float *const end = values + n;
    if (!mw_may_have_nan_(values, n / 8)) {
        values += n - n % 8; /* only the rest is left to look at */
    }
    for (; values != end; ++values) {
        if (mw_is_nan(*values)) {
            return 1;
        }
    }
    return 0;
}

#ifdef __cplusplus
}
#endif

#endif
