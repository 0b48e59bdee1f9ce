/* SPDX-License-Identifier: MIT */
/** @file
 * From two seconds of motion to 24 numbers: the same as ../motion_features.py, bit for bit.
 *
 * Integer arithmetic only, no allocation, no state: may run in an interrupt or in several threads.
 */
#ifndef MOTION_FEATURES_H
#define MOTION_FEATURES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOTION_WINDOW 100 /**< samples in a window: 2 s at 50 Hz */
#define MOTION_AXES 6     /**< acceleration x y z, angular rate x y z */
#define MOTION_PER_AXIS 4
#define MOTION_FEATURES (MOTION_AXES * MOTION_PER_AXIS)
#define MOTION_SAMPLES (MOTION_WINDOW * MOTION_AXES) /**< numbers in a window */

/**
 * The features of one window.
 *
 * For each axis, of its samples x, in this order:
 * - mean:  sum(x) / 100, rounded towards zero;                    -32768 to 32767
 * - mad:   sum(|x - mean|) / 100, rounded down;                   0 to 32767
 * - swing: (max(x) - min(x)) / 2, rounded down;                   0 to 32767
 * - cross: how often x >= mean changes from sample to sample;     0 to 99
 *
 * Any int16_t samples will do, no sum overflows.
 *
 * @param window   MOTION_SAMPLES numbers as a sensor's FIFO gives them: the six axes of the oldest
 *                 sample, then those of the next; 4096 counts per g, 16.4 per degree per second.
 * @param features MOTION_FEATURES numbers, written over; owned by the caller.
 */
void motion_features(const int16_t *window, int16_t *features);

#ifdef __cplusplus
}
#endif

#endif
