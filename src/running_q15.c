/* SPDX-License-Identifier: MIT */
#include <milliwatt/config.h>
#include <milliwatt/roots.h>
#include <milliwatt/running.h>

/* Division that rounds towards -∞; `rest` gets what it leaves, which is not negative. */
static int64_t mw_floor(int64_t value, uint32_t by, uint32_t *rest)
{
    int64_t quotient = value / (int64_t) by;
    int64_t left = value % (int64_t) by;
    if (left < 0) {
        left += (int64_t) by;
        --quotient;
    }
    *rest = (uint32_t) left;
    return quotient;
}

int32_t mw_running_mean_q15(const mw_running_q15 *state)
{
    uint32_t rest;
    if (state->n == 0) {
        return 0;
    }
    const int64_t whole = mw_floor(state->sum, state->n, &rest);
    return (int32_t) (whole * 65536 + (int64_t) (((uint64_t) rest << 16) / state->n));
}

uint32_t mw_running_variance_q15(const mw_running_q15 *state)
{
    uint32_t rest;
    if (state->n == 0) {
        return 0;
    }
    /* With sum = n mean + rest: squared distances from `mean`, then what those from the true mean are less.
     */
    const int64_t mean = mw_floor(state->sum, state->n, &rest);
    const uint64_t about = state->squares - (uint64_t) (mean * (state->sum + (int64_t) rest));
    const uint64_t square = (uint64_t) rest * rest;
    return (uint32_t) ((about - square / state->n - (square % state->n != 0)) / state->n);
}

static uint32_t mw_size(int32_t value)
{
    return value < 0 ? 0U - (uint32_t) value : (uint32_t) value;
}

/* Arcus tangent of `t` in 2^-15, 0 to 1, in units of π/32768: an odd polynomial, absolute error 0.02 units.
 */
static uint32_t mw_atan_q15(uint32_t t)
{
    const int32_t square = (int32_t) ((t * t + 16384U) >> 15);
    int32_t sum = -244;
    sum = 1098 + ((sum * square + 16384) >> 15);
    sum = -2429 + ((sum * square + 16384) >> 15);
    sum = 4037 + ((sum * square + 16384) >> 15);
    sum = -6939 + ((sum * square + 16384) >> 15);
    sum = 20860 + ((sum * square + 16384) >> 15);
    return ((uint32_t) sum * t + 32768U) >> 16;
}

int16_t mw_atan2_i32(int32_t y, int32_t x)
{
    uint32_t width = mw_size(x), height = mw_size(y), angle;
    uint32_t most = width > height ? width : height;
    if (most == 0) {
        return 0;
    }
    /* Sixteen bits are enough, and their quotient can be had with one division. */
    for (; most >= 65536U; most >>= 1) {
        width >>= 1;
        height >>= 1;
    }
    for (; most < 32768U; most <<= 1) {
        width <<= 1;
        height <<= 1;
    }
    if (height > width) {
        angle = 16384U - mw_atan_q15(((width << 15) + (height >> 1)) / height);
    } else {
        angle = mw_atan_q15(((height << 15) + (width >> 1)) / width);
    }
    if (x < 0) {
        angle = 32768U - angle;
    }
    angle = y < 0 ? 0U - angle : angle;
    /* π is -π here. */
    return (int16_t) ((int32_t) ((angle & 0xffffU) ^ 0x8000U) - 32768);
}

uint16_t mw_length_q15(int16_t x, int16_t y, int16_t z)
{
    return mw_root_u32((uint32_t) ((int32_t) x * x) + (uint32_t) ((int32_t) y * y) +
                       (uint32_t) ((int32_t) z * z));
}

int16_t mw_pitch_q15(const mw_gravity_q15 *state)
{
    const uint16_t level = mw_length_q15(mw_smoothed_q15(state->y), mw_smoothed_q15(state->z), 0);
    /* Half of it all: -x may be 2^31, and `level` has 16 bits. */
    return mw_atan2_i32(-(state->x >> 1), (int32_t) ((uint32_t) level << 15));
}
