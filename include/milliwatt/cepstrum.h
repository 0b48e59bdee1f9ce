/* SPDX-License-Identifier: MIT */
/** @file
 * Cepstral coefficients: the discrete cosine transform of type II from `n_in` numbers (logarithms of mel
 * energies) to the first `n_out` coefficients, and their changes over frames.
 *
 *     out[k] = row_scale[k] * sum over i of x[i] * cos(pi * k * (2 i + 1) / (2 n_in))
 *
 * Cosines are symmetric for even k and antisymmetric for odd k, so half of the table, and half of the
 * multiplications, are enough. Normalisation (scipy's "ortho", none, HTK's), liftering and units are in the
 * table, which milliwatt.signal_cepstrum makes. Structs and their tables lie in ::MW_FLASH.
 */
#ifndef MILLIWATT_CEPSTRUM_H
#define MILLIWATT_CEPSTRUM_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A transform of floats. */
typedef struct {
    /** For coefficients 0 and 1 two factors for each `i` below (n_in + 1) / 2, then for 2 and 3, ...; the
     * factor of a number in the middle is halved. If `n_out` is odd, the last second factors are 0. */
    const float *factors;
    uint16_t n_in, n_out; /**< at least 1 */
} mw_dct_float;

/**
 * Sums in the order of the table; error at most (n_in / 2 + 3) * 2^-24 of the sum of all sizes.
 *
 * @param x   not changed; does not overlap `out`.
 * @return MW_OK, or MW_ERROR_LENGTH unless `n` and `n_out` are the table's.
 */
int mw_dct_f32(const mw_dct_float *dct, const float *x, size_t n, float *out, size_t n_out);

/** A transform of 16 bits: factors in a power of two, so small that no sum of products / 16 overflows. */
typedef struct {
    const int16_t *factors; /**< as above */
    uint16_t n_in, n_out;
    uint8_t shift; /**< what sums of products / 16 are shifted to the right by, 1 to 30 */
} mw_dct_integer;

/**
 * The same of 16 bits, rounded and saturated. Error: 0.51 of the output's unit, and that of rounded factors,
 * 2^-15 of the largest factor each. Products are rounded down to multiples of 16 units of the sum. The
 * factors in each row add up to at most 2^20 - 1 in size, with those that the symmetry saves.
 */
int mw_dct_i16(const mw_dct_integer *dct, const int16_t *x, size_t n, int16_t *out, size_t n_out);

/**
 * Changes over frames: regression over `2 * reach + 1` frames, as HTK (5.16, "The HTK Book") and, for the
 * frames that have `reach` neighbours on either side, librosa.delta(width=2 * reach + 1); before the first
 * frame stand copies of it. The state is the caller's.
 */
typedef struct {
    float *history; /**< `n * (2 * reach + 1)` floats of the caller's */
    uint16_t n;     /**< numbers in a frame */
    uint8_t reach;  /**< 1 to 16 */
    uint8_t order;  /**< 1: slope; 2: second derivative of the parabola that fits best */
    uint8_t place;  /**< of the newest frame; kernel's own */
    uint8_t frames; /**< that came, up to `reach` + 1; kernel's own */
} mw_deltas;

/** Floats of history that mw_deltas_begin asks for. */
#define MW_DELTAS_SIZE(n, reach) ((size_t) (n) * (2U * (reach) + 1U))

/** @return MW_OK, or MW_ERROR_LENGTH: `size`, `n`, `reach` or `order` does not fit. */
int mw_deltas_begin(mw_deltas *state, float *history, size_t size, uint16_t n, uint8_t reach, uint8_t order);

/**
 * Takes one frame of `n` numbers and gives the changes at the frame that came `reach` frames before it. At
 * the end, the last frame given `reach` times more brings the rest.
 *
 * Error: (2 * reach + 3) * 2^-23 of the largest of the frames in reach.
 *
 * @param out `n` numbers, which may equal `frame`; written only if the answer is 1.
 * @return 1, 0 (the first `reach` frames give nothing yet), or MW_ERROR_LENGTH.
 */
int mw_deltas_push(mw_deltas *state, const float *frame, size_t n, float *out);

#ifdef __cplusplus
}
#endif

#endif
