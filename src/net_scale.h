/* SPDX-License-Identifier: MIT */
/** @file
 * From sums to numbers of a tensor: what layers of integers have in common.
 */
#ifndef MILLIWATT_NET_SCALE_H
#define MILLIWATT_NET_SCALE_H

#include <milliwatt/nets.h>

#include "net_dot.h"

/* Sums are shifted as signed numbers, which C leaves to the compiler. */
typedef char mw_shifts_are_arithmetic[(-1 >> 1) == -1 ? 1 : -1];

/* What four sums start from. */
static inline mw_sums_4 mw_begin_4(const int32_t *bias, uint32_t excess)
{
    mw_sums_4 sums;
    sums.a = MW_READ_32(bias) - excess;
    sums.b = MW_READ_32(bias + 1) - excess;
    sums.c = MW_READ_32(bias + 2) - excess;
    sums.d = MW_READ_32(bias + 3) - excess;
    return sums;
}

static inline int32_t mw_scaled(int32_t sum, const int16_t *scale)
{
    return sum * (int16_t) MW_READ_16(scale);
}

/* A value as a byte, saturated. */
static inline uint8_t mw_saturated_u8(int32_t value)
{
#if defined(__ARM_FEATURE_SAT)
    __asm__("usat %0, #8, %0" : "+r"(value));
    return (uint8_t) value;
#else
    return (uint8_t) (value < 0 ? 0 : value > 255 ? 255 : value);
#endif
}

/* A value as a number of 16 bits, saturated. */
static inline int32_t mw_saturated_i16(int32_t value)
{
#if defined(__ARM_FEATURE_SAT)
    __asm__("ssat %0, #16, %0" : "+r"(value));
    return value;
#else
    return value < -32768 ? -32768 : value > 32767 ? 32767 : value;
#endif
}

static inline int32_t mw_clamped(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* What a layer does to the sums of its outputs; fields as in ::mw_dense. */
typedef struct {
    int32_t offset;
    uint_fast8_t sum_shift, shift;
    int16_t low, high;
} mw_scaling;

/* A sum as a byte, saturated: what mw_narrow_u8 has to follow. */
static inline uint8_t mw_output_u8(uint32_t sum, const mw_scaling *how, const int16_t *scale)
{
    return mw_saturated_u8((mw_scaled((int32_t) sum >> how->sum_shift, scale) + how->offset) >> how->shift);
}

/* A sum as a number of 16 bits, clamped. A large one times its scale would not fit; its clamp is the same. */
static inline int16_t mw_output_i16(uint32_t sum, const mw_scaling *how, const int16_t *scale)
{
    const int32_t shifted = mw_saturated_i16((int32_t) sum >> how->sum_shift);
    return (int16_t) mw_clamped((mw_scaled(shifted, scale) + how->offset) >> how->shift, how->low, how->high);
}

/* What few layers need: saturated bytes clamped to a part of their range. */
static inline void mw_narrow_u8(uint8_t *values, size_t n, int_fast16_t low, int_fast16_t high)
{
    if (low == 0 && high == 255) {
        return;
    }
    for (size_t i = 0; i < n; ++i) {
        const uint8_t value = values[i];
        values[i] = (uint8_t) (value < low ? low : value > high ? high : value);
    }
}

/* Numbers of 16 bits are clamped at once. */
static inline void mw_narrow_i16(int16_t *values, size_t n, int_fast16_t low, int_fast16_t high)
{
    (void) values;
    (void) n;
    (void) low;
    (void) high;
}

#endif
