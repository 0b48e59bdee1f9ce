/* SPDX-License-Identifier: MIT */
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>

static int mw_bands_check(const void *power, size_t n, const uint16_t *edges, size_t n_bands, const void *out)
{
    if (power == NULL || edges == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    for (size_t i = 0; i < n_bands; ++i) {
        if (edges[i] > edges[i + 1]) {
            return MW_ERROR_LENGTH;
        }
    }
    return n_bands != 0 && edges[n_bands] <= n ? MW_OK : MW_ERROR_LENGTH;
}

#define MW_DEFINE_BANDS(family, type, wide)                                                              \
    int mw_bands_##family(const type *power, size_t n, const uint16_t *edges, size_t n_bands, wide *out) \
    {                                                                                                    \
        const int status = mw_bands_check(power, n, edges, n_bands, out);                                \
        if (status != MW_OK) {                                                                           \
            return status;                                                                               \
        }                                                                                                \
        for (; n_bands != 0; --n_bands, ++edges) {                                                       \
            wide sum = 0;                                                                                \
            for (size_t i = edges[0]; i < edges[1]; ++i) {                                               \
                sum += power[i];                                                                         \
            }                                                                                            \
            *out++ = sum;                                                                                \
        }                                                                                                \
        return MW_OK;                                                                                    \
    }                                                                                                    \
                                                                                                         \
    static wide mw_spectrum_sum_##family(const type *power, size_t n)                                    \
    {                                                                                                    \
        wide sum = 0;                                                                                    \
        for (size_t i = 0; i < n; ++i) {                                                                 \
            sum += power[i];                                                                             \
        }                                                                                                \
        return sum;                                                                                      \
    }
MW_DEFINE_BANDS(f32, float, float)
MW_DEFINE_BANDS(u32, uint32_t, uint64_t)

size_t mw_peak_f32(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; ++i) {
        /* Not as `>`: what is better than a NaN is anything. */
        if (!(x[i] <= x[best]) && x[i] >= x[i]) {
            best = i;
        }
    }
    return best;
}

size_t mw_peak_u32(const uint32_t *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; ++i) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

float mw_centroid_f32(const float *power, size_t n)
{
    const float sum = mw_spectrum_sum_f32(power, n);
    float moment = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        moment += power[i] * (float) i;
    }
    return sum == 0.0f ? 0.0f : moment / sum;
}

uint32_t mw_centroid_u32(const uint32_t *power, size_t n)
{
    const uint64_t sum = mw_spectrum_sum_u32(power, n);
    uint64_t moment = 0;
    for (size_t i = 0; i < n; ++i) {
        moment += (uint64_t) power[i] * i;
    }
    return sum == 0 ? 0 : (uint32_t) ((moment << 8) / sum);
}

size_t mw_rolloff_f32(const float *power, size_t n, float share)
{
    const float wanted = share * mw_spectrum_sum_f32(power, n);
    float sum = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        sum += power[i];
        if (sum >= wanted) {
            return i;
        }
    }
    return n - 1;
}

size_t mw_rolloff_u32(const uint32_t *power, size_t n, uint16_t share)
{
    const uint64_t wanted = mw_spectrum_sum_u32(power, n) * share; /* below 2^64 */
    uint64_t sum = 0;
    for (size_t i = 0; i < n; ++i) {
        sum += power[i];
        if (sum << 16 >= wanted) {
            return i;
        }
    }
    return n - 1;
}
