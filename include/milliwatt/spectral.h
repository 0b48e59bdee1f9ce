/* SPDX-License-Identifier: MIT */
/** @file
 * One frame of samples to what a model takes of its spectrum: bins, bands, mel energies, their logarithms,
 * cepstral coefficients, peak, centroid, rolloff.
 *
 * All of it is `static inline` and driven by a struct. Where that is a constant which the compiler sees,
 * only what it names is left of the code, and only those kernels are linked; the struct itself vanishes.
 *
 *     static const mw_spectral_i16 config = {window, mw_fft_table_256_i32, ...};
 *     static int32_t work[MW_SPECTRAL_WORK(256)];
 *     int16_t values[20];
 *     const mw_view_i16 frame = mw_array_i16(samples, 256, 1);
 *     int status = mw_spectral_frame_i16(&config, &frame, work, values);
 *
 * The steps, in this order: mean taken off (`centre`), window, zeros up to 2^`order`, transform, power (or
 * magnitude), `values`, logarithm, cosine transform; `shape` of the power (or magnitude) of all bins. The
 * work buffer is the only memory, and is the caller's; nothing in it matters between calls.
 *
 * Tables lie in ::MW_FLASH and are made by milliwatt.signal_windows, signal_mel and signal_cepstrum. The
 * struct is read in place.
 *
 * Functions return ::MW_OK; ::MW_ERROR_LENGTH if the frame has not `length` samples, that or `n_mels` does
 * not fit 2^`order`, or a table is for other lengths; ::MW_ERROR_ARGUMENT for NULL. `out` may be half written
 * then.
 */
#ifndef MILLIWATT_SPECTRAL_H
#define MILLIWATT_SPECTRAL_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/cepstrum.h>
#include <milliwatt/config.h>
#include <milliwatt/fft.h>
#include <milliwatt/logarithm.h>
#include <milliwatt/mel.h>
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>
#include <milliwatt/views.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers (float, or int32_t) of the work buffer for transforms of n. */
#define MW_SPECTRAL_WORK(n) MW_RFFT_SIZE(n)

/** Which values a frame has. */
typedef enum mw_spectral_values {
    MW_SPECTRAL_NONE,    /**< `shape` alone */
    MW_SPECTRAL_BINS,    /**< `n_values` bins from bin `first` on */
    MW_SPECTRAL_BANDS,   /**< sums of bins `edges[b]` to `edges[b + 1] - 1` */
    MW_SPECTRAL_MEL,     /**< energies of `mel` */
    MW_SPECTRAL_CEPSTRUM /**< `cepstrum` of the logarithms of the energies of `mel` */
} mw_spectral_values;

typedef enum mw_spectral_logarithm {
    MW_SPECTRAL_LINEAR,
    MW_SPECTRAL_LN,
    MW_SPECTRAL_DB, /**< 10 log10 of powers, 20 log10 of magnitudes */
    MW_SPECTRAL_LOG2
} mw_spectral_logarithm;

/** Numbers that follow the values, up to three; see spectrum.h. */
typedef enum mw_spectral_shape {
    MW_SPECTRAL_END, /**< no more */
    MW_SPECTRAL_PEAK,
    MW_SPECTRAL_CENTROID,
    MW_SPECTRAL_ROLLOFF
} mw_spectral_shape;

/** A spectrum of floats; what `values` does not need is not read. */
typedef struct {
    const float *window; /**< `length` numbers, or NULL: all 1 */
    const float *table;  /**< of mw_rfft_f32, not less than 2^order */
    const uint16_t *edges;
    const mw_mel_float *mel;
    const mw_dct_float *cepstrum; /**< from n_mels to n_values */
    float floor;                  /**< energies below it, and NaN, are it before a logarithm; more than 0 */
    float rolloff;                /**< 0 to 1 */
    uint16_t length;              /**< of a frame: 1 to 2^order */
    uint16_t first;
    uint16_t n_values; /**< without shape */
    uint16_t n_mels;   /**< of `mel`; at most 2^order / 2 + 1 */
    uint8_t order;     /**< of two: the transform's length, 3 to 12 */
    uint8_t values;    /**< ::mw_spectral_values */
    uint8_t magnitude; /**< 1: magnitude; 0: power */
    uint8_t logarithm; /**< ::mw_spectral_logarithm */
    uint8_t centre;    /**< 1: the frame's mean is taken off */
    uint8_t shape[3];  /**< ::mw_spectral_shape each */
} mw_spectral_f32;

/** A spectrum of int16_t, always of power, and always with logarithms to base 2. */
typedef struct {
    const int16_t *window; /**< as above, in 2^-15 */
    const uint16_t *table; /**< of mw_rfft_i32 */
    const uint16_t *edges;
    const mw_mel_integer *mel;
    const mw_dct_integer *cepstrum;
    int16_t floor;    /**< logarithms below it are it; in 1/256. -32768: none */
    uint16_t rolloff; /**< in 2^-16 */
    uint16_t length, first, n_values, n_mels;
    uint8_t order, values, centre, shape[3];
} mw_spectral_i16;

/* Inlined even for size: else constants would not be seen. */
#if defined(__GNUC__)
#define MW_SPECTRAL_INLINE_ static inline __attribute__((always_inline))
#else
#define MW_SPECTRAL_INLINE_ static inline
#endif

#ifdef __cplusplus
}
#endif

#include <milliwatt/spectral_f32.h>
#include <milliwatt/spectral_i16.h>

#endif
