/* SPDX-License-Identifier: MIT */
/* Features of windows, and what is done to vectors of features. */
#include "batch.h"

/* A feature: its number in the table, its channels, its argument. */
typedef struct {
    double argument;
    int32_t number;
    int32_t channels[3];
} batch_feature;

#define SCRATCH_i16 int16_t
#define SCRATCH_f32 int32_t

/* The feature of the window at `from`; `scratch` has room for all of its samples. */
static int32_t feature_i16(const batch_feature *feature, const mw_view_i16 *x, uint16_t n, int16_t *scratch)
{
    const double argument = feature->argument;
    int32_t value = 0;
    (void) scratch;
    switch (feature->number) {
#include "features_i16.h"
    default:
        break;
    }
    return value;
}

static float feature_f32(const batch_feature *feature, const mw_view_f32 *x, uint16_t n, int32_t *scratch)
{
    const double argument = feature->argument;
    float value = 0.0f;
    (void) scratch;
    switch (feature->number) {
#include "features_f32.h"
    default:
        break;
    }
    return value;
}

#define DEFINE_FEATURES(suffix, type, result)                                                             \
    BATCH_API int batch_features_##suffix(const batch_feature *features, int count, const batch_shape *s, \
                                          const type *x, result *out)                                     \
    {                                                                                                     \
        SCRATCH_##suffix *scratch;                                                                        \
        if (s->frames < 1 || s->frames > 65535 || s->channels > 65535) {                                  \
            return MW_ERROR_LENGTH;                                                                       \
        }                                                                                                 \
        scratch = (SCRATCH_##suffix *) malloc(sizeof *scratch * (size_t) s->frames);                      \
        if (scratch == NULL) {                                                                            \
            return BATCH_NO_MEMORY;                                                                       \
        }                                                                                                 \
        for (int64_t i = 0; i < s->n; ++i) {                                                              \
            for (int f = 0; f < count; ++f) {                                                             \
                mw_view_##suffix views[3];                                                                \
                for (int k = 0; k < 3; ++k) {                                                             \
                    views[k] = mw_array_##suffix(x + features[f].channels[k], (uint16_t) s->frames,       \
                                                 (uint16_t) s->channels);                                 \
                }                                                                                         \
                *out++ = feature_##suffix(features + f, views, (uint16_t) s->frames, scratch);            \
            }                                                                                             \
            x += s->frames * s->channels;                                                                 \
        }                                                                                                 \
        free(scratch);                                                                                    \
        return MW_OK;                                                                                     \
    }
DEFINE_FEATURES(i16, int16_t, int32_t)
DEFINE_FEATURES(f32, float, float)

BATCH_API int batch_affine(const float *weights, const float *offset, int64_t n, int64_t n_in, int64_t n_out,
                           const float *x, float *out)
{
    for (int64_t i = 0; i < n; ++i) {
        mw_affine_f32(x + i * n_in, (size_t) n_in, weights, offset, out + i * n_out, (size_t) n_out);
    }
    return MW_OK;
}

/* In place. */
BATCH_API int batch_scale_each(const float *centre, const float *scale, int64_t n, int64_t width, float *x)
{
    for (int64_t i = 0; i < n; ++i) {
        mw_scale_each_f32(x + i * width, (size_t) width, centre, scale);
    }
    return MW_OK;
}

/* In place. `what`: 0 L1, 1 L2, 2 maximum, 3 log1p. */
BATCH_API int batch_vectors(int what, int64_t n, int64_t width, float *x)
{
    static void (*const steps[])(float *, size_t) = {mw_normalize_l1_f32, mw_normalize_l2_f32,
                                                     mw_normalize_max_f32, mw_log1p_f32};
    for (int64_t i = 0; i < n; ++i) {
        steps[what](x + i * width, (size_t) width);
    }
    return MW_OK;
}
