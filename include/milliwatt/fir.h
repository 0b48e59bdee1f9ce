/* SPDX-License-Identifier: MIT */
/** @file
 * Filters with a finite impulse response, `out[n] = Σ h[i] x[n - i]`, and decimation with them.
 *
 * With `decimation` M only every M-th result is computed, those of samples 0, M, 2 M, ... since the reset:
 * `scipy.signal.upfirdn(h, x, 1, M)`. With M = 1 it is `scipy.signal.lfilter(h, 1, x)`. The results do not
 * depend on how samples come in blocks.
 *
 * Filters and taps lie in ::MW_FLASH. The caller owns a state for each channel, and the buffer that a reset
 * puts into it: it holds the last samples one after the other, so that sums run straight through it, and
 * moves them to its beginning when it is full. What is more than `n_taps` numbers makes that rarer: with
 * ::MW_FIR_BUFFER of `n_taps` and 1 they are moved for every sample, with `n_taps` and a block's size once a
 * block.
 */
#ifndef MILLIWATT_FIR_H
#define MILLIWATT_FIR_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers in a buffer that takes `n_new` samples, at least 1, before it has to be tidied. */
#define MW_FIR_BUFFER(n_taps, n_new) ((n_taps) - 1 + (n_new))

/** @name Floats
 * Products are added from the oldest sample to the newest: the error is at most `n_taps * 2^-24 * Σ|h[i] x|`.
 * A NaN or infinity is in the results until it is `n_taps` samples old. @{ */
typedef struct {
    const float *taps;   /**< the last one first */
    uint16_t n_taps;     /**< at least 1 */
    uint16_t decimation; /**< at least 1 */
} mw_fir_f32;

typedef struct {
    float *buffer;
    size_t size, end; /**< of the buffer; of what is in it */
    uint16_t skip;    /**< samples to come before the next result */
} mw_fir_state_f32;

/** As if all samples before were 0. @return MW_ERROR_LENGTH if `size` is less than the number of taps. */
int mw_fir_reset_f32(const mw_fir_f32 *filter, mw_fir_state_f32 *state, float *buffer, size_t size);
/**
 * Filters `n` samples, at most 32767. `out` may be `x`; it has room for `n / decimation + 1` numbers at most.
 *
 * @return how many results there are, or a negative ::mw_status.
 */
int mw_fir_run_f32(const mw_fir_f32 *filter, mw_fir_state_f32 *state, const float *x, float *out, size_t n);
/** @} */

/** @name Numbers of 16 bits
 * `(bias + Σ h[i] x) >> shift`, saturated to 16 bits where the true result has no room in them. Sums have 32
 * bits, and cannot overflow whatever the input, if `32768 * Σ|h[i]| + bias < 2^31`: `milliwatt.filters`
 * chooses `shift` so. The same integers on every CPU. @{ */
typedef struct {
    const int16_t *taps; /**< the last one first, in 2^-shift */
    int32_t bias;        /**< half of 2^shift: results are rounded */
    uint16_t n_taps;     /**< at least 1 */
    uint16_t decimation; /**< at least 1 */
    uint8_t shift;       /**< 0 to 31 */
} mw_fir_q15;

typedef struct {
    int16_t *buffer;
    size_t size, end; /**< of the buffer; of what is in it */
    uint16_t skip;    /**< samples to come before the next result */
} mw_fir_state_q15;

int mw_fir_reset_q15(const mw_fir_q15 *filter, mw_fir_state_q15 *state, int16_t *buffer, size_t size);
int mw_fir_run_q15(const mw_fir_q15 *filter, mw_fir_state_q15 *state, const int16_t *x, int16_t *out,
                   size_t n);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
