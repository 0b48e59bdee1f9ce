/* SPDX-License-Identifier: MIT */
/** @file
 * Logarithms without libm: of floats (natural, binary, to base 10, decibels, log1p), of integers in 1/65536.
 *
 * Everything is computed in integers, so that every CPU and every compiler setting gives the same bits.
 * x = 2^e * m is reduced by a reciprocal of 9 bits out of a table of 32 (m * r is exact in 32 bits), what is
 * left is a polynomial of degree 3 (log2(1 + f) / f on -1/64..1/32, relative error 2^-26): the table method
 * of P. T. P. Tang, "Table-driven implementation of the logarithm function in IEEE floating-point
 * arithmetic", ACM TOMS 16 (1990). Near x = 1 the table's entry is 0, so that no digits cancel.
 *
 * Floats: error at most 1 ulp of the result (the tests go through all mantissas). Zero, of either sign,
 * counts as 2^-150, half of the smallest float: a finite floor below every other answer. Negative numbers and
 * NaN give NaN, infinity gives infinity.
 */
#ifndef MILLIWATT_LOGARITHM_H
#define MILLIWATT_LOGARITHM_H

#include <milliwatt/config.h>
#include <milliwatt/nan.h>

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Products of 64 bits. Cores without a long multiply get four short ones: a quarter of what the compiler's
 * routine takes.
 */
#if defined(__thumb__) && !defined(__thumb2__)
static inline uint32_t mw_log_high_(uint32_t a, uint32_t b)
{
    const uint32_t a0 = a & 0xffffU, a1 = a >> 16, b0 = b & 0xffffU, b1 = b >> 16;
    const uint32_t middle = a1 * b0 + (a0 * b0 >> 16); /* at most 2^32 - 2^16 */
    const uint32_t other = a0 * b1 + (middle & 0xffffU);
    return a1 * b1 + (middle >> 16) + (other >> 16);
}
static inline int32_t mw_log_high_signed_(int32_t a, int32_t b) /* b >= 0 */
{
    return (int32_t) (mw_log_high_((uint32_t) a, (uint32_t) b) - ((uint32_t) b & (uint32_t) (a >> 31)));
}
static inline int64_t mw_log_product_(int32_t a, int32_t b) /* b >= 0 */
{
    return (int64_t) ((uint64_t) (uint32_t) mw_log_high_signed_(a, b) << 32 | (uint32_t) a * (uint32_t) b);
}
#else
static inline uint32_t mw_log_high_(uint32_t a, uint32_t b)
{
    return (uint32_t) ((uint64_t) a * b >> 32);
}
static inline int32_t mw_log_high_signed_(int32_t a, int32_t b)
{
    return (int32_t) ((int64_t) a * b >> 32);
}
static inline int64_t mw_log_product_(int32_t a, int32_t b)
{
    return (int64_t) a * b;
}
#endif

/** Zeros before the first bit of x, which is not 0. */
static inline int_fast8_t mw_log_zeros_(uint32_t x)
{
#if defined(__GNUC__)
    return (int_fast8_t) (sizeof(unsigned) >= 4 ? __builtin_clz((unsigned) x)
                                                : __builtin_clzl((unsigned long) x));
#else
    int_fast8_t n = 0;
    for (int_fast8_t step = 16; step != 0; step = (int_fast8_t) (step / 2)) {
        if (x >> (32 - step) == 0) {
            x <<= step;
            n = (int_fast8_t) (n + step);
        }
    }
    return n;
#endif
}

/** log2(1 + f) / f in 2^-30, of f in 2^-36, -1/64 <= f < 1/32. */
static inline int32_t mw_log_slope_(int32_t f)
{
    const int32_t short_f = f >> 16;
    const int32_t cubic = INT32_C(2017263) - ((short_f * INT32_C(5767)) >> 12);
    const int32_t square = INT32_C(48408938) - ((short_f * (cubic >> 6)) >> 10);
    return INT32_C(1549082002) - mw_log_high_signed_(f, square);
}

/** `size * 2^exponent`, times `factor` * 2^-32 unless that is 0, as a float with `sign` (0 or 2^31). */
static inline float mw_log_float_(uint64_t size, int_fast16_t exponent, uint32_t factor, uint32_t sign)
{
    uint32_t high = (uint32_t) (size >> 32);
    uint32_t low = (uint32_t) size;
    int_fast8_t zeros;
    float result;
    if (high == 0) {
        if (low == 0) {
            return 0.0f;
        }
        high = low;
        low = 0;
        exponent = (int_fast16_t) (exponent - 32);
    }
    zeros = mw_log_zeros_(high);
    high = high << zeros | (low >> 1) >> (31 - zeros);
    if (factor != 0) {
        high = mw_log_high_(high, factor);
        if (high >> 31 == 0) {
            high <<= 1;
            ++zeros;
        }
    }
    /* Rounded to 24 bits, of which the first adds 1 to the exponent; so does a carry. */
    high = ((uint32_t) (exponent + 189 - zeros) << 23) + (high >> 8) + ((high >> 7) & 1U);
    high |= sign;
    memcpy(&result, &high, sizeof result);
    return result;
}

