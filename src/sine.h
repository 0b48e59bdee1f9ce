/* SPDX-License-Identifier: MIT */
/** @file
 * Sine and cosine in integers, so that every CPU gets the same bits, and without libm.
 */
#ifndef MILLIWATT_SINE_H
#define MILLIWATT_SINE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cosine of `turns / 2^32` turns, in 2^-60. Error at most 2^-29; of values less than sqrt(1/2), also 2^-29 of
 * the value (what is left over after eighths of a turn are taken away goes by Taylor's series). */
int64_t mw_cosine_turns(uint32_t turns);

#ifdef __cplusplus
}
#endif

/* A number in 2^-60 as a float, rounded once. */
static inline float mw_sine_to_f32(int64_t x)
{
    return (float) x * 8.67361738e-19f;
}

#endif
