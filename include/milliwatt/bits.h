/* SPDX-License-Identifier: MIT */
/** @file
 * Numbers of any width out of a stream of bits in ::MW_FLASH. The first bit is the lowest of the first byte.
 */
#ifndef MILLIWATT_BITS_H
#define MILLIWATT_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The widest field that ::mw_window holds wherever it begins. */
#define MW_WINDOW_BITS 25

/**
 * At least ::MW_WINDOW_BITS bits, the first one lowest; what lies above them may be anything.
 *
 * @param from  the byte that holds the first bit, in ::MW_FLASH. Four bytes are read, so a stream ends with
 *              three spare ones.
 * @param shift which bit of it is the first, 0 to 7.
 */
static inline uint32_t mw_window(const uint8_t *from, uint_fast8_t shift)
{
    uint32_t word;
#if MW_USE_PROGMEM && defined(__AVR__)
    word = MW_READ_32(from);
#elif MW_UNALIGNED && !MW_USE_PROGMEM
    memcpy(&word, from, sizeof word);
#else
    word = (uint32_t) MW_READ_8(from) | (uint32_t) MW_READ_8(from + 1) << 8 |
           (uint32_t) MW_READ_8(from + 2) << 16 | (uint32_t) MW_READ_8(from + 3) << 24;
#endif
    return word >> shift;
}

/** The lowest `n` bits, `n` below 32. */
static inline uint32_t mw_low_bits(uint32_t word, uint_fast8_t n)
{
    return word & ((UINT32_C(1) << n) - 1U);
}

#ifdef __cplusplus
}
#endif

#endif
