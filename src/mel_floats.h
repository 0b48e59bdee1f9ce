/* SPDX-License-Identifier: MIT */
/** @file
 * Where the sums of mel filterbanks and cosine transforms of floats are, and which inner loop adds them.
 */
#ifndef MILLIWATT_MEL_FLOATS_H
#define MILLIWATT_MEL_FLOATS_H

#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/trees.h>

/* Where the next bin is, and the sums of the bins between two centres. */
typedef struct {
    const float *rises, *spectrum;
    float up, down;
} mw_mel_floats;

/* Where the next numbers from either end are, and the sums of two coefficients. */
typedef struct {
    const float *factors, *left, *right;
    float even, odd;
} mw_dct_floats;

static inline mw_mel_floats mw_mel_bin(mw_mel_floats at)
{
    const float rise = mw_read_float(at.rises++);
    const float power = *at.spectrum++;
    at.up += rise * power;
    at.down += (1.0f - rise) * power;
    return at;
}

static inline mw_dct_floats mw_dct_step(mw_dct_floats at)
{
    const float a = *at.left++;
    const float b = *--at.right;
    at.even += (a + b) * mw_read_float(at.factors);
    at.odd += (a - b) * mw_read_float(at.factors + 1);
    at.factors += 2;
    return at;
}

#if defined(__ARM_FEATURE_FMA) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
    (__ARM_FP & 4) != 0
#include "arch/mel_floats_fpv4.h"
#endif

/* The next `n` bins. */
static inline mw_mel_floats mw_mel_bins(mw_mel_floats at, uint_fast16_t n)
{
#if defined(MW_MEL_FLOATS_FPV4)
    if (n >= 2) {
        at = mw_mel_pairs(at, n / 2);
    }
    n %= 2;
#endif
    while (n-- != 0) {
        at = mw_mel_bin(at);
    }
    return at;
}

/* The next `n` numbers from either end. */
static inline mw_dct_floats mw_dct_steps(mw_dct_floats at, uint_fast16_t n)
{
#if defined(MW_MEL_FLOATS_FPV4)
    if (n >= 2) {
        at = mw_dct_pairs(at, n / 2);
    }
    n %= 2;
#endif
    while (n-- != 0) {
        at = mw_dct_step(at);
    }
    return at;
}

#endif
