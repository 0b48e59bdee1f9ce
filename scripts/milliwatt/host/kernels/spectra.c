/* SPDX-License-Identifier: MIT */
/* Spectra of frames, and single frequencies of blocks. */
#include "batch.h"

/* `out` gets for each frame `n_out` numbers a channel. `table` is the transform's, as names are no numbers.
 */
#define DEFINE_SPECTRA(suffix, type, wide)                                                                   \
    BATCH_API int batch_spectra_##suffix(const mw_spectral_##suffix *config, int hop, int n_out,             \
                                         const batch_shape *s, const type *x, type *out)                     \
    {                                                                                                        \
        int status = MW_OK;                                                                                  \
        wide *const work = (wide *) malloc(sizeof *work * MW_SPECTRAL_WORK((size_t) 1 << config->order));    \
        if (work == NULL) {                                                                                  \
            return BATCH_NO_MEMORY;                                                                          \
        }                                                                                                    \
        for (int64_t i = 0; i < s->n; ++i) {                                                                 \
            for (int64_t at = 0; at + config->length <= s->frames; at += hop) {                              \
                for (int64_t c = 0; c < s->channels && status == MW_OK; ++c) {                               \
                    const mw_view_##suffix frame =                                                           \
                        mw_array_##suffix(x + at * s->channels + c, config->length, (uint16_t) s->channels); \
                    status = mw_spectral_frame_##suffix(config, &frame, work, out);                          \
                    out += n_out;                                                                            \
                }                                                                                            \
            }                                                                                                \
            x += s->frames * s->channels;                                                                    \
        }                                                                                                    \
        free(work);                                                                                          \
        return status;                                                                                       \
    }
DEFINE_SPECTRA(f32, float, float)
DEFINE_SPECTRA(i16, int16_t, int32_t)

/* A table of the library, for transforms of 2^order; NULL if there is none. */
BATCH_API const void *batch_table(int order, int is_integer)
{
#define PAIR(n) {mw_fft_table_##n##_f32, mw_fft_table_##n##_i32},
    static const void *const tables[][2] = {MW_FFT_TABLES_(PAIR)};
#undef PAIR
    return order >= 3 && order <= 12 ? tables[order - 3][is_integer != 0] : NULL;
}

static float tone_f32(uint32_t frequency, const batch_shape *s, const float *x)
{
    mw_goertzel_f32 block;
    mw_goertzel_begin_f32(&block, frequency);
    for (int64_t i = 0; i < s->frames; ++i) {
        mw_goertzel_add_f32(&block, x + i * s->channels, 1);
    }
    return 2.0f / (float) s->frames * mw_root_f32(mw_goertzel_power_f32(&block));
}

static int16_t tone_q15(uint32_t frequency, const batch_shape *s, const int16_t *x)
{
    mw_goertzel_q15 block;
    uint32_t size;
    (void) mw_goertzel_begin_q15(&block, frequency, (size_t) s->frames);
    for (int64_t i = 0; i < s->frames; ++i) {
        (void) mw_goertzel_add_q15(&block, x + i * s->channels, 1);
    }
    size = 2U * mw_root_u64(mw_goertzel_power_q15(&block)) / (uint32_t) s->frames;
    return (int16_t) (size > 32767U ? 32767U : size);
}

/* A frame for each recording: `count` numbers a channel. */
#define DEFINE_TONES(suffix, type, most)                                                             \
    BATCH_API int batch_tones_##suffix(const uint32_t *frequencies, int count, const batch_shape *s, \
                                       const type *x, type *out)                                     \
    {                                                                                                \
        if (s->frames < 1 || s->frames > most) {                                                     \
            return MW_ERROR_LENGTH;                                                                  \
        }                                                                                            \
        for (int64_t i = 0; i < s->n; ++i) {                                                         \
            for (int64_t c = 0; c < s->channels; ++c) {                                              \
                for (int f = 0; f < count; ++f) {                                                    \
                    *out++ = tone_##suffix(frequencies[f], s, x + c);                                \
                }                                                                                    \
            }                                                                                        \
            x += s->frames * s->channels;                                                            \
        }                                                                                            \
        return MW_OK;                                                                                \
    }
DEFINE_TONES(f32, float, 65535)
DEFINE_TONES(q15, int16_t, 16384)
