/* SPDX-License-Identifier: MIT */
/* Sound -> what was that? Every sample goes to the model as it comes. A real device gets them from a
 * microphone. */
#include <milliwatt/status.h>

#include <sound_event.h>
#include <stdint.h>
#include <stdio.h>

#include "adpcm.h"
#include "line.h"
#include "recorded_sounds.h"
#include "stopwatch.h"

enum { RATE_KHZ = 16, BLOCK = 64 };

/* Fowler's, Noll's and Vo's hash: features are compared with the PC's bit by bit. */
static uint32_t hash(const int16_t *features)
{
    uint32_t value = UINT32_C(0x811c9dc5);

    for (int i = 0; i < SOUND_EVENT_N_FEATURES; i++) {
        value = (value ^ (uint16_t) features[i]) * UINT32_C(0x01000193);
    }
    return value;
}

/* Whether the answer and the features are the PC's. */
static int say(int window, uint32_t samples, int answer, const int16_t *features)
{
    const int same = answer == recorded_predicted[window] && hash(features) == recorded_features[window];
    line l = {"", 0};

    line_number(&l, samples / RATE_KHZ);
    line_column(&l, 6);
    line_add(&l, sound_event_class_name(answer));
    line_column(&l, 18);
    line_add(&l, same ? "same" : "DIFFERENT");
    puts(l.text);
    return same;
}

static void say_cost(uint64_t cost)
{
    line l = {"", 0};

    line_add(&l, "a second of sound takes ");
    line_number(&l, (uint32_t) (cost * RATE_KHZ * 1000 / RECORDED_SAMPLES));
    line_add(&l, " ");
    line_add(&l, stopwatch_unit());
    puts(l.text);
}

int main(void)
{
    static sound_event_state state;
    adpcm_reader reader = {0, 0, 0};
    int window = 0, different = 0;
    uint64_t cost = 0;

    sound_event_reset(&state);
    puts("ms    board says  PC");
    for (uint32_t heard = 0; heard < RECORDED_SAMPLES;) {
        int16_t samples[BLOCK];
        int n = 0, begin = 0;

        while (n < BLOCK && heard + (uint32_t) n < RECORDED_SAMPLES) {
            samples[n++] = adpcm_next(&reader, recorded_words);
        }
        while (begin < n) {
            int taken = 0;
            const uint32_t started = stopwatch_read();
            const int answer = sound_event_push_block(&state, samples + begin, n - begin, &taken);
            cost += stopwatch_since(started);
            begin += taken;
            if (answer == MW_NOT_YET) {
                continue;
            }
            if (answer < 0 || window == RECORDED_WINDOWS) {
                puts(mw_status_string(answer));
                return 1;
            }
            different += !say(window++, heard + (uint32_t) begin, answer, sound_event_features(&state));
        }
        heard += (uint32_t) n;
    }
    say_cost(cost);
    different += window != RECORDED_WINDOWS;
    puts(different == 0 ? "the board answers as the PC does" : "the board answers DIFFERENTLY");
    return different;
}
