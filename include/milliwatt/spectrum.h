/* SPDX-License-Identifier: MIT */
/** @file
 * What is told of a spectrum: power and magnitude of bins, energies of bands, peak, centroid, rolloff; and
 * the power at one frequency alone (Goertzel).
 *
 * Bins are complex numbers as <milliwatt/fft.h> leaves them, of a real transform of n numbers n / 2 + 1.
 * Fixed point: a common scale or exponent of the bins is the caller's to keep in mind; powers have twice the
 * exponent.
 *
 * Functions that return a status give ::MW_OK, ::MW_ERROR_ARGUMENT for NULL, or ::MW_ERROR_LENGTH, and then
 * have written nothing. Nothing overflows: powers of fixed point have all the bits that they need. Floats:
 * NaN and infinity go where they would in the formula.
 */
#ifndef MILLIWATT_SPECTRUM_H
#define MILLIWATT_SPECTRUM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Power and magnitude of n bins.
 * @param bins 2n numbers.
 * @param out room for n; of 32 bits and floats it may be where `bins` are. n is at least 1.
 * @{
 */
int mw_power_f32(const float *bins, size_t n, float *out);          /**< re^2 + im^2 */
int mw_magnitude_f32(const float *bins, size_t n, float *out);      /**< its root; 2^-23 of it off */
int mw_power_q15(const int16_t *bins, size_t n, uint32_t *out);     /**< re^2 + im^2, exactly */
int mw_magnitude_q15(const int16_t *bins, size_t n, uint16_t *out); /**< rounded down */
int mw_power_i32(const int32_t *bins, size_t n, uint32_t *out);     /**< (re^2 + im^2) / 2^32, rounded down */
int mw_magnitude_i32(const int32_t *bins, size_t n, uint32_t *out); /**< rounded down */
/** @} */

/**
 * Power of n bins in a unit of their own: `out * 2^exponent`, rounded down. The largest real or imaginary
 * part is shifted to the left until it has 31 bits, so that its bin has 2^29 to 2^32: what is lost of others
 * is less than 1, 87 to 96 dB below that.
 *
 * @param out      room for n; it may be where `bins` are.
 * @param exponent -31 to 31.
 */
int mw_power_block_i32(const int32_t *bins, size_t n, uint32_t *out, int *exponent);

/**
 * @name Energies of bands: sums of the powers of bins `edges[b]` to `edges[b + 1] - 1`.
 * @param power n numbers.
 * @param edges n_bands + 1 bins that do not decrease, none more than n.
 * @param out room for n_bands; an empty band has 0.
 * @return ::MW_ERROR_LENGTH if edges are not as they have to be, or there is no band.
 * @{
 */
int mw_bands_f32(const float *power, size_t n, const uint16_t *edges, size_t n_bands, float *out);
int mw_bands_u32(const uint32_t *power, size_t n, const uint16_t *edges, size_t n_bands, uint64_t *out);
/** @} */

/**
 * @name The place of the largest of n numbers, n >= 1; of equal ones the first. NaN is passed over.
 * These and the following do not check their arguments.
 * @{
 */
size_t mw_peak_f32(const float *x, size_t n);
size_t mw_peak_u32(const uint32_t *x, size_t n);
/** @} */

/** The mean bin, weighted with power (or magnitude); 0 if all are 0. Off by at most n * 2^-23 of it. */
float mw_centroid_f32(const float *power, size_t n);
/** The same in 2^-8, rounded down; n at most 4096. */
uint32_t mw_centroid_u32(const uint32_t *power, size_t n);

/**
 * The first bin up to which, itself included, there is at least `share` of all power, as librosa's
 * spectral_rolloff; 0 if all are 0, n - 1 if rounding lets none reach it.
 *
 * @param share 0 to 1, such as 0.85f.
 */
size_t mw_rolloff_f32(const float *power, size_t n, float share);
/** The same, exactly; `share` in 2^-16. @param n at most 65535. */
size_t mw_rolloff_u32(const uint32_t *power, size_t n, uint16_t share);

/**
 * The power at one frequency over a block, by Goertzel's recurrence (1958) in Reinsch's form, which keeps its
 * digits at low frequencies and at high ones too. The caller owns the state; what it holds is nobody's
 * business.
 */
typedef struct {
    float factor, sum, difference;
    int8_t sign;
} mw_goertzel_f32;

/** Starts a block. @param frequency in 2^-32 of the sampling rate, see ::MW_GOERTZEL_FREQUENCY. */
void mw_goertzel_begin_f32(mw_goertzel_f32 *state, uint32_t frequency);
/** Takes n samples of it. */
void mw_goertzel_add_f32(mw_goertzel_f32 *state, const float *x, size_t n);
/** `|Σ x[j] e^(-2πi j frequency)|^2` of all samples since the start. Its root is off by at most
 * 1e-5 of what a tone with the block's energy would give, up to 256 samples; longer blocks n / 256 times
 * that. */
float mw_goertzel_power_f32(const mw_goertzel_f32 *state);

/** `hertz / rate` as goertzel functions take it, of constants: MW_GOERTZEL_FREQUENCY(440, 8000). */
#define MW_GOERTZEL_FREQUENCY(hertz, rate) \
    ((uint32_t) (((uint64_t) (hertz) * UINT64_C(0x100000000) + (uint64_t) (rate) / 2) / (uint64_t) (rate)))

/** The same for int16_t; sums have 32 bits, and as many binary places as the length of the block leaves. */
typedef struct {
    int32_t factor, sum, difference;
    uint16_t left;
    int8_t sign, shift;
} mw_goertzel_q15;

/**
 * Starts a block of at most n samples.
 *
 * @return ::MW_ERROR_LENGTH if n is 0 or more than 16384.
 */
int mw_goertzel_begin_q15(mw_goertzel_q15 *state, uint32_t frequency, size_t n);
/** @return ::MW_ERROR_LENGTH, having taken none, if these were more than the block has left. */
int mw_goertzel_add_q15(mw_goertzel_q15 *state, const int16_t *x, size_t n);
/** The power in units of samples squared, below 2^58. Its root is off by at most 1e-4 of what a tone with the
 * block's energy would give, and 1, up to 256 samples; n / 256 times that, and n^1.5 / 2^14, of longer
 * blocks. */
uint64_t mw_goertzel_power_q15(const mw_goertzel_q15 *state);

#ifdef __cplusplus
}
#endif

#endif
