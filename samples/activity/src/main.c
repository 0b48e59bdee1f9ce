/* SPDX-License-Identifier: MIT */
/* Recorded motion -> exercise, sample by sample. A real device pushes what its accelerometer measures. */
#include <milliwatt/config.h>
#include <milliwatt/status.h>

#include <activity.h>
#include <stdint.h>
#include <stdio.h>

#include "recorded_motion.h"
#include "sample.h"
#include "stopwatch.h"

/* The compiler checks the type of the samples; this checks their rate. */
typedef char the_recording_fits_the_model[(ACTIVITY_RATE == RECORDED_RATE_HZ) ? 1 : -1];

static activity_state state;
static uint64_t cost; /* of all pushes */

/* Fowler's, Noll's and Vo's hash: features are compared with the PC's bit by bit. */
static uint32_t hash(const int32_t *features)
{
    uint32_t value = UINT32_C(0x811c9dc5);

    for (int i = 0; i < ACTIVITY_N_FEATURES; i++) {
        value = (value ^ (uint32_t) features[i]) * UINT32_C(0x01000193);
    }
    return value;
}

static int push(const int16_t *sample)
{
    int16_t axes[3];

    MW_READ_BYTES(axes, sample, sizeof axes);
    const uint32_t begin = stopwatch_read();
    const int answer = activity_push(&state, axes[0], axes[1], axes[2]);
    cost += stopwatch_since(begin);
    return answer;
}

/* Whether the answer and the features are the PC's. */
static int same(int recording, int window, int answer)
{
    return answer == MW_READ_8(&recorded_predicted[recording][window]) &&
           hash(activity_features(&state)) == MW_READ_32(&recorded_features[recording][window]);
}

/* How many windows are answered otherwise than by the PC. */
static int classify(int recording, void (*say)(const char *line))
{
    int window = 0, different = 0;

    activity_reset(&state);
    for (int i = 0; i < RECORDED_SAMPLES; i++) {
        char line[48];
        const int answer = push(recorded_samples[recording] + 3 * i);

        if (answer == MW_NOT_YET) {
            continue;
        }
        if (answer < 0 || window == RECORDED_WINDOWS) {
            say(mw_status_string(answer));
            return RECORDED_WINDOWS;
        }
        const int alike = same(recording, window++, answer);
        (void) snprintf(line, sizeof line, "%-10s  %4d s  %-10s  %s", activity_class_name(recording),
                        (i + 1) / RECORDED_RATE_HZ, activity_class_name(answer),
                        alike ? "same" : "DIFFERENT");
        say(line);
        different += !alike;
    }
    return different + RECORDED_WINDOWS - window;
}

int sample_run(void (*say)(const char *line))
{
    char line[64];
    int different = 0;

    cost = 0;
    say("person did   after  board says  PC");
    for (int i = 0; i < RECORDINGS; i++) {
        different += classify(i, say);
    }
    cost = cost * RECORDED_RATE_HZ / ((uint32_t) RECORDINGS * RECORDED_SAMPLES);
    (void) snprintf(line, sizeof line, "a second of motion takes %lu %s", (unsigned long) cost,
                    stopwatch_unit());
    say(line);
    say(different == 0 ? "the board answers as the PC does" : "the board answers DIFFERENTLY");
    return different;
}

#if !defined(ARDUINO) && !defined(__ZEPHYR__) /* those have a main() of their own: arduino.cpp, zephyr.c */
static void say_on_stdout(const char *line)
{
    (void) puts(line);
}

int main(void)
{
    return sample_run(say_on_stdout);
}
#endif
