/* SPDX-License-Identifier: MIT */
/** @file
 * The library's kernels over many recordings of one length, for the PC.
 *
 * `x` holds n recordings of so many frames of so many channels, one after the other; each begins afresh.
 * Functions answer a ::mw_status, or BATCH_NO_MEMORY.
 */
#ifndef MILLIWATT_HOST_BATCH_H
#define MILLIWATT_HOST_BATCH_H

#include <stdint.h>
#include <stdlib.h>

#include <milliwatt/milliwatt.h>

#if defined(_WIN32)
#define BATCH_API __declspec(dllexport)
#else
#define BATCH_API __attribute__((visibility("default")))
#endif

#define BATCH_NO_MEMORY (-200)

/** How many recordings there are, frames in each, channels in a frame. */
typedef struct {
    int64_t n, frames, channels;
} batch_shape;

#endif
