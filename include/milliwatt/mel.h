/* SPDX-License-Identifier: MIT */
/** @file
 * Mel filterbanks: from a spectrum to the energies of triangular bands, and their logarithms.
 *
 * Scales: Slaney's (M. Slaney, "Auditory Toolbox", Interval Research report 1998-010) and HTK's (S. Young et
 * al., "The HTK Book", after D. O'Shaughnessy, "Speech Communication", 1987: 2595 log10(1 + f / 700)). Tables
 * are made by milliwatt.signal_mel, whose filters are those of librosa.filters.mel.
 *
 * Neighbouring triangles overlap by half: between two centres a bin rises into one filter with the weight w
 * and falls out of the filter before it with 1 - w. So one weight a bin is all that is stored; each filter's
 * scale (area normalisation) comes once, at its end.
 *
 * A spectrum is of power or of magnitude, n_fft / 2 + 1 bins, the caller's; so is `out`, `n_mels` numbers
 * that do not overlap it. Structs and their tables lie in ::MW_FLASH.
 */
#ifndef MILLIWATT_MEL_H
#define MILLIWATT_MEL_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A filterbank of floats. */
typedef struct {
    const uint16_t
        *bins; /**< `n_mels` + 1: how many bins lie before the first centre, before the second, ... */
    const float *rises;  /**< for each of those bins its weight in the filter that it rises into, 0 to 1 */
    const float *scales; /**< one a filter, or NULL: all 1 */
    uint16_t length;     /**< of the spectrum */
    uint16_t first;      /**< the first bin that has a weight; with all of `bins` at most `length` */
    uint16_t n_mels;     /**< at least 1 */
} mw_mel_float;

/**
 * Energies of bands: sums of positive products, so the relative error is at most (bins of a filter + 4) *
 * 2^-24; and that of weights, 2^-24 of what the filter would answer if all of its weights were 1.
 *
 * @return MW_OK, or MW_ERROR_LENGTH unless `n` is the spectrum's length and `n_out` is `n_mels`.
 */
int mw_mel_f32(const mw_mel_float *bank, const float *spectrum, size_t n, float *out, size_t n_out);

/** A filterbank of integers: weights in 1/65536, scales as logarithms. */
typedef struct {
    const uint16_t *bins;  /**< as above */
    const uint16_t *rises; /**< as above, in 1/65536, at most 65535 */
    const int32_t *scales; /**< log2 of each filter's scale in 1/65536, or NULL: all 0 */
    uint16_t length, first, n_mels;
} mw_mel_integer;

/**
 * Energies without scales in 1/65536 of the spectrum's unit: exact sums of the weights in the table, which
 * are off by at most 2^-16. They cannot overflow: weights of one bin add up to 65536, and there are fewer
 * than 65536 bins of 32 bits.
 *
 * @return see mw_mel_f32.
 */
int mw_mel_u32(const mw_mel_integer *bank, const uint32_t *spectrum, size_t n, uint64_t *out, size_t n_out);

/**
 * log2 of the scaled energies in 1/256, rounded and saturated: error at most 0.51/256 plus that of weights.
 * In decibels that is 10 log10(2) times as much; a factor that a DCT's table or a network's scale can take.
 * A band without energy counts as 2^-17 of the spectrum's unit.
 *
 * @param exponent the spectrum is in units of 2^exponent, -1000 to 1000: what a block floating FFT has
 * scaled.
 * @return see mw_mel_f32.
 */
int mw_mel_log2_u32(const mw_mel_integer *bank, const uint32_t *spectrum, size_t n, int exponent,
                    int16_t *out, size_t n_out);

/**
 * The same of bins of 64 bits. If the largest from `first` on has more than 32 bits, all are shifted to the
 * right until it has 32, and the answers count that in: what is less than 2^-32 of the largest bin (-96 dB)
 * is lost.
 */
int mw_mel_log2_u64(const mw_mel_integer *bank, const uint64_t *spectrum, size_t n, int exponent,
                    int16_t *out, size_t n_out);

/** @name Logarithms of `n` energies in place, those below `least` taken as `least`, which is more than 0; NaN
 * too. Errors: see <milliwatt/logarithm.h>.
 * @return MW_OK, or MW_ERROR_LENGTH if `least` is not more than 0. @{ */
int mw_mel_ln_f32(float *values, size_t n, float least);
/** Decibels: librosa.power_to_db(values, ref=1, amin=least, top_db=None). */
int mw_mel_db_f32(float *values, size_t n, float least);
/** @} */

/** librosa's top_db: raises what is more than `range` below the largest of `n` values. Inner kernel; NaN
 * stays.
 */
void mw_top_db_f32(float *values, size_t n, float range);

#ifdef __cplusplus
}
#endif

#endif
