/* SPDX-License-Identifier: MIT */
/** @file
 * Sound levels (IEC 61672-1): time-weighted levels (fast, slow) and the equivalent level Leq.
 *
 * Samples come weighted (A, C): filters that milliwatt.signal_weighting designs, run by whoever runs biquads.
 * Levels are kept as mean squares, full scale (1.0, or 32768) is 1; the decibels of a full-scale sine are
 * -3.01. What the microphone makes of 94 dB is added by the caller. States are the caller's, begin as zeros,
 * and are changed block by block; blocks may have any length, 0 too. Nothing is checked, NaN stays in a
 * state.
 */
#ifndef MILLIWATT_SOUND_LEVEL_H
#define MILLIWATT_SOUND_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/logarithm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Exponential mean of squares, sample by sample: `mean += share * (x * x - mean)`. Relative error at most
 * 2^-23 / share, usually far less.
 *
 * @param share 1 - exp(-1 / (rate * t)), t is 0.125 s (fast) or 1 s (slow): milliwatt.signal_weighting.
 */
void mw_level_f32(float *mean, float share, const float *x, size_t n);

/** The mean of squares of everything since the state was zeros. Each block adds an error of at most
 * (n + 6) * 2^-24 of its own mean and of the whole mean. */
typedef struct {
    float mean;
    uint32_t n; /**< samples so far, up to 2^32 - 1; then the state has to be cleared */
} mw_leq_float;
void mw_leq_f32(mw_leq_float *state, const float *x, size_t n);

/** A mean square in decibels, see <milliwatt/logarithm.h>: silence is -451.5. */
static inline float mw_level_db(float mean)
{
    return mw_db_of_power(mean);
}

/**
 * Exponential mean of squares of 16 bits, once a block: `mean += share * (mean square of the block - mean)`.
 * For a block of d seconds, a level that jumps is late by at most d.
 *
 * @param mean  in 1/65536 of a sample's unit squared: at most 2^46.
 * @param share 1 - exp(-n / (rate * t)) in 1/2^24, at most 2^24.
 * @param n     1 to 65536; the block's mean square is rounded down.
 */
void mw_level_q15(uint64_t *mean, uint32_t share, const int16_t *x, size_t n);

/** The sum of all squares, exact: at most 2^62. */
typedef struct {
    uint64_t sum;
    uint32_t n; /**< samples so far, up to 2^32 - 1; then the state has to be cleared */
} mw_leq_integer;
void mw_leq_q15(mw_leq_integer *state, const int16_t *x, size_t n);

/** The level of mw_level_q15 in 1/256 dB, error at most 0.01 dB; silence is -141.48 dB. */
static inline int32_t mw_level_db_q8(uint64_t mean)
{
    return mw_db_q8_of_log2(mw_log2_q16_u64(mean) - (INT32_C(46) << 16));
}

/** The level of mw_leq_q15 in 1/256 dB, error at most 0.01 dB; silence, and nothing yet, counts as half of
 * one sample's unit squared in all of it. */
static inline int32_t mw_leq_db_q8(const mw_leq_integer *state)
{
    const int32_t samples = state->n == 0 ? 0 : mw_log2_q16_u32(state->n);
    return mw_db_q8_of_log2(mw_log2_q16_u64(state->sum) - samples - (INT32_C(30) << 16));
}

#ifdef __cplusplus
}
#endif

#endif
