/* SPDX-License-Identifier: MIT */
/** @file
 * Products of 64 bits, modulo 2^64. CPUs without a long multiply build them of four short ones, in place of a
 * call of the compiler's runtime.
 */
#ifndef MILLIWATT_IIR_LONG_H
#define MILLIWATT_IIR_LONG_H

#include <stdint.h>

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#if defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN)
#include "arch/long_thumb1.h"
#else
/* `sum + a * b` by halves: the low halves are unsigned, the high ones carry the signs. */
static inline uint64_t mw_add_product_64(uint64_t sum, int32_t a, int32_t b)
{
    const uint32_t a_low = (uint32_t) a & 0xffffU, b_low = (uint32_t) b & 0xffffU;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    /* At most 2^31 - 2^15 - ... in magnitude, so both fit. */
    const int32_t middle_1 = (int32_t) ((uint32_t) a_high * b_low);
    const int32_t middle_2 = (int32_t) ((uint32_t) b_high * a_low);
    const uint32_t part = (uint32_t) middle_1 + (low >> 16); /* between -2^31 and 2^31 - 1 still */
    const uint32_t inner = ((uint32_t) part & 0xffffU) + ((uint32_t) middle_2 & 0xffffU);
    const uint32_t high = (uint32_t) (a_high * b_high) + (uint32_t) ((int32_t) part >> 16) +
                          (uint32_t) (middle_2 >> 16) + (inner >> 16);
    return sum + ((uint64_t) high << 32 | (uint32_t) (inner << 16) | (low & 0xffffU));
}
#endif
static inline uint64_t mw_product_64(int32_t a, int32_t b)
{
    return mw_add_product_64(0, a, b);
}
/* `sum + value * 2^shift`, 0 <= shift <= 30 */
static inline uint64_t mw_add_shifted_64(uint32_t sum, int32_t value, uint_fast8_t shift)
{
    const uint32_t low = (uint32_t) value << shift;
    const uint32_t high = (uint32_t) ((value >> 1) >> (31U - shift));
    return ((uint64_t) high << 32 | low) + sum;
}
#else
static inline uint64_t mw_product_64(int32_t a, int32_t b)
{
    return (uint64_t) ((int64_t) a * b);
}
static inline uint64_t mw_add_product_64(uint64_t sum, int32_t a, int32_t b)
{
    return sum + (uint64_t) ((int64_t) a * b);
}
static inline uint64_t mw_add_shifted_64(uint32_t sum, int32_t value, uint_fast8_t shift)
{
    /* A multiplication, which CPUs with a long multiply add at no cost. */
    return sum + (uint64_t) ((int64_t) value * (int32_t) (UINT32_C(1) << shift));
}
#endif

#endif
