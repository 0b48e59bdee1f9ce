/* SPDX-License-Identifier: MIT */
/* The sample under Zephyr: the recorded motion; then what a sensor measures, where the board has one. */
#include "sample.h"

#ifdef __ZEPHYR__

#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>

#include <stdio.h>

#if DT_NODE_EXISTS(DT_ALIAS(accel0))
#include <zephyr/drivers/sensor.h>

#include <activity.h>

enum { AXES = 3 };

static const struct device *const accelerometer = DEVICE_DT_GET(DT_ALIAS(accel0));
static activity_state state;

/* The scale of the recordings: 4096 counts per g. */
static int16_t counts(const struct sensor_value *value)
{
    return (int16_t) CLAMP(sensor_value_to_micro(value) * 4096 / 9806650, INT16_MIN, INT16_MAX);
}

/* Not every driver takes these; the scale of what it answers is the same in any case. */
static void set_up(void)
{
    struct sensor_value rate = {.val1 = 50};
    struct sensor_value range;

    sensor_g_to_ms2(8, &range);
    (void) sensor_attr_set(accelerometer, SENSOR_CHAN_ACCEL_XYZ, SENSOR_ATTR_SAMPLING_FREQUENCY, &rate);
    (void) sensor_attr_set(accelerometer, SENSOR_CHAN_ACCEL_XYZ, SENSOR_ATTR_FULL_SCALE, &range);
}

/* One more sample: what the model says of it, and the sensor's error. */
static int push_measured(int *error)
{
    struct sensor_value values[AXES];

    *error = sensor_sample_fetch(accelerometer);
    if (*error == 0) {
        *error = sensor_channel_get(accelerometer, SENSOR_CHAN_ACCEL_XYZ, values);
    }
    if (*error != 0) {
        return MW_NOT_YET;
    }
    return activity_push(&state, counts(&values[0]), counts(&values[1]), counts(&values[2]));
}

static void watch(void)
{
    static K_TIMER_DEFINE(every_20_ms, NULL, NULL);
    int error = 0;

    if (!device_is_ready(accelerometer)) {
        puts("no sensor answers: recorded motion only");
        return;
    }
    set_up();
    activity_reset(&state);
    k_timer_start(&every_20_ms, K_MSEC(20), K_MSEC(20));
    while (error == 0) {
        (void) k_timer_status_sync(&every_20_ms);
        const int answer = push_measured(&error);
        if (answer >= 0) {
            printf("measured: %s\n", activity_class_name(answer));
        }
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
