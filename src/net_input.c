/* SPDX-License-Identifier: MIT */
#include <milliwatt/nan.h>
#include <milliwatt/trees.h>

#include "net_scale.h"

/*
 * A float rounded, halves away from zero, saturated to -+(2^31 - 1). By its bits: on CPUs without an FPU that
 * is many times faster, and no compiler can merge it with the product that x is.
 */
static int32_t mw_rounded(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const uint_fast8_t exponent = (uint_fast8_t) (bits >> 23 & 0xffU);
    const uint32_t digits = (bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000);
    uint32_t size = 0;
    if (exponent >= 127U + 31U) {
        size = UINT32_C(0x7fffffff);
    } else if (exponent >= 150U) {
        size = digits << (exponent - 150U);
    } else if (exponent >= 126U) {
        size = (digits + (UINT32_C(1) << (149U - exponent))) >> (150U - exponent);
    }
    return bits >> 31 != 0 ? -(int32_t) size : (int32_t) size;
}

static int32_t mw_real_feature(const mw_input_real *map, uint_fast16_t i, const float *x)
{
    const uint_fast16_t place = map->each != 0 ? i : 0;
    const int32_t zero = (int32_t) MW_READ_32(map->zero + place);
    const float steps = x[i] * mw_read_float(map->inverse + place);
    if (mw_is_nan(steps)) {
        return map->low;
    }
    return mw_clamped(mw_rounded(steps), map->low - zero, map->high - zero) + zero;
}

static int32_t mw_integer_feature(const mw_input_integer *map, uint_fast16_t i, int32_t x)
{
    if (map->scale != NULL) {
        const uint_fast16_t place = map->each != 0 ? i : 0;
        x = x * (int16_t) MW_READ_16(map->scale + place) + (int32_t) MW_READ_32(map->offset + place);
        x >>= map->shift;
    }
    return mw_clamped(x, map->low, map->high);
}

#define MW_DEFINE_REAL_(family, number)                                                  \
    void mw_input_real_##family(const mw_input_real *flash, const float *x, number *out) \
    {                                                                                    \
        mw_input_real map;                                                               \
        MW_READ_BYTES(&map, flash, sizeof map);                                          \
        for (uint_fast16_t i = 0; i < map.n; ++i) {                                      \
            out[i] = (number) mw_real_feature(&map, i, x);                               \
        }                                                                                \
    }
MW_DEFINE_REAL_(u8, uint8_t)
MW_DEFINE_REAL_(i16, int16_t)

#define MW_DEFINE_INTEGER_(name, feature, number)                           \
    void name(const mw_input_integer *flash, const feature *x, number *out) \
    {                                                                       \
        mw_input_integer map;                                               \
        MW_READ_BYTES(&map, flash, sizeof map);                             \
        for (uint_fast16_t i = 0; i < map.n; ++i) {                         \
            out[i] = (number) mw_integer_feature(&map, i, x[i]);            \
        }                                                                   \
    }
MW_DEFINE_INTEGER_(mw_input_u8_of_i8, int8_t, uint8_t)
MW_DEFINE_INTEGER_(mw_input_u8_of_u8, uint8_t, uint8_t)
MW_DEFINE_INTEGER_(mw_input_u8_of_i16, int16_t, uint8_t)
MW_DEFINE_INTEGER_(mw_input_i16_of_i8, int8_t, int16_t)
MW_DEFINE_INTEGER_(mw_input_i16_of_u8, uint8_t, int16_t)
MW_DEFINE_INTEGER_(mw_input_i16_of_i16, int16_t, int16_t)