/** log2 of `2^e * mantissa / 2^31`, times `factor * 2^up`; see mw_log_float_. The mantissa has its upper bit
 * set. */
static inline float mw_log_of_(int_fast16_t e, uint32_t mantissa, uint32_t factor, int_fast8_t up)
{
    /* 256 / (centre of the 32nd), less 1; -log2 of the reciprocals in 2^-31. */
    static const uint8_t reciprocals[32] MW_FLASH = {255, 244, 236, 230, 223, 217, 212, 206, 201, 196, 192,
                                                     187, 183, 179, 175, 171, 168, 164, 161, 158, 155, 152,
                                                     149, 147, 144, 141, 139, 137, 134, 132, 130, 127};
    static const uint32_t logarithms[32] MW_FLASH = {
        0,          136068990,  238922054,  318366509,        413702155,  497820372,  569706753,
        658231747,  733985252,  811637538,  875191848,        956513158,  1023142909, 1091237166,
        1160861760, 1232087058, 1286601614, 1360812683,       1417661324, 1475572618, 1534587050,
        1594747465, 1656099252, 1697685970, 1761131819,       1825904158, 1869850483, 1914429152,
        1982523409, 2028765522, 2075708299, UINT32_C(1) << 31};
    const uint_fast8_t i = (uint_fast8_t) ((mantissa >> 26) & 31U);
    const uint32_t reciprocal = (uint32_t) MW_READ_8(reciprocals + i) + 1U;
    const uint32_t logarithm = MW_READ_32(logarithms + i);
    const uint32_t product =
        (mantissa >> 8) * reciprocal + (((mantissa & 0xffU) * reciprocal) >> 8); /* 1 + f in 2^-31 */
    const int32_t f = (int32_t) ((product - (UINT32_C(1) << 31)) << 5);
    /* Of the sum, in 2^-55, the product has 2^-66. */
    const int64_t small = mw_log_product_(f, mw_log_slope_(f)) >> 11;
    const uint32_t high = ((uint32_t) (int32_t) e << 23) + (logarithm >> 8);
    const uint64_t sum = ((uint64_t) high << 32 | logarithm << 24) + (uint64_t) small;
    const uint32_t sign = (uint32_t) (sum >> 32) & UINT32_C(0x80000000);
    return mw_log_float_(sign != 0 ? 0U - sum : sum, (int_fast16_t) (up - 55), factor, sign);
}

/** What numbers without a logarithm give: x itself for infinity and NaN, else NaN. */
static inline float mw_log_none_(uint32_t bits)
{
    float result;
    bits = bits <= UINT32_C(0x7f800000) ? bits : UINT32_C(0x7fc00000);
    memcpy(&result, &bits, sizeof result);
    return result;
}

/** log2(x) times `factor * 2^up`; see mw_log_float_. */
static inline float mw_log_scaled_(float x, uint32_t factor, int_fast8_t up)
{
    const uint32_t bits = mw_float_bits(x);
    int_fast16_t e = (int_fast16_t) ((bits >> 23) & 0xffU) - 127;
    uint32_t mantissa = bits << 8 | UINT32_C(1) << 31;
    if (bits - UINT32_C(0x00800000) >= UINT32_C(0x7f000000)) { /* not a normal number above 0 */
        if (bits << 1 > UINT32_C(0x00ffffff)) {
            return mw_log_none_(bits);
        }
        mantissa = bits << 8;
        if (mantissa == 0) {
            mantissa = UINT32_C(1) << 31;
            e = -150;
        } else if (bits >> 31 != 0) {
            return mw_log_none_(bits);
        } else {
            const int_fast8_t zeros = mw_log_zeros_(mantissa);
            mantissa <<= zeros;
            e = (int_fast16_t) (-126 - zeros);
        }
    }
    return mw_log_of_(e, mantissa, factor, up);
}

/** log2(x); see the top of this file for errors, zero and negative numbers. */
static inline float mw_log2(float x)
{
    return mw_log_scaled_(x, 0, 0);
}

#define MW_LN_2_ UINT32_C(2977044472) /* ln(2) * 2^32 */
#define MW_DB_2_ UINT32_C(3232284966) /* 10 log10(2) * 2^30 */

/** ln(x), likewise. */
static inline float mw_log(float x)
{
    return mw_log_scaled_(x, MW_LN_2_, 0);
}

/** log10(x), likewise. */
static inline float mw_log10(float x)
{
    return mw_log_scaled_(x, UINT32_C(2585827973), -1); /* log10(2) * 2^33 */
}

