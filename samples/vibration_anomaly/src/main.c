/* SPDX-License-Identifier: MIT */
/* Vibration -> is the machine as it should be? A real device gets the samples from an accelerometer. */
#include <milliwatt/status.h>

#include <stdint.h>
#include <stdio.h>
#include <vibration_anomaly.h>

#include "recorded_vibration.h"
#include "stopwatch.h"

/* How far features may be from the PC's: this part of the largest that the recording has. */
static const float tolerance = 1e-5f;

/* Whether they are the PC's. */
static int same_features(int window, const float *features)
{
    for (int i = 0; i < VIBRATION_ANOMALY_N_FEATURES; i++) {
        const float off = features[i] - recorded_features[window][i];
        const float most = tolerance * recorded_largest[i];
        if (!(off <= most && off >= -most)) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    static vibration_anomaly_state state;
    int window = 0, different = 0;
    uint32_t cost = 0;

    vibration_anomaly_reset(&state);
    printf("  ms  bearing    board says  PC    %s\n", stopwatch_unit());
    for (long i = 0; i < RECORDED_SAMPLES; i++) {
        const uint32_t begin = stopwatch_read();
        const int answer = vibration_anomaly_push(&state, recorded_samples[i]);
        cost += stopwatch_since(begin);
        if (answer == MW_NOT_YET) {
            continue;
        }
        if (answer < 0 || window == RECORDED_WINDOWS) {
            puts(mw_status_string(answer));
            return 1;
        }
        const int same =
            answer == recorded_predicted[window] && same_features(window, vibration_anomaly_features(&state));
        printf("%4ld  %-9s  %-10s  %s  %lu\n", (i + 1) * 1000 / RECORDED_RATE_HZ,
               i < RECORDED_HEALTHY ? "healthy" : "defective",
               vibration_anomaly_class_label(answer) < 0 ? "ANOMALY" : "normal", same ? "same" : "DIFFERENT",
               (unsigned long) cost);
        different += !same;
        window++;
        cost = 0;
    }
    different += window != RECORDED_WINDOWS;
    puts(different == 0 ? "the board answers as the PC does" : "the board answers DIFFERENTLY");
    return different;
}
