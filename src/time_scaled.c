/* SPDX-License-Identifier: MIT */
#include "time_scaled.h"

static mw_scaled mw_scaled_pair(uint32_t high, uint32_t low, int16_t exponent)
{
    mw_scaled scaled;
    for (; high < (UINT32_C(1) << 24); exponent = (int16_t) (exponent - 8)) {
        high = high << 8 | low >> 24;
        low <<= 8;
    }
    for (; high >> 31 == 0; --exponent) {
        high = high << 1 | low >> 31;
        low <<= 1;
    }
    scaled.top = high;
    scaled.exponent = exponent;
    return scaled;
}

mw_scaled mw_scaled_of_words(const uint32_t *words)
{
    const mw_scaled zero = {0, 0};
    uint_fast8_t i = 4;
    while (i-- != 0) {
        if (words[i] != 0) {
            return mw_scaled_pair(words[i], i != 0 ? words[i - 1] : 0, (int16_t) (32 * (int16_t) i));
        }
    }
    return zero;
}

mw_scaled mw_scaled_of(uint64_t value)
{
    const uint32_t words[4] = {(uint32_t) value, (uint32_t) (value >> 32), 0, 0};
    return mw_scaled_of_words(words);
}

/* Digit by digit, as with pencil and paper: with `bit` the digit in question, what is left of x over `bit` is
 * compared with twice the root plus `bit`. With 29 digits behind the point and what is left below 8, 32 bits
 * suffice. */
mw_scaled mw_scaled_root(mw_scaled x)
{
    const int16_t odd = (int16_t) (x.exponent & 1);
    uint32_t left = x.top >> (1 + odd); /* 1 to 4, so that the root is 1 to 2 */
    uint32_t twice = 0;
    for (uint32_t bit = UINT32_C(1) << 29; bit != 0; bit >>= 1) {
        const uint32_t trial = twice + bit;
        if (left >= trial) {
            left -= trial;
            twice = trial + bit;
        }
        left <<= 1;
    }
    x.top = twice << 1;
    x.exponent = (int16_t) ((x.exponent + odd) / 2 - 16);
    return x;
}

mw_scaled mw_scaled_product(mw_scaled a, mw_scaled b)
{
    const uint64_t product = (uint64_t) a.top * b.top;
    return mw_scaled_pair((uint32_t) (product >> 32), (uint32_t) product,
                          (int16_t) (a.exponent + b.exponent + 32));
}

/* A bit a step: a division of 64 bits would be a long call on most CPUs. */
uint32_t mw_scaled_quotient(mw_scaled a, mw_scaled b, uint8_t digits)
{
    const int16_t shift = (int16_t) (b.exponent - a.exponent + 30 - digits);
    uint32_t left = a.top, quotient = a.top >= b.top;
    if (a.top == 0 || shift > 31) {
        return 0;
    }
    left -= quotient != 0 ? b.top : 0;
    for (uint_fast8_t i = 30; i != 0; --i) { /* quotient: below 2^31, of 2^-30 */
        const uint32_t half = left;
        left <<= 1;
        quotient <<= 1;
        if (half >> 31 != 0 || left >= b.top) {
            left -= b.top;
            ++quotient;
        }
    }
    return (quotient + (UINT32_C(1) << (shift - 1))) >> shift;
}
