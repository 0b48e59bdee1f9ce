/* SPDX-License-Identifier: MIT */
/** @file
 * What changes with every sample: statistics over all samples so far, smoothing, orientation from gravity.
 *
 * The caller owns every state; `_begin` functions set it up. Functions here check nothing. Those of integers
 * give the same bits on every CPU. A NaN among floats stays in means and smoothed values; angles and lengths
 * of NaN or infinity are NaN or infinite.
 *
 * Sources: B. Welford, "Note on a method for calculating corrected sums of squares and products",
 * Technometrics 4 (1962); M. Pedley, "Tilt sensing using a three-axis accelerometer", NXP AN3461 (angles).
 */
#ifndef MILLIWATT_RUNNING_H
#define MILLIWATT_RUNNING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Mean, variance and extremes of all samples
 * @{ */

/** Welford's recurrence. Relative error of the variance at most about `n * 2^-24`; of the mean as much of the
 * largest sample. More than 2^24 samples count as that many. */
typedef struct {
    float n, mean, squares; /**< `squares`: sum of squared distances from the mean */
    float low, high;        /**< of no sample: 0; a NaN is not taken for one */
} mw_running_f32;

static inline void mw_running_begin_f32(mw_running_f32 *state)
{
    state->n = state->mean = state->squares = state->low = state->high = 0.0f;
}

static inline void mw_running_add_f32(mw_running_f32 *state, float x)
{
    const float before = x - state->mean;
    if (!(state->n > 0.0f)) {
        state->low = state->high = x;
    }
    state->n += 1.0f;
    state->mean += before / state->n;
    state->squares += before * (x - state->mean);
    /* So that a first NaN is replaced. */
    state->low = state->low < x || x != x ? state->low : x;
    state->high = state->high > x || x != x ? state->high : x;
}

/** Of the samples themselves (numpy's `var`); 0 of none. */
static inline float mw_running_variance_f32(const mw_running_f32 *state)
{
    return state->n > 0.0f ? state->squares / state->n : 0.0f;
}

/** Exact sums. Samples after the 2^32 - 1st one are ignored. */
typedef struct {
    int64_t sum;
    uint64_t squares;
    uint32_t n;
    int16_t low, high; /**< of no sample: 0 */
} mw_running_q15;

static inline void mw_running_begin_q15(mw_running_q15 *state)
{
    const mw_running_q15 none = {0, 0, 0, 0, 0};
    *state = none;
}

static inline void mw_running_add_q15(mw_running_q15 *state, int16_t x)
{
    if (state->n == 0) {
        state->low = state->high = x;
    } else if (state->n == UINT32_MAX) {
        return;
    }
    ++state->n;
    state->sum += x;
    state->squares += (uint32_t) ((int32_t) x * x);
    state->low = x < state->low ? x : state->low;
    state->high = x > state->high ? x : state->high;
}

/** The mean in 2^-16, rounded towards -∞; 0 of no sample. */
int32_t mw_running_mean_q15(const mw_running_q15 *state);
/** The variance of the samples themselves, rounded towards 0, exact otherwise; 0 of no sample. */
uint32_t mw_running_variance_q15(const mw_running_q15 *state);
/** @} */

/** @name Exponential moving average: `y += alpha * (x - y)`, begun with a first sample
 * `alpha` of a time constant of `n` samples is `1 - exp(-1 / n)`, or about `1 / n`. @{ */

static inline float mw_smooth_f32(float y, float alpha, float x)
{
    return y + alpha * (x - y);
}

/** What `y` begins with. */
static inline int32_t mw_smooth_begin_q15(int16_t x)
{
    return (int32_t) x * 65536;
}

/**
 * `y` and `alpha` in 2^-16, alpha at most 65535. y never leaves the range of the samples. It comes as close
 * to a sample that does not change as `1 / alpha` of these units and two more.
 */
static inline int32_t mw_smooth_q15(int32_t y, uint16_t alpha, int16_t x)
{
    const int32_t half = (int32_t) x * 32768 - (y >> 1); /* of the distance, which has 33 bits */
    /* Modulo 2^32, as a step alone may have 33 bits too. */
    const uint32_t step = (uint32_t) (half >> 16) * ((uint32_t) alpha * 2U) +
                          ((((uint32_t) half & 0xffffU) * (uint32_t) alpha) >> 15);
    return (int32_t) ((uint32_t) y + step);
}

static inline int16_t mw_smoothed_q15(int32_t y)
{
    return (int16_t) ((y + 32768) >> 16);
}

static inline int64_t mw_smooth_begin_q31(int32_t x)
{
    return (int64_t) x * 65536;
}

/** As above, `y` with 16 bits more than x. */
static inline int64_t mw_smooth_q31(int64_t y, uint16_t alpha, int32_t x)
{
    const int64_t distance = (int64_t) x * 65536 - y;
    return y + (distance >> 16) * (int64_t) alpha +
           (int64_t) ((((uint32_t) distance & 0xffffU) * (uint32_t) alpha) >> 16);
}

static inline int32_t mw_smoothed_q31(int64_t y)
{
    return (int32_t) ((y + 32768) >> 16);
}
/** @} */

/** @name Angles and lengths
 * Floats in radians; angles of integers in units of π/32768 (-32768 is -π, a full turn is 65536). @{ */

/** The angle of the point (x, y), as `atan2`; relative error at most 2^-21. Of (0, 0) it is 0; zeros have no
 * sign. */
float mw_atan2_f32(float y, float x);
/** Error at most 2 units, which is 0.011 degrees. */
int16_t mw_atan2_i32(int32_t y, int32_t x);

/** Length of a vector; relative error at most 2^-21, no overflow and no underflow on the way. */
float mw_length_f32(float x, float y, float z);
/** Rounded towards 0. */
uint16_t mw_length_q15(int16_t x, int16_t y, int16_t z);
/** @} */

/** @name Orientation: where gravity comes from, an accelerometer's samples smoothed
 * Roll is the turn about x, -π to π; pitch about y, -π/2 to π/2; both are 0 where gravity is all in +z. Where
 * it is all in x, roll means nothing. @{ */
typedef struct {
    float x, y, z;
} mw_gravity_f32;

static inline void mw_gravity_begin_f32(mw_gravity_f32 *state, float x, float y, float z)
{
    state->x = x;
    state->y = y;
    state->z = z;
}

static inline void mw_gravity_add_f32(mw_gravity_f32 *state, float alpha, float x, float y, float z)
{
    state->x = mw_smooth_f32(state->x, alpha, x);
    state->y = mw_smooth_f32(state->y, alpha, y);
    state->z = mw_smooth_f32(state->z, alpha, z);
}

static inline float mw_roll_f32(const mw_gravity_f32 *state)
{
    return mw_atan2_f32(state->y, state->z);
}

static inline float mw_pitch_f32(const mw_gravity_f32 *state)
{
    return mw_atan2_f32(-state->x, mw_length_f32(state->y, state->z, 0.0f));
}

typedef struct {
    int32_t x, y, z; /**< in 2^-16 of a sample's unit */
} mw_gravity_q15;

static inline void mw_gravity_begin_q15(mw_gravity_q15 *state, int16_t x, int16_t y, int16_t z)
{
    state->x = mw_smooth_begin_q15(x);
    state->y = mw_smooth_begin_q15(y);
    state->z = mw_smooth_begin_q15(z);
}

static inline void mw_gravity_add_q15(mw_gravity_q15 *state, uint16_t alpha, int16_t x, int16_t y, int16_t z)
{
    state->x = mw_smooth_q15(state->x, alpha, x);
    state->y = mw_smooth_q15(state->y, alpha, y);
    state->z = mw_smooth_q15(state->z, alpha, z);
}

static inline int16_t mw_roll_q15(const mw_gravity_q15 *state)
{
    return mw_atan2_i32(state->y, state->z);
}

/** Error as of ::mw_atan2_i32, and `1 / length` of y and z in samples' units. */
int16_t mw_pitch_q15(const mw_gravity_q15 *state);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
