/* SPDX-License-Identifier: MIT */
#include <milliwatt/nan.h>
#include <milliwatt/quantize.h>

static inline int32_t mw_quantize_clamped(int32_t x, int32_t low, int32_t high)
{
    x = x > high ? high : x;
    return x < low ? low : x;
}

/* Rounded by its bits, saturated to -+65535; NaN is the least. */
static int32_t mw_quantize_rounded(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const uint_fast8_t exponent = (uint_fast8_t) (bits >> 23 & 0xffU);
    int32_t size = 0;
    if (bits << 1 > UINT32_C(0xff000000)) {
        return -INT32_C(65535);
    }
    if (exponent >= 127U + 15U) {
        size = INT32_C(65535);
    } else if (exponent >= 126U) {
        const uint32_t digits = (bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000);
        size = (int32_t) ((digits + (UINT32_C(1) << (149U - exponent))) >> (150U - exponent));
    }
    return bits >> 31 != 0 ? -size : size;
}

void mw_quantize_u8_f32(const float *x, size_t n, float inverse, uint8_t zero, uint8_t *out)
{
    while (n-- != 0) {
        const int32_t steps = mw_quantize_rounded(*x++ * inverse);
        *out++ = (uint8_t) mw_quantize_clamped(steps + zero, 0, UINT8_MAX);
    }
}

void mw_quantize_i8_f32(const float *x, size_t n, float inverse, int8_t zero, int8_t *out)
{
    while (n-- != 0) {
        const int32_t steps = mw_quantize_rounded(*x++ * inverse);
        *out++ = (int8_t) mw_quantize_clamped(steps + zero, INT8_MIN, INT8_MAX);
    }
}

void mw_quantize_u8_i16(const int16_t *x, size_t n, int16_t factor, int32_t offset, uint8_t shift,
                        uint8_t *out)
{
    while (n-- != 0) {
        const int32_t product = (int32_t) *x++ * factor;
        *out++ = (uint8_t) mw_quantize_clamped((product + offset) >> shift, 0, UINT8_MAX);
    }
}

void mw_quantize_i8_i16(const int16_t *x, size_t n, int16_t factor, int32_t offset, uint8_t shift,
                        int8_t *out)
{
    while (n-- != 0) {
        const int32_t product = (int32_t) *x++ * factor;
        *out++ = (int8_t) mw_quantize_clamped((product + offset) >> shift, INT8_MIN, INT8_MAX);
    }
}
