/* SPDX-License-Identifier: MIT */
/** @file
 * Floats in order as integers, and without their sign: no instruction of an FPU, no call of soft float.
 */
#ifndef MILLIWATT_TIME_KEY_H
#define MILLIWATT_TIME_KEY_H

#include <string.h>

#include <milliwatt/nan.h>

/* The order of magnitudes is that of their bits. -0 and 0 have one key, NaN is beyond infinity, on its sign's
 * side. */
static inline int32_t mw_key_of(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const uint32_t sign = UINT32_C(0) - (bits >> 31);
    return (int32_t) (((bits & UINT32_C(0x7fffffff)) ^ sign) - sign);
}

static inline float mw_float_of(int32_t key)
{
    const uint32_t bits = key < 0 ? UINT32_C(0x80000000) - (uint32_t) key : (uint32_t) key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float mw_size_f32(float x)
{
    const uint32_t bits = mw_float_bits(x) & UINT32_C(0x7fffffff);
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
