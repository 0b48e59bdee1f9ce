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
#include <milliwatt/trees.h>
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

/** @name Floats @{ */

/* As mw_centre_f32. */
static inline float mw_spectral_mean_f32_(const mw_view_f32 *x)
{
    float sum = 0.0f;
    for (size_t i = 0; i < x->n_first; ++i) {
        sum += x->first[i * x->stride];
    }
    for (size_t i = 0; i < x->n_second; ++i) {
        sum += x->second[i * x->stride];
    }
    return sum / (float) (x->n_first + x->n_second);
}

MW_SPECTRAL_INLINE_ void mw_spectral_load_f32_(const mw_spectral_f32 *config, const mw_view_f32 *x,
                                               float *work)
{
    const float mean = config->centre ? mw_spectral_mean_f32_(x) : 0.0f;
    const float *window = config->window;
    float *const end = work + ((size_t) 1 << config->order);
    for (uint_fast8_t part = 0; part != 2; ++part) {
        const float *const from = part == 0 ? x->first : x->second;
        const size_t n = part == 0 ? x->n_first : x->n_second;
        for (size_t i = 0; i < n; ++i) {
            float sample = from[i * x->stride];
            if (config->centre) {
                sample -= mean;
            }
            if (config->window != NULL) {
                sample *= mw_read_float(window);
                ++window;
            }
            *work++ = sample;
        }
    }
    while (work != end) {
        *work++ = 0.0f;
    }
}

MW_SPECTRAL_INLINE_ float mw_spectral_log_f32_(const mw_spectral_f32 *config, float value)
{
    if (config->logarithm == MW_SPECTRAL_LINEAR) {
        return value;
    }
    value = value > config->floor ? value : config->floor; /* NaN too */
    if (config->logarithm == MW_SPECTRAL_LN) {
        return mw_log(value);
    }
    if (config->logarithm == MW_SPECTRAL_LOG2) {
        return mw_log2(value);
    }
    return config->magnitude ? mw_db_of_amplitude(value) : mw_db_of_power(value);
}

/* `n` energies into their logarithms; `out` may be `from`. */
MW_SPECTRAL_INLINE_ void mw_spectral_logs_f32_(const mw_spectral_f32 *config, const float *from, size_t n,
                                               float *out)
{
    if (config->logarithm != MW_SPECTRAL_LINEAR || from != out) {
        for (size_t i = 0; i < n; ++i) {
            out[i] = mw_spectral_log_f32_(config, from[i]);
        }
    }
}

MW_SPECTRAL_INLINE_ int mw_spectral_values_f32_(const mw_spectral_f32 *config, float *work, float *out)
{
    const size_t n_bins = ((size_t) 1 << config->order) / 2 + 1;
    int status = MW_OK;
    if (config->values == MW_SPECTRAL_BINS) {
        if ((size_t) config->first + config->n_values > n_bins) {
            return MW_ERROR_LENGTH;
        }
        mw_spectral_logs_f32_(config, work + config->first, config->n_values, out);
    } else if (config->values == MW_SPECTRAL_BANDS) {
        size_t at = MW_READ_16(config->edges);
        for (size_t band = 0; band < config->n_values; ++band) {
            const size_t end = MW_READ_16(config->edges + band + 1);
            float sum = 0.0f;
            if (end > n_bins) {
                return MW_ERROR_LENGTH;
            }
            for (; at < end; ++at) {
                sum += work[at];
            }
            out[band] = mw_spectral_log_f32_(config, sum);
        }
    } else if (config->values != MW_SPECTRAL_NONE) {
        /* Energies that are not yet the answer lie behind the bins. */
        float *const energies = config->values == MW_SPECTRAL_CEPSTRUM ? work + n_bins : out;
        status = config->n_mels <= n_bins ? mw_mel_f32(config->mel, work, n_bins, energies, config->n_mels)
                                          : MW_ERROR_LENGTH;
        if (status != MW_OK) {
            return status;
        }
        mw_spectral_logs_f32_(config, energies, config->n_mels, energies);
        if (config->values == MW_SPECTRAL_CEPSTRUM) {
            status = mw_dct_f32(config->cepstrum, energies, config->n_mels, out, config->n_values);
        }
    }
    return status;
}

MW_SPECTRAL_INLINE_ float mw_spectral_shape_f32_(uint_fast8_t shape, const float *power, size_t n,
                                                 float rolloff)
{
    if (shape == MW_SPECTRAL_PEAK) {
        return (float) mw_peak_f32(power, n);
    }
    return shape == MW_SPECTRAL_CENTROID ? mw_centroid_f32(power, n)
                                         : (float) mw_rolloff_f32(power, n, rolloff);
}

/**
 * Error: that of the transform (138 dB of signal to noise up to 256, 137 up to 4096) and of the kernels
 * after it; of decibels of a bin, what that is of the bin.
 *
 * @param x    the frame; it may lie at the beginning of `work`, in one part with a stride of 1.
 * @param work MW_SPECTRAL_WORK(2^order) floats.
 * @param out  `n_values` numbers, and one for each `shape`; it does not overlap `work`.
 */
