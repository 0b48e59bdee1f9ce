/* SPDX-License-Identifier: MIT */
/** @file
 * Recursive filters: cascades of second-order sections, as `scipy.signal` designs them with `output='sos'`.
 *
 * Three families: `_f32` in transposed direct form II; `_q15` and `_q31` in direct form I with error feedback
 * (what rounding takes off a result is kept for the next one). `milliwatt.filters` makes the tables of the
 * fixed-point families and proves that they cannot overflow; those of floats are scipy's numbers.
 *
 * A filter and its sections lie in ::MW_FLASH. The caller owns the state, one array for all channels, and
 * begins with a `_reset` (as if all samples before were 0) or a `_settle` (as if all samples before had been
 * `x0`, one a channel: a high-pass then does not take gravity for a step). Channels are interleaved: sample
 * by sample one number a channel; they share the coefficients and nothing else.
 *
 * `out` may be `x` itself, else they do not overlap. The results do not depend on how samples come in blocks.
 * Functions that return `int` answer a ::mw_status; `mw_iir_one_*` checks nothing, and gives the result of
 * one sample of the one channel whose state it gets.
 *
 * Sources: A. Oppenheim, R. Schafer, "Discrete-Time Signal Processing", ch. 6 (forms, scaling by the L1
 * norm); W. Higgins, D. Munson, "Noise reduction strategies for digital filters: error spectrum shaping
 * versus the optimal linear state-space formulation", IEEE Trans. ASSP 30 (1982) (feedback with whole
 * coefficients).
 */
