/* SPDX-License-Identifier: MIT */
/* Recordings out of flash, four bits a sample: IMA ADPCM, as ../adpcm.py writes it. On a real device a
 * microphone delivers the samples, and this file goes. */
#ifndef ADPCM_H
#define ADPCM_H

#include <stdint.h>

#include <milliwatt/config.h>

/* Begins as zeros. */
typedef struct {
    uint32_t place;
    int32_t value;
    int32_t index;
} adpcm_reader;

static const uint16_t adpcm_steps[89] MW_FLASH = {
    7,    8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,    25,    28,
    31,   34,    37,    41,    45,    50,    55,    60,    66,    73,    80,    88,    97,    107,   118,
    130,  143,   157,   173,   190,   209,   230,   253,   279,   307,   337,   371,   408,   449,   494,
    544,  598,   658,   724,   796,   876,   963,   1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,
    2272, 2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,
    9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

/* The next sample. */
static inline int16_t adpcm_next(adpcm_reader *reader, const uint32_t *words)
{
    static const int8_t moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};
    const uint32_t word = MW_READ_32(&words[reader->place / 8]);
    const int code = (int) (word >> (4 * (reader->place % 8)) & 15);
    const int32_t step = (int32_t) MW_READ_16(&adpcm_steps[reader->index]);
    int32_t difference = step >> 3;

    difference += (code & 4) != 0 ? step : 0;
    difference += (code & 2) != 0 ? step >> 1 : 0;
    difference += (code & 1) != 0 ? step >> 2 : 0;
    reader->value += (code & 8) != 0 ? -difference : difference;
    reader->value = reader->value > INT16_MAX ? INT16_MAX : reader->value;
    reader->value = reader->value < INT16_MIN ? INT16_MIN : reader->value;
    reader->index += moves[code & 7];
    reader->index = reader->index < 0 ? 0 : reader->index > 88 ? 88 : reader->index;
    reader->place++;
    return (int16_t) reader->value;
}

#endif
