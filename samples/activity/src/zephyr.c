/* SPDX-License-Identifier: MIT */
/* The sample under Zephyr: the recorded windows; then what a sensor measures, where the board has one. */
#include "sample.h"

#ifdef __ZEPHYR__

#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>

#include <stdio.h>

#if DT_NODE_EXISTS(DT_ALIAS(accel0))
#include <zephyr/drivers/sensor.h>

#include <activity.h>
#include <string.h>

#include "motion_features.h"

enum { HOP = 50 }; /* samples from one answer to the next: a second */

/* One part measures both, unless another alias says where angular rates come from. */
static const struct device *const accelerometer = DEVICE_DT_GET(DT_ALIAS(accel0));
static const struct device *const gyroscope =
    DEVICE_DT_GET(COND_CODE_1(DT_NODE_EXISTS(DT_ALIAS(gyro0)), (DT_ALIAS(gyro0)), (DT_ALIAS(accel0))));

static int16_t window[MOTION_SAMPLES];

/* The scale of the recordings: 4096 counts per g, 16.4 per degree per second. */
static int16_t acceleration_counts(const struct sensor_value *value)
{
    return (int16_t) CLAMP(sensor_value_to_micro(value) * 4096 / 9806650, INT16_MIN, INT16_MAX);
}

static int16_t rate_counts(const struct sensor_value *value)
{
    /* radians to degrees: 180 / pi */
    return (int16_t) CLAMP(sensor_value_to_micro(value) * 29520 / 31415927, INT16_MIN, INT16_MAX);
}

/* Not every driver takes these; the scale of what it answers is the same in any case. */
static void set_up(void)
{
    struct sensor_value rate = {.val1 = 50};
    struct sensor_value range;

    sensor_g_to_ms2(8, &range);
    (void) sensor_attr_set(accelerometer, SENSOR_CHAN_ACCEL_XYZ, SENSOR_ATTR_SAMPLING_FREQUENCY, &rate);
    (void) sensor_attr_set(accelerometer, SENSOR_CHAN_ACCEL_XYZ, SENSOR_ATTR_FULL_SCALE, &range);
    sensor_degrees_to_rad(2000, &range);
    (void) sensor_attr_set(gyroscope, SENSOR_CHAN_GYRO_XYZ, SENSOR_ATTR_SAMPLING_FREQUENCY, &rate);
    (void) sensor_attr_set(gyroscope, SENSOR_CHAN_GYRO_XYZ, SENSOR_ATTR_FULL_SCALE, &range);
}

/* Six numbers; 0, or the sensor's error. */
static int measure(int16_t *sample)
{
    struct sensor_value values[MOTION_AXES];
    int error = sensor_sample_fetch(accelerometer);

    if (error == 0 && gyroscope != accelerometer) {
        error = sensor_sample_fetch(gyroscope);
    }
    if (error == 0) {
        error = sensor_channel_get(accelerometer, SENSOR_CHAN_ACCEL_XYZ, values);
    }
    if (error == 0) {
        error = sensor_channel_get(gyroscope, SENSOR_CHAN_GYRO_XYZ, values + 3);
    }
    for (int i = 0; i < 3 && error == 0; i++) {
        sample[i] = acceleration_counts(&values[i]);
        sample[3 + i] = rate_counts(&values[3 + i]);
    }
    return error;
}

/* Samples `from` to the end of the window, 50 a second. */
static int fill(struct k_timer *every_20_ms, int from)
{
    for (int i = from; i < MOTION_WINDOW; i++) {
        int error;

        (void) k_timer_status_sync(every_20_ms);
        error = measure(window + i * MOTION_AXES);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static void watch(void)
{
    static K_TIMER_DEFINE(every_20_ms, NULL, NULL);
    int16_t features[MOTION_FEATURES];
    int error;

    if (!device_is_ready(accelerometer) || !device_is_ready(gyroscope)) {
        puts("no sensor answers: recorded windows only");
        return;
    }
    set_up();
    k_timer_start(&every_20_ms, K_MSEC(20), K_MSEC(20));
    error = fill(&every_20_ms, 0);
    while (error == 0) {
        motion_features(window, features);
        printf("measured: %s\n", activity_class_name(activity_predict(features, MOTION_FEATURES)));
        memmove(window, window + HOP * MOTION_AXES, (MOTION_WINDOW - HOP) * MOTION_AXES * sizeof(window[0]));
        error = fill(&every_20_ms, MOTION_WINDOW - HOP);
    }
    printf("the sensor cannot be read: error %d\n", error);
}
#endif

static void say(const char *line)
{
    (void) puts(line);
}

int main(void)
{
    (void) sample_run(say);
#if DT_NODE_EXISTS(DT_ALIAS(accel0))
    watch();
#endif
    return 0;
}

#endif
