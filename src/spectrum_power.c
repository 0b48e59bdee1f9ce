/* SPDX-License-Identifier: MIT */
#include <milliwatt/roots.h>
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>

static int mw_spectrum_check(const void *bins, size_t n, const void *out)
{
    if (bins == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n != 0 ? MW_OK : MW_ERROR_LENGTH;
}

static inline float mw_spectrum_f32(float re, float im)
{
    return re * re + im * im;
}

static inline uint32_t mw_spectrum_q15(int16_t re, int16_t im)
{
    return (uint32_t) ((int32_t) re * re) + (uint32_t) ((int32_t) im * im);
}

static inline uint64_t mw_spectrum_i32(int32_t re, int32_t im)
{
    return (uint64_t) ((int64_t) re * re) + (uint64_t) ((int64_t) im * im);
}

static inline uint32_t mw_spectrum_upper(uint64_t power)
{
    return (uint32_t) (power >> 32);
}

#define MW_SPECTRUM_SAME(power) (power)
#define MW_DEFINE_SPECTRUM(name, family, type, result, of)            \
    int mw_##name##_##family(const type *bins, size_t n, result *out) \
    {                                                                 \
        const int status = mw_spectrum_check(bins, n, out);           \
        if (status == MW_OK) {                                        \
            const result *const end = out + n;                        \
            do {                                                      \
                const type re = *bins++;                              \
                const type im = *bins++;                              \
                *out++ = of(mw_spectrum_##family(re, im));            \
            } while (out != end);                                     \
        }                                                             \
        return status;                                                \
    }
MW_DEFINE_SPECTRUM(power, f32, float, float, MW_SPECTRUM_SAME)
MW_DEFINE_SPECTRUM(magnitude, f32, float, float, mw_root_f32)
MW_DEFINE_SPECTRUM(power, q15, int16_t, uint32_t, MW_SPECTRUM_SAME)
MW_DEFINE_SPECTRUM(magnitude, q15, int16_t, uint16_t, mw_root_u32)
MW_DEFINE_SPECTRUM(power, i32, int32_t, uint32_t, mw_spectrum_upper)
MW_DEFINE_SPECTRUM(magnitude, i32, int32_t, uint32_t, mw_root_u64)
