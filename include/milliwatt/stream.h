/* SPDX-License-Identifier: MIT */
/** @file
 * From single frames to windows: a sliding window in the caller's memory, and a queue before it.
 *
 * A frame is one sample of each channel, `frame` bytes together, of any type. The first window is complete
 * with the `length`th frame, every further one `hop` frames later: windows overlap if hop < length, and
 * `hop - length` frames between them are passed over, and not stored, if hop > length.
 *
 *     static int16_t memory[128 * 3];
 *     mw_ring ring;
 *     mw_ring_init(&ring, memory, sizeof memory, 3 * sizeof *memory, 128, 64);
 *     ...
 *     if (mw_ring_push(&ring, frame, 1, NULL) == 1) {
 *         mw_frames window = mw_ring_window(&ring);
 *         mw_view_i16 x = mw_channel_i16(&window, 0);
 *
 * Two kinds, called alike:
 *
 * - ::mw_ring: memory for `length` frames. Nothing is ever moved; a window is in two parts, which views.h
 *   hands on to all that reads views.
 * - ::mw_slide: memory for `length` frames or more; a window is one array, for kernels that want one. When
 *   its memory is full, what the next window needs is moved to the front: `length - hop` frames once a window
 *   with memory for `length`, once in k + 1 windows with memory for `length + k * hop`.
 *
 *
 * Memory besides: 16 bytes (12 and 14 on AVR). Measured for 128 frames of three int16, hop 64, one frame a
 * push (tests/benchmarks/dsp/time_cost.py): a frame takes 86 instructions in a ring and 92 in a slide of
 * 128 frames on Cortex-M3, 276 and 287 cycles on ATmega328P; 16 frames a push, 9 and 14, 63 and 113. What
 * features take more for a window in two parts is about 10 instructions a pass. So: the ring, unless a
 * kernel wants an array; its calls take always the same time, too.
 *
 * Windows are valid until the next call that pushes. Nothing here may be called by an interrupt while another
 * call with the same struct is under way; frames that an interrupt takes go through a ::mw_queue.
 */
#ifndef MILLIWATT_STREAM_H
#define MILLIWATT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/status.h>
#include <milliwatt/views.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name A sliding window in a ring. @{ */
typedef struct {
    uint8_t *memory;
    uint16_t frame;       /**< bytes */
    uint16_t length, hop; /**< frames */
    uint16_t at;          /**< the frame that is written next, after a window the oldest */
    uint16_t missing;     /**< frames until the next window is complete */
} mw_ring;

/**
 * @param memory, size bytes for `length` frames, the caller's, aligned as the type of samples; kept.
 * @return ::MW_ERROR_ARGUMENT if it is NULL; ::MW_ERROR_LENGTH if it is too small or anything is 0.
 */
int mw_ring_init(mw_ring *ring, void *memory, size_t size, size_t frame, uint16_t length, uint16_t hop);

/**
 * Takes frames until a window is complete.
 *
 * @param frames n of them, one after the other; not part of the ring's memory.
 * @param taken  how many of them were taken: less than n only if a window is complete. May be NULL if n is 1.
 * @return 1 if a window is complete, 0 if not yet.
 */
int mw_ring_push(mw_ring *ring, const void *frames, uint16_t n, uint16_t *taken);

/** The last complete window: only between the push that answered 1 and the next call. */
mw_frames mw_ring_window(const mw_ring *ring);

/** Forgets all frames: the next window begins with the next frame. After `init`, and where samples were lost
 * (a gap), as frames before and after a gap are not one window. */
void mw_ring_gap(mw_ring *ring);
/** @} */

/** @name A sliding window in one piece; arguments as of ::mw_ring. @{ */
typedef struct {
    uint8_t *memory;
    uint16_t frame;
    uint16_t room; /**< frames there is memory for */
    uint16_t length, hop;
    uint16_t held; /**< frames in memory, from its beginning */
    uint16_t missing;
} mw_slide;

int mw_slide_init(mw_slide *slide, void *memory, size_t size, size_t frame, uint16_t length, uint16_t hop);
int mw_slide_push(mw_slide *slide, const void *frames, uint16_t n, uint16_t *taken);
/** Of one part: `first`, `n_first`. */
mw_frames mw_slide_window(const mw_slide *slide);
void mw_slide_gap(mw_slide *slide);
/** @} */

/**
 * @name A queue of frames between a producer and a consumer, one of which may be an interrupt.
 *
 * A frame that finds the queue full is dropped, and so are all after it until the consumer has read the queue
 * empty and been told: the gap is just there. On one CPU core, as there is no barrier for others. Counters
 * are bytes, which every CPU reads and writes at once.
 *
 *     mw_queue_put(&queue, frame);                                   // the interrupt
 *
 *     while ((n = mw_queue_front(&queue, &frames)) != 0) {           // the main loop
 *         complete = mw_ring_push(&ring, frames, n, &taken);
 *         mw_queue_drop(&queue, taken);
 *         ...
 *     }
 *     if (mw_queue_gap(&queue)) {
 *         mw_ring_gap(&ring);
 *     }
 * @{ */
typedef struct {
    uint8_t *memory;
    uint16_t frame;
    uint8_t room;             /**< frames */
    volatile uint8_t written; /**< by the producer, modulo 256 */
    volatile uint8_t gaps;    /**< by the producer, modulo 256 */
    volatile uint8_t read;    /**< by the consumer, modulo 256 */
    volatile uint8_t seen;    /**< gaps that the consumer knows of; by the consumer */
} mw_queue;

/** @param room how many frames there is memory for: a power of two up to 128, else ::MW_ERROR_LENGTH. */
int mw_queue_init(mw_queue *queue, void *memory, size_t size, size_t frame, uint8_t room);
/** The producer's. @return 1 if the frame was taken, 0 if it was dropped. Checks nothing. */
int mw_queue_put(mw_queue *queue, const void *frame);
/** The consumer's. @return how many frames are at `*frames`, one after the other; there may be more behind
 * them. They stay until they are dropped. */
uint8_t mw_queue_front(const mw_queue *queue, const void **frames);
/** The consumer's: the first n frames, of those mw_queue_front has told of, are no longer needed. */
void mw_queue_drop(mw_queue *queue, uint16_t n);
/** The consumer's. @return 1 if the queue is empty and frames were dropped after the last one of it; from
 * now on frames are taken again. Else 0. */
int mw_queue_gap(mw_queue *queue);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