/** A power in decibels: 10 log10(x), likewise. */
static inline float mw_db_of_power(float x)
{
    return mw_log_scaled_(x, MW_DB_2_, 2);
}

/** An amplitude in decibels: 20 log10(x), likewise. */
static inline float mw_db_of_amplitude(float x)
{
    return mw_log_scaled_(x, MW_DB_2_, 3);
}

/** ln(1 + x) for x >= 0, error at most 1 ulp; -0 gives -0, negative numbers and NaN give NaN. */
static inline float mw_log1p(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const int_fast16_t exponent = (int_fast16_t) ((bits >> 23) & 0xffU);
    const uint32_t mantissa = bits << 8 | UINT32_C(1) << 31;
    uint32_t sum;
    if (bits << 1 > UINT32_C(0xff000000) || (bits >> 31 != 0 && bits << 1 != 0)) {
        return mw_log_none_(UINT32_C(0x80000000) | bits);
    }
    if (exponent < 103) { /* below 2^-24 */
        return x;
    }
    if (exponent < 122) { /* below 2^-5: x * slope, so that no digit of x is lost */
        const uint32_t slope = (uint32_t) mw_log_slope_((int32_t) (mantissa >> (122 - exponent)));
        return mw_log_float_((uint64_t) mw_log_high_(mantissa, slope << 1) << 32, exponent - 127 - 62,
                             MW_LN_2_, 0);
    }
    if (exponent >= 127 + 32) {
        return mw_log(x);
    }
    if (exponent < 127) {
        return mw_log_of_(0, (UINT32_C(1) << 31) + (mantissa >> (127 - exponent)), MW_LN_2_, 0);
    }
    sum = mantissa + (UINT32_C(1) << (158 - exponent));
    if (sum >> 31 == 0) { /* carried */
        return mw_log_of_((int_fast16_t) (exponent - 126), sum >> 1 | UINT32_C(1) << 31, MW_LN_2_, 0);
    }
    return mw_log_of_((int_fast16_t) (exponent - 127), sum, MW_LN_2_, 0);
}

/** log2 of `2^e * mantissa / 2^31` in 2^-16, rounded; the mantissa has its upper bit set. */
static inline int32_t mw_log2_q16_of_(int_fast16_t e, uint32_t mantissa)
{
    const uint32_t fraction = mantissa & UINT32_C(0x7fffffff); /* f in 2^-31 */
    const uint32_t f = (fraction + 0x4000U) >> 15;
    /* log2(1 + f) = f + f (1 - f) q(f); what rounding down takes on average is added at the end. */
    uint32_t q = (f * 1694U) >> 16;
    q = (f * (6289U - q)) >> 16;
    q = (f * (11924U - q)) >> 16;
    q = (f * (18062U - q)) >> 16;
    q = ((f * (UINT32_C(65536) - f)) >> 15) * ((29003U - q) >> 1); /* in 2^-32 */
    return (int32_t) ((uint32_t) (int32_t) e << 16) + (int32_t) ((fraction + (q >> 1) + 0x4d00U) >> 15);
}

/**
 * log2(x) in 1/65536, error at most 1.1/65536, powers of two exact; 0 counts as 1/2 and gives -65536.
 * Multiplications have 32 bits. Answers for neighbours may be out of order by 1/65536.
 */
static inline int32_t mw_log2_q16_u32(uint32_t x)
{
    const int_fast8_t zeros = x == 0 ? 32 : mw_log_zeros_(x);
    return x == 0 ? -INT32_C(65536) : mw_log2_q16_of_((int_fast16_t) (31 - zeros), x << zeros);
}

/** The same of 64 bits. */
static inline int32_t mw_log2_q16_u64(uint64_t x)
{
    const uint32_t high = (uint32_t) (x >> 32);
    const uint32_t low = (uint32_t) x;
    if (high == 0) {
        return mw_log2_q16_u32(low);
    }
    {
        const int_fast8_t zeros = mw_log_zeros_(high);
        return mw_log2_q16_of_((int_fast16_t) (63 - zeros), high << zeros | (low >> 1) >> (31 - zeros));
    }
}

/** Decibels in 1/256 of a power whose log2 in 1/65536 is given: 10 log10(2) times it, rounded; error at most
 * 0.55/256 and 7e-6 of it. Any log2. */
static inline int32_t mw_db_q8_of_log2(int32_t log2_q16)
{
    const int32_t whole = log2_q16 >> 16;
    const uint32_t part = (uint32_t) log2_q16 & 0xffffU;
    /* 49321 = 10 log10(2) * 2^14; the part first, in 2^-14 as the whole. */
    return (whole * INT32_C(49321) + (int32_t) ((part * UINT32_C(49321)) >> 16) + 32) >> 6;
}

#ifdef __cplusplus
}
#endif

#endif
