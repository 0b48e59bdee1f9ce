/* SPDX-License-Identifier: MIT */
/** @file
 * What transforms of int32_t share.
 */
#ifndef MILLIWATT_FFT_I32_H
#define MILLIWATT_FFT_I32_H

#include "fft_parts.h"

typedef struct {
    int32_t re, im;
} mw_fft_pair;

/* The angle by which to turn, clockwise, in 2^-16. */
typedef struct {
    int32_t cosine, sine;
} mw_fft_turn;

typedef uint16_t mw_fft_cosine;

#include "fft_order_body.h"

/* Where a product of 64 bits takes dozens of instructions, numbers are split into 18 and 14 bits. */
#if (defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1) || defined(__AVR__)
#define MW_FFT_SPLIT 1
#else
#define MW_FFT_SPLIT 0
#endif

/* `(x * cosine + y * sine) >> shift`, 16 <= shift <= 18, of a complex number no longer than 2^29 * 0.99. */
static inline int32_t mw_fft_product(int32_t x, int32_t y, int32_t cosine, int32_t sine, unsigned shift)
{
#if MW_FFT_SPLIT
    const int32_t high = (x >> 14) * cosine + (y >> 14) * sine;
    const int32_t low = (x & 0x3fff) * cosine + (y & 0x3fff) * sine;
    return (high + (low >> 14)) >> (shift - 14);
#else
    /* Moved up, the upper half of a product is the answer. */
    const unsigned up = shift == 18 ? 14 : 0;
    const int32_t factor = INT32_C(1) << up;
    return (int32_t) (((int64_t) x * (cosine * factor) + (int64_t) y * (sine * factor)) >> (shift + up));
#endif
}

/* Turned and divided by 2^(shift - 16). */
static inline mw_fft_pair mw_fft_turned(mw_fft_pair x, mw_fft_turn turn, unsigned shift)
{
    mw_fft_pair result;
    result.re = mw_fft_product(x.re, x.im, turn.cosine, turn.sine, shift);
    result.im = mw_fft_product(x.im, x.re, turn.cosine, -turn.sine, shift);
    return result;
}

/* Turns by i of 4 * quarter steps, less than one quarter. */
static inline mw_fft_turn mw_fft_turn_once(const mw_fft_cosine *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    turn.cosine = (int32_t) MW_READ_16(cosine + i);
    turn.sine = (int32_t) MW_READ_16(cosine + quarter - i);
    return turn;
}

#define MW_FFT_ONE INT32_C(65536)
#include "fft_turns_body.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Without checks, n >= 4: the transform divided by n * 2^down, where no |x| / 2^down is more than 2^29 *
 * 0.71. */
void mw_fft_run_i32(mw_fft_pair *x, size_t n, const uint16_t *table, unsigned down);

#ifdef __cplusplus
}
#endif

#endif
