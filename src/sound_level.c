/* SPDX-License-Identifier: MIT */
#include <milliwatt/sound_level.h>

void mw_level_f32(float *mean, float share, const float *x, size_t n)
{
    float level = *mean;
    while (n-- != 0) {
        const float now = *x++;
        level += share * (now * now - level);
    }
    *mean = level;
}

void mw_leq_f32(mw_leq_float *state, const float *x, size_t n)
{
    float sum = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i] * x[i];
    }
    if (n != 0) {
        state->n += (uint32_t) n;
        state->mean += (sum - (float) n * state->mean) / (float) state->n;
    }
}

static uint64_t mw_level_squares(const int16_t *x, size_t n)
{
    uint64_t sum = 0;
    while (n >= 2) { /* the sum of two squares has 32 bits */
        const int32_t a = *x++;
        const int32_t b = *x++;
        sum += (uint32_t) (a * a) + (uint32_t) (b * b);
        n -= 2;
    }
    if (n != 0) {
        const int32_t a = *x;
        sum += (uint32_t) (a * a);
    }
    return sum;
}

/* `sum * 2^16 / n`, rounded down, of at most 2^46 by at most 2^16: digit by digit, since dividing 64 bits
 * takes 700 bytes of code. */
static uint64_t mw_level_mean(uint64_t sum, uint32_t n)
{
    const uint32_t high = (uint32_t) (sum >> 16);
    const uint32_t middle = (high % n) << 16 | (uint32_t) (sum & 0xffffU);
    const uint32_t low = (middle % n) << 16;
    return ((uint64_t) (high / n) << 32) + ((uint64_t) (middle / n) << 16) + low / n;
}

void mw_level_q15(uint64_t *mean, uint32_t share, const int16_t *x, size_t n)
{
    if (n != 0) {
        const int64_t now = (int64_t) mw_level_mean(mw_level_squares(x, n), (uint32_t) n);
        const int64_t change = now - (int64_t) *mean; /* 47 bits */
        const int64_t upper = (change >> 16) * (int64_t) share;
        const int64_t lower = (int64_t) ((uint64_t) (change & 0xffff) * share >> 16);
        *mean = (uint64_t) ((int64_t) *mean + ((upper + lower) >> 8));
    }
}

void mw_leq_q15(mw_leq_integer *state, const int16_t *x, size_t n)
{
    state->sum += mw_level_squares(x, n);
    state->n += (uint32_t) n;
}