#ifndef MILLIWATT_IIR_H
#define MILLIWATT_IIR_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Floats
 * Results differ from exact ones as float32 rounds: about 130 dB of signal to noise, less where poles are
 * close to z = 1 (109 dB with a cut-off at 0.015 of the sample rate). NaN and infinity stay in the state
 * until it is reset. Denormals are computed as the CPU computes them. @{ */

/** One section: `y = (b0 + b1 z^-1 + b2 z^-2) / (1 + a1 z^-1 + a2 z^-2) x`. */
typedef struct {
    float b[3];
    float a[2]; /**< a1, a2 */
} mw_iir_section_f32;

typedef struct {
    const mw_iir_section_f32 *sections;
    uint8_t n_sections; /**< at least 1 */
} mw_iir_f32;

/** How many floats of state a filter has. */
#define MW_IIR_STATE_F32(n_sections, n_channels) (2 * (n_sections) * (n_channels))

int mw_iir_reset_f32(const mw_iir_f32 *filter, float *state, size_t n_channels);
/** scipy's `sosfilt_zi` times x0: the error is that of `1 / (1 + a1 + a2)` in float32. */
int mw_iir_settle_f32(const mw_iir_f32 *filter, float *state, size_t n_channels, const float *x0);
float mw_iir_one_f32(const mw_iir_f32 *filter, float *state, float x);
/** `n` samples of `n_channels` numbers each. */
int mw_iir_run_f32(const mw_iir_f32 *filter, float *state, size_t n_channels, const float *x, float *out,
                   size_t n);
/** @} */

/** @name Numbers of 16 bits
 * Coefficients are split into whole numbers `k`, exact, and a remainder `d` of at most a half, so that poles
 * near z = 1 keep their precision, and results keep 16 bits more than are seen (`y` of the state):
 *
 *     sum = b[0] x + b[1] x1 + b[2] x2 + bias
 *     sum = ((sum >> b_shift) + d[0] (y1 >> 16) + d[1] (y2 >> 16)) >> d_shift
 *     y   = sum + k[0] y1 + k[1] y2
 *
 * With `cut` the last product is that of `y2 & ~0xffff`: what is left off results comes back by `k[0]` alone,
 * and that takes it out of the pass band of a low-pass whose poles are at 45 to 75 degrees, for example. The
 * converter chooses what gives less noise.
 *
 * All sections but the last hand on `y >> 16`, which the converter has scaled so that it always fits: nothing
 * inside saturates or overflows, whatever the input. The last gives `y >> out_shift`, and where the true
 * result has no room in 16 bits, that is saturated; the state is not, so that the filter goes on undisturbed.
 * `bias` makes all right shifts round. The same integers on every CPU.
 *
 * Error: white noise of 90 % of full scale keeps at least 66 dB above it in low-, high- and band-passes from
 * 0.01 of the sample rate on (82 dB in a low-pass of order 4 at 0.1, sine waves 87 dB). The converter says
 * for each filter what rounding adds (`noise`) and what coefficients change (`accuracy_db`). @{ */
typedef struct {
    int32_t bias;
    int32_t gain; /**< for inputs that do not change: y = gain * x, in 2^-16 */
    int16_t b[3];
    int16_t d[2];
    int8_t k[2];
    uint8_t b_shift, d_shift;
    uint8_t cut; /**< 0 or, where `d_shift` is 0, 1 */
} mw_iir_section_q15;

typedef struct {
    const mw_iir_section_q15 *sections;
    uint8_t n_sections; /**< at least 1 */
    uint8_t out_shift;  /**< 1 to 31 */
} mw_iir_q15;

/** State of one section and channel: inputs and results before, the last one first. */
typedef struct {
    int32_t y[2];
    int16_t x[2];
} mw_iir_state_q15;

/** How many ::mw_iir_state_q15 a filter has. */
#define MW_IIR_STATE_Q15(n_sections, n_channels) ((n_sections) * (n_channels))

int mw_iir_reset_q15(const mw_iir_q15 *filter, mw_iir_state_q15 *state, size_t n_channels);
int mw_iir_settle_q15(const mw_iir_q15 *filter, mw_iir_state_q15 *state, size_t n_channels,
                      const int16_t *x0);
int16_t mw_iir_one_q15(const mw_iir_q15 *filter, mw_iir_state_q15 *state, int16_t x);
int mw_iir_run_q15(const mw_iir_q15 *filter, mw_iir_state_q15 *state, size_t n_channels, const int16_t *x,
                   int16_t *out, size_t n);
/** @} */

/** @name Numbers of 32 bits
 * Products and sums have 64 bits; what inputs add to a result is cut off to 32 bits first:
 *
 *     in  = b[0] x + b[1] x1 + b[2] x2 + in_rest
 *     sum = (in >> 32) * 2^b_shift + a[0] y1 + a[1] y2 + rest
 *     y   = sum >> 30
 *
 * `in_rest` and `rest` are the 32 and 30 bits that this took off the sample before.
 *
 * As above the converter has scaled sections so that `y` always fits; the last one gives
 * `sum >> out_shift`, saturated. The same integers on every CPU; Cortex-M0 and AVR build the long products of
 * short ones. Error: at least 138 dB below signals as above. @{ */
typedef struct {
    int32_t gain; /**< for inputs that do not change: y = gain * x, in 2^-30 */
    int32_t b[3];
    int32_t a[2]; /**< -a1, -a2 in 2^-30 */
    uint8_t b_shift;
} mw_iir_section_q31;

typedef struct {
    const mw_iir_section_q31 *sections;
    uint8_t n_sections; /**< at least 1 */
    uint8_t out_shift;  /**< 1 to 62 */
} mw_iir_q31;

typedef struct {
    int32_t y[2];
    int32_t x[2];
    uint32_t in_rest, rest;
} mw_iir_state_q31;

/** How many ::mw_iir_state_q31 a filter has. */
#define MW_IIR_STATE_Q31(n_sections, n_channels) ((n_sections) * (n_channels))

int mw_iir_reset_q31(const mw_iir_q31 *filter, mw_iir_state_q31 *state, size_t n_channels);
int mw_iir_settle_q31(const mw_iir_q31 *filter, mw_iir_state_q31 *state, size_t n_channels,
                      const int32_t *x0);
int32_t mw_iir_one_q31(const mw_iir_q31 *filter, mw_iir_state_q31 *state, int32_t x);
int mw_iir_run_q31(const mw_iir_q31 *filter, mw_iir_state_q31 *state, size_t n_channels, const int32_t *x,
                   int32_t *out, size_t n);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
