/* SPDX-License-Identifier: MIT */
#include "motion_features.h"

/* The largest intermediate value is the sum of 100 deviations of at most 65535 each. */
static void axis_features(const int16_t *window, int axis, int16_t *features)
{
    int32_t sum = 0;
    int16_t low = INT16_MAX;
    int16_t high = INT16_MIN;

    for (int i = axis; i < MOTION_SAMPLES; i += MOTION_AXES) {
        const int16_t x = window[i];
        sum += x;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }

    const int16_t mean = (int16_t) (sum / MOTION_WINDOW);
    int32_t deviations = 0;
    int16_t crossings = 0;
    int was_above = window[axis] >= mean;

    for (int i = axis; i < MOTION_SAMPLES; i += MOTION_AXES) {
        const int32_t centred = (int32_t) window[i] - mean;
        const int above = centred >= 0;
        deviations += above ? centred : -centred;
        crossings = (int16_t) (crossings + (above != was_above));
        was_above = above;
    }

    features[0] = mean;
    /* Worst case: half of the samples at each end of int16_t, which gives 32767. */
    features[1] = (int16_t) (deviations / MOTION_WINDOW);
    features[2] = (int16_t) (((int32_t) high - low) / 2);
    features[3] = crossings;
}

void motion_features(const int16_t *window, int16_t *features)
{
    for (int axis = 0; axis < MOTION_AXES; axis++) {
        axis_features(window, axis, &features[axis * MOTION_PER_AXIS]);
    }
}
