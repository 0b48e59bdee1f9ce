/* SPDX-License-Identifier: MIT */
/* With w the angle a sample, s[j] = x[j] + 2 cos w s[j-1] - s[j-2]. At low frequencies, where 2 cos w is
 * nearly 2, the difference d = s[j] - s[j-1] is kept, and 2 cos w - 2 = -4 sin^2(w/2); at high ones s[j] +
 * s[j-1], and 2 cos w + 2 = 4 cos^2(w/2). In both cases |X|^2 = d^2 - factor s[j] s[j-1]. */
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>

#include "sine.h"

#define MW_GOERTZEL_QUARTER (UINT32_C(1) << 30)

/* Real samples do not tell f from 1 - f. */
static uint32_t mw_goertzel_fold(uint32_t frequency)
{
    return frequency > 2 * MW_GOERTZEL_QUARTER ? 0 - frequency : frequency;
}

/* sin or cos of w / 2, in 2^-60, at most sqrt(1/2). */
static int64_t mw_goertzel_half(uint32_t frequency, int is_low)
{
    return mw_cosine_turns(is_low ? MW_GOERTZEL_QUARTER - frequency / 2 : frequency / 2);
}

void mw_goertzel_begin_f32(mw_goertzel_f32 *state, uint32_t frequency)
{
    const uint32_t folded = mw_goertzel_fold(frequency);
    const int is_low = folded <= MW_GOERTZEL_QUARTER;
    const float half = 2.0f * mw_sine_to_f32(mw_goertzel_half(folded, is_low));
    state->factor = is_low ? -half * half : half * half;
    state->sign = is_low ? 1 : -1;
    state->sum = 0.0f;
    state->difference = 0.0f;
}

void mw_goertzel_add_f32(mw_goertzel_f32 *state, const float *x, size_t n)
{
    const float sign = state->sign;
    const float factor = state->factor;
    float sum = state->sum;
    float difference = state->difference;
    for (; n != 0; --n) {
        difference = *x++ + factor * sum + sign * difference;
        sum = difference + sign * sum;
    }
    state->sum = sum;
    state->difference = difference;
}

float mw_goertzel_power_f32(const mw_goertzel_f32 *state)
{
    const float d = state->difference;
    const float before = (float) state->sign * (state->sum - d);
    const float power = d * d - state->factor * state->sum * before;
    return power < 0.0f ? 0.0f : power;
}

/* Where sums of n samples of 16 bits could become longer than 31, samples are shifted down, else up. Sums are
 * at most 2^15 times n (n + 1) / 2, and n / sin w. */
static int8_t mw_goertzel_shift(uint32_t folded, size_t n)
{
    const uint64_t room = UINT64_C(60000) << 15; /* in 2^-15: 2^31 of 2^15, and some for rounding */
    const int64_t sine = mw_cosine_turns(folded - MW_GOERTZEL_QUARTER) >> 30;
    uint64_t most = (uint64_t) n * (n + 1) / 2;
    int8_t shift = 15;
    if (sine > 0 && (uint64_t) n * MW_GOERTZEL_QUARTER / (uint64_t) sine < most) {
        most = (uint64_t) n * MW_GOERTZEL_QUARTER / (uint64_t) sine + 1;
    }
    most <<= 30;
    for (; most > room; most >>= 1) {
        --shift;
    }
    return shift;
}

int mw_goertzel_begin_q15(mw_goertzel_q15 *state, uint32_t frequency, size_t n)
{
    const uint32_t folded = mw_goertzel_fold(frequency);
    const int is_low = folded <= MW_GOERTZEL_QUARTER;
    if (state == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (n == 0 || n > 16384U) {
        return MW_ERROR_LENGTH;
    }
    const int64_t half = mw_goertzel_half(folded, is_low) >> 29; /* in 2^-31 */
    const int64_t factor = (half * half + (INT64_C(1) << 29)) >> 30;
    if (is_low) {
        state->factor = (int32_t) -factor;
    } else {
        state->factor = factor > INT32_MAX ? INT32_MAX : (int32_t) factor;
    }
    state->sign = is_low ? 1 : -1;
    state->shift = mw_goertzel_shift(folded, n);
    state->left = (uint16_t) n;
    state->sum = 0;
    state->difference = 0;
    return MW_OK;
}

static inline int32_t mw_goertzel_times(int32_t factor, int32_t sum)
{
    return (int32_t) (((int64_t) factor * sum + (INT32_C(1) << 29)) >> 30);
}

int mw_goertzel_add_q15(mw_goertzel_q15 *state, const int16_t *x, size_t n)
{
    if (state == NULL || x == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (n > state->left) {
        return MW_ERROR_LENGTH;
    }
    const int32_t up = INT32_C(1) << (state->shift > 0 ? state->shift : 0);
    const unsigned down = state->shift < 0 ? (unsigned) -state->shift : 0;
    const int32_t half = (INT32_C(1) << down) >> 1;
    int32_t sum = state->sum;
    int32_t difference = state->difference;
    state->left = (uint16_t) (state->left - n);
    for (; n != 0; --n) {
        const int32_t sample = (*x++ * up + half) >> down;
        difference = sample + (mw_goertzel_times(state->factor, sum) + state->sign * difference);
        sum = difference + state->sign * sum;
    }
    state->sum = sum;
    state->difference = difference;
    return MW_OK;
}

uint64_t mw_goertzel_power_q15(const mw_goertzel_q15 *state)
{
    /* The product may need more than 64 bits, the difference does not. */
    const int64_t d = state->difference;
    const int64_t before = ((int64_t) state->sum - d) * state->sign;
    const int64_t turned = ((int64_t) state->factor * state->sum + (INT32_C(1) << 29)) >> 30;
    const int64_t power = (int64_t) ((uint64_t) (d * d) - (uint64_t) turned * (uint64_t) before);
    if (power <= 0) {
        return 0;
    }
    return state->shift >= 0 ? (uint64_t) power >> (2 * state->shift)
                             : (uint64_t) power << (-2 * state->shift);
}
