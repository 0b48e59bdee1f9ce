/* SPDX-License-Identifier: MIT */
/* Skewness and kurtosis from sums of powers. With V2, V3, V4 of mw_shape_i16 they are V3 / V2^1.5 and V4 /
 * V2²: the number of samples cancels. */
#include <milliwatt/roots.h>
#include <milliwatt/time_features.h>

#include "time_scaled.h"

/* The magnitude of V3; 1 if it is negative. */
static int mw_third_size(const mw_shape_i16 *shape, uint32_t *words)
{
    const int negative = shape->third[3] >> 31 != 0;
    uint32_t carry = (uint32_t) negative;
    for (uint_fast8_t i = 0; i < 4; ++i) {
        words[i] = (negative ? ~shape->third[i] : shape->third[i]) + carry;
        carry = carry != 0 && words[i] == 0;
    }
    return negative;
}

int32_t mw_kurtosis_q8(const mw_shape_i16 *shape)
{
    const mw_scaled second = mw_scaled_of(shape->second);
    if (second.top == 0) {
        return -3 * 256;
    }
    return (int32_t) mw_scaled_quotient(mw_scaled_of_words(shape->fourth), mw_scaled_product(second, second),
                                        8) -
           3 * 256;
}

int32_t mw_skewness_q8(const mw_shape_i16 *shape)
{
    const mw_scaled second = mw_scaled_of(shape->second);
    uint32_t words[4];
    int negative;
    int32_t size;
    if (second.top == 0) {
        return 0;
    }
    negative = mw_third_size(shape, words);
    size = (int32_t) mw_scaled_quotient(mw_scaled_of_words(words),
                                        mw_scaled_product(second, mw_scaled_root(second)), 8);
    return negative ? -size : size;
}

/* At most 2^125. */
static float mw_to_float(mw_scaled scaled)
{
    float value = (float) scaled.top;
    int16_t left = scaled.exponent;
    for (; left >= 16; left = (int16_t) (left - 16)) {
        value *= 65536.0f;
    }
    for (; left < 0; ++left) {
        value *= 0.5f;
    }
    return value * (float) (UINT32_C(1) << left);
}

float mw_kurtosis_i16(const mw_shape_i16 *shape)
{
    const float second = (float) shape->second;
    return shape->second == 0 ? -3.0f
                              : mw_to_float(mw_scaled_of_words(shape->fourth)) / (second * second) - 3.0f;
}

float mw_skewness_i16(const mw_shape_i16 *shape)
{
    const float second = (float) shape->second;
    uint32_t words[4];
    int negative;
    float size;
    if (shape->second == 0) {
        return 0.0f;
    }
    negative = mw_third_size(shape, words);
    size = mw_to_float(mw_scaled_of_words(words)) / (second * mw_root_f32(second));
    return negative ? -size : size;
}

float mw_skewness_f32(const mw_shape_f32 *shape)
{
    const float variance = shape->second / (float) shape->n;
    return variance == 0.0f ? 0.0f : shape->third / (float) shape->n / (variance * mw_root_f32(variance));
}

float mw_kurtosis_f32(const mw_shape_f32 *shape)
{
    const float variance = shape->second / (float) shape->n;
    return variance == 0.0f ? -3.0f : shape->fourth / (float) shape->n / (variance * variance) - 3.0f;
}
