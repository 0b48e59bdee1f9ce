/* SPDX-License-Identifier: MIT */
/** @file
 * What both kinds of sliding window share.
 */
#ifndef MILLIWATT_STREAM_FRAMES_H
#define MILLIWATT_STREAM_FRAMES_H

#include <milliwatt/stream.h>

static inline int mw_check_stream(const void *memory, size_t size, size_t frame, uint16_t length,
                                  uint16_t hop)
{
    if (memory == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (frame == 0 || frame > UINT16_MAX || length == 0 || hop == 0 || size / frame < length) {
        return MW_ERROR_LENGTH;
    }
    return MW_OK;
}

/* Of n frames, how many to take when a window misses some. */
static inline uint16_t mw_frames_to_take(uint16_t n, uint16_t missing)
{
    return n < missing ? n : missing;
}

/* Of those, how many come before the window begins. */
static inline uint16_t mw_frames_to_pass(uint16_t taken, uint16_t missing, uint16_t length)
{
    const uint16_t before = (uint16_t) (missing > length ? missing - length : 0);
    return taken < before ? taken : before;
}

#endif
