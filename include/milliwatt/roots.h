/* SPDX-License-Identifier: MIT */
/** @file
 * Square roots, without libm: exact for integers, correctly rounded for floats.
 *
 * Digit by digit, as with pencil and paper (Knuth, The Art of Computer Programming, volume 2, 4.3.1).
 */
#ifndef MILLIWATT_ROOTS_H
#define MILLIWATT_ROOTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The largest integer whose square is at most x. */
uint16_t mw_root_u32(uint32_t x);
uint32_t mw_root_u64(uint64_t x); /**< the same */

/** mw_root_f32 in integers, for CPUs without square roots: the same bits. */
float mw_root_soft_f32(float x);

/**
 * Square root, the float that is nearest to it: the bits that IEEE 754 asks for, on every CPU.
 *
 * -0 gives -0, infinity infinity, anything less than 0 and NaN a quiet NaN.
 */
static inline float mw_root_f32(float x)
{
#if defined(__GNUC__) && defined(__ARM_FP) && (__ARM_FP & 4) && !defined(__SOFTFP__) && !defined(__aarch64__)
    __asm__("vsqrt.f32 %0, %1" : "=t"(x) : "t"(x));
    return x;
#else
    return mw_root_soft_f32(x);
#endif
}

#ifdef __cplusplus
}
#endif

#endif
