/* SPDX-License-Identifier: MIT */
#include <milliwatt/stream.h>

#include <string.h>

#include "stream_frames.h"

int mw_ring_init(mw_ring *ring, void *memory, size_t size, size_t frame, uint16_t length, uint16_t hop)
{
    const int status = mw_check_stream(memory, size, frame, length, hop);
    if (status != MW_OK) {
        return status;
    }
    ring->memory = (uint8_t *) memory;
    ring->frame = (uint16_t) frame;
    ring->length = length;
    ring->hop = hop;
    mw_ring_gap(ring);
    return MW_OK;
}

void mw_ring_gap(mw_ring *ring)
{
    ring->at = 0;
    ring->missing = ring->length;
}

int mw_ring_push(mw_ring *ring, const void *frames, uint16_t n, uint16_t *taken)
{
    const uint8_t *from = (const uint8_t *) frames;
    uint16_t left = mw_frames_to_take(n, ring->missing);
    uint16_t passed;
    if (frames == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (taken != NULL) {
        *taken = left;
    }
    passed = mw_frames_to_pass(left, ring->missing, ring->length);
    ring->missing = (uint16_t) (ring->missing - left);
    left = (uint16_t) (left - passed);
    from += (size_t) passed * ring->frame;
    while (left != 0) {
        const uint16_t room = (uint16_t) (ring->length - ring->at);
        const uint16_t some = left < room ? left : room;
        const size_t size = (size_t) some * ring->frame;
        memcpy(ring->memory + (size_t) ring->at * ring->frame, from, size);
        from += size;
        left = (uint16_t) (left - some);
        ring->at = (uint16_t) (some == room ? 0 : ring->at + some);
    }
    if (ring->missing != 0) {
        return 0;
    }
    ring->missing = ring->hop;
    return 1;
}

mw_frames mw_ring_window(const mw_ring *ring)
{
    mw_frames window;
    window.first = ring->memory + (size_t) ring->at * ring->frame;
    window.second = ring->memory;
    window.n_first = (uint16_t) (ring->length - ring->at);
    window.n_second = ring->at;
    window.frame = ring->frame;
    return window;
}
