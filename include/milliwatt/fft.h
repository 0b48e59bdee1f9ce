/* SPDX-License-Identifier: MIT */
/** @file
 * Fourier transforms, in place, of 8 to 4096 numbers (powers of two).
 *
 * Complex numbers lie as `re, im, re, im, …`: `x[2 * k]` and `x[2 * k + 1]`. Forward is
 * `X[k] = Σ x[j] e^(-2πi jk/n)`, as numpy.fft.fft; real transforms of n numbers give the n / 2 + 1 bins of
 * numpy.fft.rfft.
 *
 * | family | numbers | result, forward | twiddles | SNR at 256 |
 * |---|---|---|---|---|
 * | `_f32` | float | X | float | 138 dB |
 * | `_i32` | int32_t, any value | X / (8n), real: X / (4n) | 16 bits | 100 dB |
 * | `_q15` | int16_t, any value | X / 2^exponent | 16 bits | 63 dB |
 *
 * Fixed point gives the same bits on every CPU, and cannot overflow: see each family. Nothing is allocated,
 * and stacks stay below 300 bytes.
 *
 * Tables: a table for N serves every n up to N, forward and inverse, complex and real. Link a constant one
 * (`mw_fft_table_256_f32`; only what is named is linked), or have mw_fft_table_f32() fill memory of your own.
 * They hold a quarter of a wave, `N / 4 + 2` numbers, the first of which is N (-N in constant tables of
 * floats with ::MW_CMSIS_DSP).
 *
 * Functions return ::MW_OK; ::MW_ERROR_ARGUMENT for NULL; ::MW_ERROR_LENGTH if n is no power of two, less
 * than 8, or more than the table is for. On an error x is as it was.
 */
#ifndef MILLIWATT_FFT_H
#define MILLIWATT_FFT_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Least and most length. */
#define MW_FFT_LEAST 8
#define MW_FFT_MOST 4096

/** Numbers in the table for transforms up to n. */
#define MW_FFT_TABLE_SIZE(n) ((n) / 4 + 2)

/** Numbers of a buffer for n complex ones, and for a real transform of n, whose bins need two more. */
#define MW_FFT_SIZE(n) (2 * (n))
#define MW_RFFT_SIZE(n) ((n) + 2)

#define MW_FFT_TABLES_(X) X(8) X(16) X(32) X(64) X(128) X(256) X(512) X(1024) X(2048) X(4096)
/* What lies behind a table of floats, two pointers with MW_CMSIS_DSP. */
#define MW_FFT_BEHIND_ (MW_CMSIS_DSP ? 2 * sizeof(void (*)(void)) / sizeof(float) : 0)
#define MW_FFT_DECLARE_(n)                                                                     \
    extern const float mw_fft_table_##n##_f32[MW_FFT_TABLE_SIZE(n) + MW_FFT_BEHIND_] MW_FLASH; \
    extern const uint16_t mw_fft_table_##n##_i32[MW_FFT_TABLE_SIZE(n)] MW_FLASH;               \
    extern const int16_t mw_fft_table_##n##_q15[MW_FFT_TABLE_SIZE(n)] MW_FLASH;
/** Constant tables: `mw_fft_table_<n>_f32`, `mw_fft_table_<n>_i32`, `mw_fft_table_<n>_q15`. */
MW_FFT_TABLES_(MW_FFT_DECLARE_)
#undef MW_FFT_DECLARE_

#if !MW_USE_PROGMEM
/**
 * Fills a table; where PROGMEM is in use there is none in RAM, and a larger constant one does.
 *
 * @param table room for MW_FFT_TABLE_SIZE(n) numbers, which are those of the constant table but for the last
 *     bit of a float.
 * @param n power of two, 8 to 4096.
 */
int mw_fft_table_f32(float *table, size_t n);
int mw_fft_table_i32(uint16_t *table, size_t n); /**< the same bits as the constant table */
int mw_fft_table_q15(int16_t *table, size_t n);  /**< likewise */
#endif

/**
 * @name Complex, floats.
 * SNR with noise 138 dB up to 256, 137 up to 4096. A NaN or infinity in x makes all of X NaN or infinite.
 * @param x n complex numbers.
 * @param table for n or more.
 * @{
 */
int mw_fft_f32(float *x, size_t n, const float *table);
/** `x[j] = 1/n Σ X[k] e^(2πi jk/n)`. */
int mw_ifft_f32(float *x, size_t n, const float *table);
/** @} */

/**
 * @name Real, floats.
 * @param x room for MW_RFFT_SIZE(n) numbers: n real ones, which become n / 2 + 1 complex bins; the inverse
 * reads those, but not the imaginary parts of the first and the last, and leaves n real numbers (and two that
 *     mean nothing).
 * @{
 */
int mw_rfft_f32(float *x, size_t n, const float *table);
int mw_irfft_f32(float *x, size_t n, const float *table);
/** @} */

/**
 * @name Integers of 32 bits by twiddles of 16.
 * Nothing overflows, whatever x holds: the first pass divides by more than it adds up, so that no complex
 * number is longer than 0.71 * 2^29, and each other pass joins quarters. Numbers are rounded down once a
 * pass, so shift small ones up: of 16-bit samples `sample << 16`. SNR with noise of full scale: 100 dB up to
 * 256, 97 up to 4096; 97 and 88 with a sixty-fourth of that.
 * @{
 */
int mw_fft_i32(int32_t *x, size_t n, const uint16_t *table);   /**< X / (8n) */
int mw_ifft_i32(int32_t *x, size_t n, const uint16_t *table);  /**< an eighth of the inverse */
int mw_rfft_i32(int32_t *x, size_t n, const uint16_t *table);  /**< X / (4n); room as for floats */
int mw_irfft_i32(int32_t *x, size_t n, const uint16_t *table); /**< a sixteenth of the inverse */
/** @} */

/**
 * @name Integers of 16 bits with one exponent for all (block floating point).
 * The block is scaled up or down first, and down between passes as far as its longest complex number needs,
 * so that nothing overflows whatever x holds. SNR with noise of any level from 2^-6 of full scale on: 63 dB
 * up to 256, 60 up to 4096; with a single tone, whose spectrum is one peak above rounding, 58 and 46 dB.
 * @param x at a multiple of 4 bytes, else ::MW_ERROR_ALIGNMENT (AVR does not mind).
 * @param exponent gets what to multiply the result by: the transform is `x * 2^exponent`, -24 to 14.
 * @{
 */
int mw_fft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent);
int mw_ifft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent);
int mw_rfft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent); /**< room as for floats */
int mw_irfft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
