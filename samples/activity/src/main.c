/* SPDX-License-Identifier: MIT */
/* Recorded windows of motion -> features -> exercise. A real device fills `window` from its sensor. */
#include <milliwatt/config.h>
#include <milliwatt/status.h>

#include <activity.h>
#include <stdint.h>
#include <stdio.h>

#include "motion_features.h"
#include "recorded_windows.h"
#include "sample.h"

/* The compiler checks the type of the features; this checks their number. */
typedef char features_fit_the_model[(MOTION_FEATURES == ACTIVITY_N_FEATURES) ? 1 : -1];

static int16_t window[MOTION_SAMPLES];

static int classify(int index)
{
    int16_t features[MOTION_FEATURES];

    MW_READ_BYTES(window, recorded_samples[index], sizeof window);
    motion_features(window, features);
    return activity_predict(features, MOTION_FEATURES);
}

int sample_run(void (*say)(const char *line))
{
    char line[56];
    int different = 0;

    say("window  person did  scikit-learn says  board says");
    for (int i = 0; i < RECORDED_WINDOWS; i++) {
        const int answer = classify(i);
        if (answer < 0) {
            say(mw_status_string(answer));
            return RECORDED_WINDOWS;
        }
        (void) snprintf(line, sizeof line, "%6d  %-10s  %-17s  %s", i,
                        activity_class_name(recorded_performed[i]),
                        activity_class_name(recorded_predicted[i]), activity_class_name(answer));
        say(line);
        different += answer != recorded_predicted[i];
    }
    say(different == 0 ? "the board answers as scikit-learn does" : "the board answers DIFFERENTLY");
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
