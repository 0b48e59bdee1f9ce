/* SPDX-License-Identifier: MIT */
/** @file
 * From scores to probabilities: exponential, sigmoid, softmax, without libm.
 *
 * The exponential is computed in integers, so that every CPU and every compiler setting gives the same
 * bits. 2^f is a polynomial of degree 6, fitted for least relative error on 0..1 (2^-29).
 */
#ifndef MILLIWATT_LINKS_H
#define MILLIWATT_LINKS_H

#include <milliwatt/config.h>
#include <milliwatt/nan.h>

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `2^(y / 2^24)` for -126 * 2^24 <= y < 128 * 2^24, relative error below 2^-23.5. */
static inline float mw_exp2_fixed_(int32_t y)
{
    static const uint32_t higher[6] MW_FLASH = {1336066,   10392181,  59574981,
                                                257944779, 744260910, 1073741824};
    const uint32_t fraction = (uint32_t) y & UINT32_C(0xffffff);
    /* Floor division without shifting a negative number to the right. */
    const int32_t whole = (int32_t) (((uint32_t) y + (UINT32_C(128) << 24)) >> 24) - 128;
    uint32_t power = 232901; /* in 2^-30 */
    uint32_t bits;
    float result;
    for (uint_fast8_t i = 0; i < 6; ++i) {
        power = MW_READ_32(higher + i) + (uint32_t) (((uint64_t) power * fraction) >> 24);
    }
    /* Rounded to 24 bits; a carry goes into the exponent by itself. */
    bits = ((uint32_t) (whole + 126) << 23) + ((power + 64U) >> 7);
    memcpy(&result, &bits, sizeof result);
    return result;
}

/** `x * factor * 2^24`, rounded, where `factor` is in 2^-30; out of range: `limit` of the sign of x. */
static inline int32_t mw_scaled_(float x, uint32_t factor, int32_t limit)
{
    const uint32_t bits = mw_float_bits(x);
    const uint32_t exponent = (bits >> 23) & 0xffU;
    const uint64_t product = (uint64_t) ((bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000)) * factor;
    int32_t result;
    if (exponent >= 134U) { /* 128 and more */
        result = limit;
    } else if (exponent < 95U) { /* less than 2^-32 */
        result = 0;
    } else {
        const uint64_t rounded = (product + (UINT64_C(1) << (155U - exponent))) >> (156U - exponent);
        result = rounded > (uint64_t) limit ? limit : (int32_t) rounded;
    }
    return bits >> 31 != 0 ? -result : result;
}

#define MW_EXP_LIMIT_ INT32_C(0x7fffffff)

/** `factor^x` for `factor` >= 1, given its binary logarithm in 2^-30; see mw_exp. */
static inline float mw_power_(float x, uint32_t log2_of_factor)
{
    const int32_t y = mw_scaled_(x, log2_of_factor, MW_EXP_LIMIT_);
    if (y < -(INT32_C(126) << 24)) {
        return 0.0f;
    }
    if (y == MW_EXP_LIMIT_) {
        const uint32_t infinity = UINT32_C(0x7f800000);
        float result;
        memcpy(&result, &infinity, sizeof result);
        return result;
    }
    return mw_exp2_fixed_(y);
}

/**
 * `e^x`, relative error at most 2^-22; below 2^-126 it is 0, beyond float32 infinite.
 *
 * @param x not NaN.
 */
static inline float mw_exp(float x)
{
    return mw_power_(x, UINT32_C(1549082005)); /* log2(e) * 2^30 */
}

/** `2^x`; see mw_exp. */
static inline float mw_exp2(float x)
{
    return mw_power_(x, UINT32_C(1) << 30);
}

/** `e^x - 1`, relative error at most 2^-20. @param x not NaN. */
static inline float mw_expm1(float x)
{
    if (x > -0.5f && x < 0.5f) { /* Taylor series: taking 1 from e^x would lose digits */
        const float high = 1.0f / 120.0f + x * (1.0f / 720.0f + x * (1.0f / 5040.0f + x * (1.0f / 40320.0f)));
        return x + x * x * (0.5f + x * (1.0f / 6.0f + x * (1.0f / 24.0f + x * high)));
    }
    return mw_exp(x) - 1.0f;
}

/** `1 / (1 + e^-x)`, error at most 2^-22. */
static inline float mw_sigmoid(float x)
{
    if (x < 0.0f) {
        const float small = mw_exp(x);
        return small / (1.0f + small);
    }
    return 1.0f / (1.0f + mw_exp(-x));
}

/** Hyperbolic tangent, relative error at most 2^-20. */
static inline float mw_tanh(float x)
{
    const float square = x * x;
    if (square < 0.0625f) { /* Taylor series: from here on the other way would lose digits */
        const float rest = 2.0f / 15.0f + square * (-17.0f / 315.0f + square * (62.0f / 2835.0f));
        return x + x * square * (square * rest - 1.0f / 3.0f);
    }
    return 1.0f - 2.0f * mw_sigmoid(-2.0f * x);
}

/** Scores, in place, to the probabilities `e^score / sum of all e^score`, error at most 2^-21. */
static inline void mw_softmax(float *values, uint_fast16_t n)
{
    float most = values[0];
    float sum = 0.0f;
    for (uint_fast16_t i = 1; i < n; ++i) {
        most = values[i] > most ? values[i] : most;
    }
    for (uint_fast16_t i = 0; i < n; ++i) {
        values[i] = mw_exp(values[i] - most);
        sum += values[i];
    }
    for (uint_fast16_t i = 0; i < n; ++i) {
        values[i] /= sum;
    }
}

#ifdef __cplusplus
}
#endif

#endif
