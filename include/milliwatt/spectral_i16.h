/* SPDX-License-Identifier: MIT */
/** @file
 * Spectra of frames of 16 bits; see spectral.h, which includes this.
 */
#ifndef MILLIWATT_SPECTRAL_I16_H
#define MILLIWATT_SPECTRAL_I16_H

#include <milliwatt/spectral.h>

#ifdef __cplusplus
extern "C" {
#endif

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