MW_SPECTRAL_INLINE_ int mw_spectral_frame_f32(const mw_spectral_f32 *config, const mw_view_f32 *x,
                                              float *work, float *out)
{
    const size_t n_fft = (size_t) 1 << config->order;
    const size_t n_bins = n_fft / 2 + 1;
    int status = MW_ERROR_LENGTH;
    if (config->length != 0 && config->length <= n_fft &&
        (uint_fast32_t) x->n_first + x->n_second == config->length) {
        mw_spectral_load_f32_(config, x, work);
        status = mw_rfft_f32(work, n_fft, config->table);
    }
    if (status == MW_OK) {
        status = config->magnitude ? mw_magnitude_f32(work, n_bins, work) : mw_power_f32(work, n_bins, work);
    }
    if (status == MW_OK) {
        status = mw_spectral_values_f32_(config, work, out);
        out += config->n_values;
        if (config->shape[0] != MW_SPECTRAL_END) {
            *out++ = mw_spectral_shape_f32_(config->shape[0], work, n_bins, config->rolloff);
        }
        if (config->shape[1] != MW_SPECTRAL_END) {
            *out++ = mw_spectral_shape_f32_(config->shape[1], work, n_bins, config->rolloff);
        }
        if (config->shape[2] != MW_SPECTRAL_END) {
            *out = mw_spectral_shape_f32_(config->shape[2], work, n_bins, config->rolloff);
        }
    }
    return status;
}
/** @} */

/** @name Integers of 16 bits @{ */

/* As mw_centre_q15. */
static inline int32_t mw_spectral_mean_i16_(const mw_view_i16 *x)
{
    const uint32_t n = (uint32_t) x->n_first + x->n_second;
    int32_t sum = 0;
    for (size_t i = 0; i < x->n_first; ++i) {
        sum += x->first[i * x->stride];
    }
    for (size_t i = 0; i < x->n_second; ++i) {
        sum += x->second[i * x->stride];
    }
    return (int32_t) (((uint32_t) sum + (n << 15) + n / 2) / n) - 32768;
}

static inline int16_t mw_spectral_clamped_(int32_t x, int32_t least)
{
    x = x > INT16_MAX ? INT16_MAX : x;
    return (int16_t) (x < least ? least : x);
}

/* Samples times window, exactly, in 2^-30 of full scale, shifted to the left as far as the frame has room.
 * @return by how much. */
MW_SPECTRAL_INLINE_ int mw_spectral_load_i16_(const mw_spectral_i16 *config, const mw_view_i16 *x,
                                              int32_t *work)
{
    const int32_t mean = config->centre ? mw_spectral_mean_i16_(x) : 0;
    const int16_t *window = config->window;
    int32_t *at = work;
    int32_t *const end = work + ((size_t) 1 << config->order);
    uint32_t bits = 0;
    int shift;
    for (uint_fast8_t part = 0; part != 2; ++part) {
        const int16_t *const from = part == 0 ? x->first : x->second;
        const size_t n = part == 0 ? x->n_first : x->n_second;
        for (size_t i = 0; i < n; ++i) {
            int32_t sample = from[i * x->stride];
            if (config->centre) {
                sample = mw_spectral_clamped_(sample - mean, INT16_MIN);
            }
            if (config->window != NULL) {
                sample *= (int16_t) MW_READ_16(window);
                ++window;
            } else {
                sample *= INT32_C(32768);
            }
            bits |= (uint32_t) (sample < 0 ? ~sample : sample);
            *at++ = sample;
        }
    }
    shift = bits == 0 ? 31 : mw_log_zeros_(bits) - 1;
    {
        int32_t *const filled = at;
        for (at = work; at != filled; ++at) {
            *at = (int32_t) ((uint32_t) *at << shift);
        }
    }
    while (at != end) {
        *at++ = 0;
    }
    return shift;
}

/* log2 in 1/256 of an energy whose log2 is `logarithm` and `more` in 1/65536. */
MW_SPECTRAL_INLINE_ int16_t mw_spectral_log_i16_(const mw_spectral_i16 *config, int32_t logarithm,
                                                 int32_t more)
{
    return mw_spectral_clamped_((logarithm + more + 128) >> 8, config->floor);
}

