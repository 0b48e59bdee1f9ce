/* SPDX-License-Identifier: MIT */
/* Stages that give a frame for a frame, or for several. */
#include "batch.h"

/* Samples a kernel takes at once: 16 bits hold more in no interface. */
#define BLOCK 16384

#define DEFINE_IIR(suffix, type, state_type, per_section)                                              \
    BATCH_API int batch_iir_##suffix(const mw_iir_##suffix *filter, int settled, const batch_shape *s, \
                                     const type *x, type *out)                                         \
    {                                                                                                  \
        const size_t channels = (size_t) s->channels;                                                  \
        const size_t numbers = (size_t) s->frames * channels;                                          \
        int status = MW_OK;                                                                            \
        state_type *const state =                                                                      \
            (state_type *) malloc(sizeof *state * per_section * filter->n_sections * channels);        \
        if (state == NULL) {                                                                           \
            return BATCH_NO_MEMORY;                                                                    \
        }                                                                                              \
        for (int64_t i = 0; i < s->n && s->frames != 0 && status == MW_OK; ++i) {                      \
            status = settled ? mw_iir_settle_##suffix(filter, state, channels, x)                      \
                             : mw_iir_reset_##suffix(filter, state, channels);                         \
            if (status == MW_OK) {                                                                     \
                status = mw_iir_run_##suffix(filter, state, channels, x, out, (size_t) s->frames);     \
            }                                                                                          \
            x += numbers;                                                                              \
            out += numbers;                                                                            \
        }                                                                                              \
        free(state);                                                                                   \
        return status;                                                                                 \
    }
DEFINE_IIR(f32, float, float, 2)
DEFINE_IIR(q15, int16_t, mw_iir_state_q15, 1)

#define DEFINE_FIR(suffix, type)                                                                            \
    /* One channel, `stride` numbers from frame to frame. */                                                \
    static int fir_##suffix(const mw_fir_##suffix *filter, type *buffer, type *block, const batch_shape *s, \
                            const type *x, type *out)                                                       \
    {                                                                                                       \
        mw_fir_state_##suffix state;                                                                        \
        int status = mw_fir_reset_##suffix(filter, &state, buffer, MW_FIR_BUFFER(filter->n_taps, BLOCK));   \
        for (int64_t at = 0; at < s->frames && status >= 0; at += BLOCK) {                                  \
            const int64_t n = s->frames - at < BLOCK ? s->frames - at : BLOCK;                              \
            for (int64_t i = 0; i < n; ++i) {                                                               \
                block[i] = x[(at + i) * s->channels];                                                       \
            }                                                                                               \
            status = mw_fir_run_##suffix(filter, &state, block, block, (size_t) n);                         \
            for (int i = 0; i < status; ++i) {                                                              \
                *out = block[i];                                                                            \
                out += s->channels;                                                                         \
            }                                                                                               \
        }                                                                                                   \
        return status < 0 ? status : MW_OK;                                                                 \
    }                                                                                                       \
                                                                                                            \
    BATCH_API int batch_fir_##suffix(const mw_fir_##suffix *filter, const batch_shape *s, const type *x,    \
                                     type *out)                                                             \
    {                                                                                                       \
        const int64_t kept = (s->frames + filter->decimation - 1) / filter->decimation;                     \
        int status = MW_OK;                                                                                 \
        type *const buffer =                                                                                \
            (type *) malloc(sizeof *buffer * (MW_FIR_BUFFER((size_t) filter->n_taps, BLOCK) + BLOCK));      \
        if (buffer == NULL) {                                                                               \
            return BATCH_NO_MEMORY;                                                                         \
        }                                                                                                   \
        for (int64_t i = 0; i < s->n; ++i) {                                                                \
            for (int64_t c = 0; c < s->channels && status == MW_OK; ++c) {                                  \
                status = fir_##suffix(filter, buffer, buffer + MW_FIR_BUFFER(filter->n_taps, BLOCK), s,     \
                                      x + c, out + c);                                                      \
            }                                                                                               \
            x += s->frames * s->channels;                                                                   \
            out += kept * s->channels;                                                                      \
        }                                                                                                   \
        free(buffer);                                                                                       \
        return status;                                                                                      \
    }
