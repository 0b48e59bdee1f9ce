/* SPDX-License-Identifier: MIT */
#include <milliwatt/stream.h>

#include <string.h>

/* What is written before stays before: frames before the counters that tell of them. */
#if defined(__GNUC__)
#define MW_IN_ORDER() __asm__ volatile("" : : : "memory")
#else
#define MW_IN_ORDER() ((void) 0)
#endif

int mw_queue_init(mw_queue *queue, void *memory, size_t size, size_t frame, uint8_t room)
{
    if (memory == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (frame == 0 || frame > UINT16_MAX || room == 0 || room > 128 || (room & (room - 1)) != 0 ||
        size / frame < room) {
        return MW_ERROR_LENGTH;
    }
    queue->memory = (uint8_t *) memory;
    queue->frame = (uint16_t) frame;
    queue->room = room;
    queue->written = queue->read = 0;
    queue->gaps = queue->seen = 0;
    return MW_OK;
}

static uint8_t *mw_place(const mw_queue *queue, uint8_t counter)
{
    return queue->memory + (size_t) (counter & (queue->room - 1U)) * queue->frame;
}

int mw_queue_put(mw_queue *queue, const void *frame)
{
    const uint8_t written = queue->written;
    if (queue->gaps != queue->seen) {
        return 0;
    }
    if ((uint8_t) (written - queue->read) == queue->room) {
        queue->gaps = (uint8_t) (queue->gaps + 1U);
        return 0;
    }
    memcpy(mw_place(queue, written), frame, queue->frame);
    MW_IN_ORDER();
    queue->written = (uint8_t) (written + 1U);
    return 1;
}

uint8_t mw_queue_front(const mw_queue *queue, const void **frames)
{
    const uint8_t read = queue->read;
    const uint8_t held = (uint8_t) (queue->written - read);
    const uint8_t to_end = (uint8_t) (queue->room - (read & (queue->room - 1U)));
    MW_IN_ORDER();
    *frames = mw_place(queue, read);
    return held < to_end ? held : to_end;
}

void mw_queue_drop(mw_queue *queue, uint16_t n)
{
    MW_IN_ORDER();
    queue->read = (uint8_t) (queue->read + n);
}

int mw_queue_gap(mw_queue *queue)
{
    const uint8_t gaps = queue->gaps;
    /* Gaps are looked at before frames: none is put after a gap until it is seen. */
    if (gaps == queue->seen || queue->written != queue->read) {
        return 0;
    }
    queue->seen = gaps;
    return 1;
}
