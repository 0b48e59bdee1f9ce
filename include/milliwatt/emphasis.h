/* SPDX-License-Identifier: MIT */
/** @file
 * What is done to samples before their spectrum: pre-emphasis, and removal of the constant part.
 *
 * Blocks of any length, 0 too; `out` may equal `x`, else they do not overlap. States are the caller's and
 * begin as zeros. These are inner kernels: nothing is checked, NaN goes through (and stays in the state of
 * mw_remove_dc_f32).
 */
#ifndef MILLIWATT_EMPHASIS_H
#define MILLIWATT_EMPHASIS_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Pre-emphasis: `out = x - factor * (the sample before x)`, 0.97 for speech ("The HTK Book", 5.2).
 *
 * @param before the sample before the first one; holds the last one afterwards. HTK takes the first sample
 *               itself for it.
 */
void mw_emphasize_f32(const float *x, size_t n, float factor, float *before, float *out);

/** The same of 16 bits, rounded and saturated. @param factor in 1/32768, not negative. */
void mw_emphasize_q15(const int16_t *x, size_t n, int16_t factor, int16_t *before, int16_t *out);

/**
 * Removes the constant part: `mean += share * (x - mean); out = x - mean`. A high-pass of first order, -3 dB
 * at about `share * rate / (2 pi)`. Error: 2^-22 / share of the largest sample, usually far less.
 *
 * @param share more than 0, less than 1.
 */
void mw_remove_dc_f32(const float *x, size_t n, float share, float *mean, float *out);

/**
 * The same of 16 bits with a share of 2^-shift; rounded, saturated.
 *
 * @param shift 1 to 14; what is left of a constant is at most 2^(shift - 14), rounded.
 * @param mean  in 1/16384, from 0 on; it stays within -2^29..2^29, so that nothing overflows.
 */
void mw_remove_dc_q15(const int16_t *x, size_t n, uint8_t shift, int32_t *mean, int16_t *out);

/** Takes the mean of the block from each of its samples. Error: (n + 2) * 2^-24 of the largest sample. */
void mw_centre_f32(const float *x, size_t n, float *out);

/** The same of 16 bits, with the mean rounded, halves up; saturated. @param n at most 65536. */
void mw_centre_q15(const int16_t *x, size_t n, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