DEFINE_FIR(f32, float)
DEFINE_FIR(q15, int16_t)

/* What is done to one channel at a time. */
enum { EMPHASIS, REMOVE_DC, CENTRE };

static int column_f32(int what, double setting, float *x, size_t n)
{
    float first = *x;
    float mean = 0.0f;
    switch (what) {
    case EMPHASIS:
        mw_emphasize_f32(x, n, (float) setting, &first, x);
        return MW_OK;
    case REMOVE_DC:
        mw_remove_dc_f32(x, n, (float) setting, &mean, x);
        return MW_OK;
    default:
        mw_centre_f32(x, n, x);
        return MW_OK;
    }
}

static int column_q15(int what, double setting, int16_t *x, size_t n)
{
    int16_t first = *x;
    int32_t mean = 0;
    switch (what) {
    case EMPHASIS:
        mw_emphasize_q15(x, n, (int16_t) setting, &first, x);
        return MW_OK;
    case REMOVE_DC:
        mw_remove_dc_q15(x, n, (uint8_t) setting, &mean, x);
        return MW_OK;
    default:
        if (n > 65536) {
            return MW_ERROR_LENGTH;
        }
        mw_centre_q15(x, n, x);
        return MW_OK;
    }
}

#define DEFINE_COLUMNS(suffix, type)                                                                    \
    BATCH_API int batch_columns_##suffix(int what, double setting, const batch_shape *s, const type *x, \
                                         type *out)                                                     \
    {                                                                                                   \
        int status = MW_OK;                                                                             \
        type *const column = (type *) malloc(sizeof *column * (size_t) s->frames + 1);                  \
        if (column == NULL) {                                                                           \
            return BATCH_NO_MEMORY;                                                                     \
        }                                                                                               \
        for (int64_t i = 0; i < s->n && s->frames != 0; ++i) {                                          \
            for (int64_t c = 0; c < s->channels && status == MW_OK; ++c) {                              \
                for (int64_t at = 0; at < s->frames; ++at) {                                            \
                    column[at] = x[at * s->channels + c];                                               \
                }                                                                                       \
                status = column_##suffix(what, setting, column, (size_t) s->frames);                    \
                for (int64_t at = 0; at < s->frames; ++at) {                                            \
                    out[at * s->channels + c] = column[at];                                             \
                }                                                                                       \
            }                                                                                           \
            x += s->frames * s->channels;                                                               \
            out += s->frames * s->channels;                                                             \
        }                                                                                               \
        free(column);                                                                                   \
        return status;                                                                                  \
    }
DEFINE_COLUMNS(f32, float)
DEFINE_COLUMNS(q15, int16_t)

static int16_t length_q15(int16_t x, int16_t y, int16_t z)
{
    const uint16_t length = mw_length_q15(x, y, z);
    return (int16_t) (length > 32767U ? 32767U : length);
}

/* One frame a recording: `n` counts frames. `used`: two or three channels; the result stands at
 * `out[stride * i]`. */
#define DEFINE_LENGTH(suffix, type, of)                                                               \
    BATCH_API int batch_length_##suffix(const int32_t *used, int n_used, int64_t n, int64_t channels, \
                                        const type *x, int64_t stride, type *out)                     \
    {                                                                                                 \
        for (int64_t i = 0; i < n; ++i) {                                                             \
            out[i * stride] = of(x[used[0]], x[used[1]], (type) (n_used > 2 ? x[used[2]] : 0));       \
            x += channels;                                                                            \
        }                                                                                             \
        return MW_OK;                                                                                 \
    }
DEFINE_LENGTH(f32, float, mw_length_f32)
DEFINE_LENGTH(q15, int16_t, length_q15)
