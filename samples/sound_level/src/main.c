/* SPDX-License-Identifier: MIT */
/* Sound -> A-weighting -> levels, second by second. A real device gets its blocks from a microphone. */
#include <milliwatt/config.h>
#include <milliwatt/iir.h>
#include <milliwatt/sound_level.h>

#include <stdint.h>
#include <stdio.h>

#include "a_weighting.h"
#include "adpcm.h"
#include "recorded_sound.h"
#include "stopwatch.h"

enum {
    /* The level of a full-scale sine, in 1/100 dB: 120 dB is what many microphones of silicon are made for.
     * Levels count from a full scale of 1, where that sine is -3.01 dB. Set it with a calibrator. */
    FULL_SCALE = 12000 + 301,
    TOLERANCE =
        10,    /* to the reference in floats, in 1/100 dB: what rounding to 16 bits does to soft sounds */
    LEVELS = 3 /* LAeq, LAFmax, LAS */
};

/* All that lasts from block to block. */
typedef struct {
    mw_iir_state_q15 filter[MW_IIR_STATE_Q15(3, 1)];
    uint64_t fast, slow;
    uint64_t loudest; /* fast level of this second */
    mw_leq_integer second;
} meter;

static void meter_block(meter *m, int16_t *samples)
{
    (void) mw_iir_run_q15(&a_weighting, m->filter, 1, samples, samples, BLOCK);
    mw_level_q15(&m->fast, FAST_SHARE, samples, BLOCK);
    mw_level_q15(&m->slow, SLOW_SHARE, samples, BLOCK);
    mw_leq_q15(&m->second, samples, BLOCK);
    m->loudest = m->fast > m->loudest ? m->fast : m->loudest;
}

/* The second's levels in 1/100 dB of full scale; the next one begins. */
static void meter_second(meter *m, int16_t *levels)
{
    const int32_t q8[LEVELS] = {mw_leq_db_q8(&m->second), mw_level_db_q8(m->loudest),
                                mw_level_db_q8(m->slow)};

    for (int i = 0; i < LEVELS; i++) {
        levels[i] = (int16_t) (q8[i] * 100 / 256);
    }
    m->second.sum = 0;
    m->second.n = 0;
    m->loudest = 0;
}

/* Whether all are what the PC says. */
static int say(int second, const int16_t *levels, uint32_t cost)
{
    int same = 1;

    printf("%6d", second);
    for (int i = 0; i < LEVELS; i++) {
        const int expected = (int16_t) MW_READ_16(&recorded_levels[second][i]);
        const int level = levels[i] + FULL_SCALE;
        printf("  %3d.%02d", level / 100, level % 100);
        same = same && levels[i] - expected <= TOLERANCE && expected - levels[i] <= TOLERANCE;
    }
    printf("  %lu\n", (unsigned long) cost);
    return same;
}

int main(void)
{
    static meter m;
    adpcm_reader reader = {0, 0, 0};
    int different = 0;

    (void) mw_iir_reset_q15(&a_weighting, m.filter, 1);
    printf("second    LAeq  LAFmax     LAS  %s\n", stopwatch_unit());
    for (int second = 0; second < RECORDED_SECONDS; second++) {
        int16_t levels[LEVELS];
        uint32_t cost = 0;

        for (int block = 0; block < RATE_HZ / BLOCK; block++) {
            int16_t samples[BLOCK];
            for (int i = 0; i < BLOCK; i++) {
                samples[i] = adpcm_next(&reader, recorded_words);
            }
            const uint32_t begin = stopwatch_read();
            meter_block(&m, samples);
            cost += stopwatch_since(begin);
        }
        meter_second(&m, levels);
        different += !say(second, levels, cost);
    }
    puts(different == 0 ? "the board measures what the PC computes" : "the board measures SOMETHING ELSE");
    return different;
}
