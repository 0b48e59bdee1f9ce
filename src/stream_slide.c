/* SPDX-License-Identifier: MIT */
#include <milliwatt/stream.h>

#include <string.h>

#include "stream_frames.h"

int mw_slide_init(mw_slide *slide, void *memory, size_t size, size_t frame, uint16_t length, uint16_t hop)
{
    const int status = mw_check_stream(memory, size, frame, length, hop);
    if (status != MW_OK) {
        return status;
    }
    slide->memory = (uint8_t *) memory;
    slide->frame = (uint16_t) frame;
    slide->room = (uint16_t) (size / frame > UINT16_MAX ? UINT16_MAX : size / frame);
    slide->length = length;
    slide->hop = hop;
    mw_slide_gap(slide);
    return MW_OK;
}

void mw_slide_gap(mw_slide *slide)
{
    slide->held = 0;
    slide->missing = slide->length;
}

/* Moves what the next window needs to the front. */
static void mw_slide_back(mw_slide *slide)
{
    const uint16_t kept = (uint16_t) (slide->missing < slide->length ? slide->length - slide->missing : 0);
    const uint16_t from = (uint16_t) (slide->held - kept);
    memmove(slide->memory, slide->memory + (size_t) from * slide->frame, (size_t) kept * slide->frame);
    slide->held = kept;
}

int mw_slide_push(mw_slide *slide, const void *frames, uint16_t n, uint16_t *taken)
{
    const uint8_t *from = (const uint8_t *) frames;
    uint16_t left = mw_frames_to_take(n, slide->missing);
    uint16_t passed;
    if (frames == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (taken != NULL) {
        *taken = left;
    }
    passed = mw_frames_to_pass(left, slide->missing, slide->length);
    slide->missing = (uint16_t) (slide->missing - passed);
    left = (uint16_t) (left - passed);
    from += (size_t) passed * slide->frame;
    while (left != 0) {
        uint16_t some;
        size_t size;
        if (slide->held == slide->room) {
            mw_slide_back(slide);
        }
        some = (uint16_t) (slide->room - slide->held);
        some = left < some ? left : some;
        size = (size_t) some * slide->frame;
        memcpy(slide->memory + (size_t) slide->held * slide->frame, from, size);
        from += size;
        slide->held = (uint16_t) (slide->held + some);
        slide->missing = (uint16_t) (slide->missing - some);
        left = (uint16_t) (left - some);
    }
    if (slide->missing != 0) {
        return 0;
    }
    slide->missing = slide->hop;
    return 1;
}

mw_frames mw_slide_window(const mw_slide *slide)
{
    mw_frames window;
    window.first = slide->memory + (size_t) (slide->held - slide->length) * slide->frame;
    window.second = slide->memory;
    window.n_first = slide->length;
    window.n_second = 0;
    window.frame = slide->frame;
    return window;
}
