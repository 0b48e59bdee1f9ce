/* SPDX-License-Identifier: MIT */
/** @file
 * Spectra of frames of floats; see spectral.h, which includes this.
 */
#ifndef MILLIWATT_SPECTRAL_F32_H
#define MILLIWATT_SPECTRAL_F32_H

#include <milliwatt/spectral.h>
#include <milliwatt/trees.h>

#ifdef __cplusplus
extern "C" {
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

#ifdef __cplusplus
}
#endif

#endif
