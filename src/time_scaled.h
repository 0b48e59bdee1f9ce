/* SPDX-License-Identifier: MIT */
/** @file
 * Numbers of any size with 32 digits, for results of exact sums: the same bits on every CPU.
 */
#ifndef MILLIWATT_TIME_SCALED_H
#define MILLIWATT_TIME_SCALED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `top * 2^exponent`, rounded down; 2^31 <= top, but 0 for 0. */
typedef struct {
    uint32_t top;
    int16_t exponent;
} mw_scaled;

mw_scaled mw_scaled_of(uint64_t value);
/* Of 128 bits that are not negative, lowest word first. */
mw_scaled mw_scaled_of_words(const uint32_t *words);
/* Relative error below 2^-28. */
mw_scaled mw_scaled_root(mw_scaled x);
/* Relative error below 2^-31, besides those of the factors. */
mw_scaled mw_scaled_product(mw_scaled a, mw_scaled b);
/* `a / b * 2^digits`, rounded, with a relative error below 2^-29 before that; below 2^28, b not 0. */
uint32_t mw_scaled_quotient(mw_scaled a, mw_scaled b, uint8_t digits);

#ifdef __cplusplus
}
#endif

#endif
