/* SPDX-License-Identifier: MIT */
#include <milliwatt/emphasis.h>

static inline int16_t mw_sound_saturated(int32_t x)
{
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)
    /* What compilers do not find by themselves. */
    __asm__("ssat %0, #16, %1" : "=r"(x) : "r"(x));
    return (int16_t) x;
#else
    x = x > INT16_MAX ? INT16_MAX : x;
    return (int16_t) (x < INT16_MIN ? INT16_MIN : x);
#endif
}

void mw_emphasize_f32(const float *x, size_t n, float factor, float *before, float *out)
{
    float last = *before;
    while (n-- != 0) {
        const float now = *x++;
        *out++ = now - factor * last;
        last = now;
    }
    *before = last;
}

void mw_emphasize_q15(const int16_t *x, size_t n, int16_t factor, int16_t *before, int16_t *out)
{
    int32_t last = *before;
    while (n-- != 0) {
        const int32_t now = *x++;
        *out++ = mw_sound_saturated(now - ((factor * last + 0x4000) >> 15));
        last = now;
    }
    *before = (int16_t) last;
}

void mw_remove_dc_f32(const float *x, size_t n, float share, float *mean, float *out)
{
    float level = *mean;
    while (n-- != 0) {
        const float now = *x++;
        level += share * (now - level);
        *out++ = now - level;
    }
    *mean = level;
}

void mw_remove_dc_q15(const int16_t *x, size_t n, uint8_t shift, int32_t *mean, int16_t *out)
{
    int32_t level = *mean;
    while (n-- != 0) {
        const int32_t now = *x++;
        level += (now * INT32_C(16384) - level) >> shift;
        *out++ = mw_sound_saturated(now - ((level + 0x2000) >> 14));
    }
    *mean = level;
}

void mw_centre_f32(const float *x, size_t n, float *out)
{
    float sum = 0.0f;
    float mean;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i];
    }
    mean = n == 0 ? 0.0f : sum / (float) n;
    for (size_t i = 0; i < n; ++i) {
        out[i] = x[i] - mean;
    }
}

void mw_centre_q15(const int16_t *x, size_t n, int16_t *out)
{
    int32_t sum = 0;
    int32_t mean = 0;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i];
    }
    if (n != 0) {
        /* floor(sum / n + 1 / 2), without what a division does to negative numbers. */
        const uint32_t moved = (uint32_t) sum + ((uint32_t) n << 15) + (uint32_t) (n / 2);
        mean = (int32_t) (moved / (uint32_t) n) - 32768;
    }
    for (size_t i = 0; i < n; ++i) {
        out[i] = mw_sound_saturated(x[i] - mean);
    }
}
