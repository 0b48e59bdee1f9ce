/* SPDX-License-Identifier: MIT */
/** @file
 * What all families of FFTs share: lengths, reading of tables, order of elements.
 *
 * Decimation in time, in place: elements go to bit-reversed places, then each pass joins four transforms of m
 * elements to one of 4m (radix 4; Cooley and Tukey 1965); one pass joins pairs where log2(n) is odd. In
 * bit-reversed order the four stand for the elements 0, 2, 1, 3 modulo 4.
 *
 * Inverse: the same with elements 1 to n-1 in reverse order afterwards.
 */
#ifndef MILLIWATT_FFT_PARTS_H
#define MILLIWATT_FFT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/fft.h>
#include <milliwatt/status.h>

/* Keeps compilers from working out a dozen pointers before a loop, more than there are registers for. */
#if defined(__GNUC__)
#define MW_FFT_OPAQUE(variable) __asm__("" : "+r"(variable))
#else
#define MW_FFT_OPAQUE(variable) ((void) 0)
#endif

static inline float mw_fft_read_f32(const float *address)
{
#if MW_USE_PROGMEM
    const uint32_t bits = MW_READ_32(address);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
#else
    return *address;
#endif
}

static inline int32_t mw_fft_read_q15(const int16_t *address)
{
#if MW_USE_PROGMEM
    return (int16_t) MW_READ_16(address);
#else
    return *address;
#endif
}

static inline int mw_fft_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The first number of a table is its length. Complex transforms within real ones have `least` 4. */
static inline int mw_fft_check(const void *x, size_t n, const void *table, size_t table_n)
{
    if (x == NULL || table == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n >= MW_FFT_LEAST && n <= table_n && table_n <= MW_FFT_MOST && mw_fft_power_of_two(n)
               ? MW_OK
               : MW_ERROR_LENGTH;
}

static inline size_t mw_fft_length_f32(const float *table)
{
    const float n = mw_fft_read_f32(table);
    return (size_t) (MW_CMSIS_DSP && n < 0.0f ? -n : n);
}

static inline int mw_fft_check_f32(const float *x, size_t n, const float *table)
{
    return mw_fft_check(x, n, table, table == NULL ? 0 : mw_fft_length_f32(table));
}

static inline int mw_fft_check_i32(const int32_t *x, size_t n, const uint16_t *table)
{
    return mw_fft_check(x, n, table, table == NULL ? 0 : MW_READ_16(table));
}

static inline int mw_fft_check_q15(const int16_t *x, size_t n, const int16_t *table, const int *exponent)
{
    if (exponent == NULL) {
        return MW_ERROR_ARGUMENT;
    }
#if !defined(__AVR__)
    if (((uintptr_t) x & 3U) != 0) {
        return MW_ERROR_ALIGNMENT;
    }
#endif
    return mw_fft_check(x, n, table, table == NULL ? 0 : MW_READ_16(table));
}

static inline int mw_fft_log2(size_t n)
{
    int result = 0;
    for (; n > 1; n >>= 1) {
        ++result;
    }
    return result;
}

/* 1 if log2(n) is odd. */
static inline int mw_fft_odd(size_t n)
{
    return (n & 0x2aaaU) != 0;
}

/* The bits of i turned round, where `reversed` is that of i - 2. */
#if defined(__GNUC__) && defined(__thumb2__)
static inline size_t mw_fft_next_reversed(size_t reversed, size_t i, size_t n)
{
    (void) reversed;
    __asm__("rbit %0, %0" : "+r"(i));
    return i >> (__builtin_clz(n) + 1);
}
#else
static inline size_t mw_fft_next_reversed(size_t reversed, size_t i, size_t n)
{
    size_t bit = n >> 2;
    (void) i;
    for (; (reversed & bit) != 0; bit >>= 1) {
        reversed ^= bit;
    }
    return reversed ^ bit;
}
#endif

#endif
