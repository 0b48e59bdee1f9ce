/* SPDX-License-Identifier: MIT */
/** @file
 * `sum + a * b` and `sum - a * b` of floats. Cortex-M with an FPU has one instruction for it, with one
 * rounding (VFMA), which compilers use only if they are allowed to contract expressions.
 */
#ifndef MILLIWATT_MULTIPLY_ADD_H
#define MILLIWATT_MULTIPLY_ADD_H

#if defined(__ARM_FEATURE_FMA) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
    (__ARM_FP & 4) != 0 && defined(__GNUC__)
static inline float mw_plus_product(float sum, float a, float b)
{
    __asm__("vfma.f32 %0, %1, %2" : "+t"(sum) : "t"(a), "t"(b));
    return sum;
}
static inline float mw_less_product(float sum, float a, float b)
{
    __asm__("vfms.f32 %0, %1, %2" : "+t"(sum) : "t"(a), "t"(b));
    return sum;
}
#else
static inline float mw_plus_product(float sum, float a, float b)
{
    return sum + a * b;
}
static inline float mw_less_product(float sum, float a, float b)
{
    return sum - a * b;
}
#endif

#endif