MW_SPECTRAL_INLINE_ int mw_spectral_values_i16_(const mw_spectral_i16 *config, int32_t *work, int exponent,
                                                int16_t *out)
{
    const size_t n_bins = ((size_t) 1 << config->order) / 2 + 1;
    const uint32_t *const power = (const uint32_t *) work;
    const int32_t more = (int32_t) exponent * INT32_C(65536);
    int status = MW_OK;
    if (config->values == MW_SPECTRAL_BINS) {
        if ((size_t) config->first + config->n_values > n_bins) {
            return MW_ERROR_LENGTH;
        }
        for (size_t i = 0; i < config->n_values; ++i) {
            out[i] = mw_spectral_log_i16_(config, mw_log2_q16_u32(power[config->first + i]), more);
        }
    } else if (config->values == MW_SPECTRAL_BANDS) {
        size_t at = MW_READ_16(config->edges);
        for (size_t band = 0; band < config->n_values; ++band) {
            const size_t end = MW_READ_16(config->edges + band + 1);
            uint64_t sum = 0;
            if (end > n_bins) {
                return MW_ERROR_LENGTH;
            }
            for (; at < end; ++at) {
                sum += power[at];
            }
            out[band] = mw_spectral_log_i16_(config, mw_log2_q16_u64(sum), more);
        }
    } else if (config->values != MW_SPECTRAL_NONE) {
        int16_t *const logs = config->values == MW_SPECTRAL_CEPSTRUM ? (int16_t *) (work + n_bins) : out;
        status = config->n_mels <= n_bins
                     ? mw_mel_log2_u32(config->mel, power, n_bins, exponent, logs, config->n_mels)
                     : MW_ERROR_LENGTH;
        if (status != MW_OK) {
            return status;
        }
        if (config->floor != INT16_MIN) {
            for (size_t i = 0; i < config->n_mels; ++i) {
                logs[i] = logs[i] < config->floor ? config->floor : logs[i];
            }
        }
        if (config->values == MW_SPECTRAL_CEPSTRUM) {
            status = mw_dct_i16(config->cepstrum, logs, config->n_mels, out, config->n_values);
        }
    }
    return status;
}

MW_SPECTRAL_INLINE_ int16_t mw_spectral_shape_i16_(uint_fast8_t shape, const uint32_t *power, size_t n,
                                                   uint16_t rolloff)
{
    if (shape == MW_SPECTRAL_PEAK) {
        return (int16_t) mw_peak_u32(power, n);
    }
    return shape == MW_SPECTRAL_CENTROID ? (int16_t) (mw_centroid_u32(power, n) >> 5)
                                         : (int16_t) mw_rolloff_u32(power, n, rolloff);
}

/**
 * The same bits on every CPU, and nothing overflows: values that 16 bits do not hold are saturated.
 *
 * Units. A sample of 32768 would be 1, and a window's largest weight is 1. The power of a bin is |X|^2 with
 * X as numpy.fft.rfft of the windowed frame: 0 (dB, log2) is a bin with |X| = 1. A sine of full scale in the
 * middle of a bin has |X| = (sum of window) / 2: of 256 samples and a Hann window 64, which is 36.1 dB, or
 * 12.0 in log2. So the floor of quiet frames depends on their length, not on their neighbours: the frame is
 * shifted to the left until it fills 32 bits, and the exponent is counted in.
 *
 * Bins, bands and mel energies are log2 of power in 1/256 (times 10 log10(2) they are decibels). Cepstral
 * coefficients are in the units of `cepstrum`; its table made with a gain of 1/4, in 1/64 of log2. PEAK and
 * ROLLOFF are bins, CENTROID is in 1/8 of a bin, rounded down.
 *
 * Error: rounding of the transform is about 100 dB below a frame like noise; powers are rounded down to a
 * unit that is 87 to 96 dB below the greatest bin. A bin with less than that counts as half of it. 1/256 of
 * log2 is 0.012 dB.
 *
 * @param x    the frame; not in `work`.
 * @param work MW_SPECTRAL_WORK(2^order) numbers.
 * @param out  `n_values` numbers, and one for each `shape`.
 */
MW_SPECTRAL_INLINE_ int mw_spectral_frame_i16(const mw_spectral_i16 *config, const mw_view_i16 *x,
                                              int32_t *work, int16_t *out)
{
    const size_t n_fft = (size_t) 1 << config->order;
    const size_t n_bins = n_fft / 2 + 1;
    const uint32_t *const power = (const uint32_t *) work;
    int status = MW_ERROR_LENGTH;
    int shift = 0, exponent = 0;
    if (config->length != 0 && config->length <= n_fft &&
        (uint_fast32_t) x->n_first + x->n_second == config->length) {
        shift = mw_spectral_load_i16_(config, x, work);
        status = mw_rfft_i32(work, n_fft, config->table);
    }
    if (status == MW_OK) {
        status = mw_power_block_i32(work, n_bins, (uint32_t *) work, &exponent);
    }
    if (status == MW_OK) {
        /* The transform gave X / (4n) of numbers in 2^-(30 + shift). */
        exponent -= 2 * (28 + shift - (int) config->order);
        status = mw_spectral_values_i16_(config, work, exponent, out);
        out += config->n_values;
        if (config->shape[0] != MW_SPECTRAL_END) {
            *out++ = mw_spectral_shape_i16_(config->shape[0], power, n_bins, config->rolloff);
        }
        if (config->shape[1] != MW_SPECTRAL_END) {
            *out++ = mw_spectral_shape_i16_(config->shape[1], power, n_bins, config->rolloff);
        }
        if (config->shape[2] != MW_SPECTRAL_END) {
            *out = mw_spectral_shape_i16_(config->shape[2], power, n_bins, config->rolloff);
        }
    }
    return status;
}
/** @} */

#ifdef __cplusplus
}
#endif

#endif
