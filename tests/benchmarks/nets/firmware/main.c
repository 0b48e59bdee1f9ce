/* SPDX-License-Identifier: MIT */
/*
 * One firmware for every network: rows come in over the serial port, and for each one its cost and its
 * answer go back. bench_predict() is in a file of its own and features come from outside, so no compiler
 * can prepare an answer. The first row is answered with the stack in use instead of its cost. Where the
 * network gives a hash of its scores, that goes back instead of a cost.
 */
#include <mw_board.h>

#include "bench.h"

/* Deeper than what talks to the PC, so that the deepest mark on the stack is the network's. */
#define PAD 320

static union {
    uint8_t bytes[BENCH_N_FEATURES * sizeof(bench_feature)];
    bench_feature values[BENCH_N_FEATURES];
} row;

static volatile size_t pad_size = PAD;

static int read_row(void)
{
    for (size_t i = 0; i < sizeof row.bytes; i++) {
        const int byte = mw_board_read();
        if (byte < 0) {
            return 0;
        }
        row.bytes[i] = (uint8_t) byte;
    }
    return 1;
}

static void write_little_endian(uint32_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++) {
        const char byte = (char) (uint8_t) (value >> (8 * i));
        mw_board_write(&byte, 1);
    }
}

static __attribute__((noinline)) void predict_below_pad(void)
{
    /* Of a size the compiler does not know: such an array lies at the very bottom of the frame. */
    volatile uint8_t pad[pad_size];
    for (size_t i = 0; i < sizeof pad; i++) {
        pad[i] = 0;
    }
    (void) bench_predict(row.values);
}

static uint32_t measured_stack(void)
{
    mw_board_stack_paint();
    predict_below_pad();
    return (uint32_t) mw_board_stack_used();
}

int main(void)
{
    uint32_t stack = 0;
    write_little_endian('R', 1); /* ready: from here on no byte is lost */
    while (read_row()) {
        const uint32_t begin = mw_board_counter();
        const int answer = bench_predict(row.values);
        const uint32_t end = mw_board_counter();
        uint32_t figure = bench_hash != 0 ? bench_hash : mw_board_elapsed(begin, end);
        if (stack == 0) {
            figure = stack = measured_stack();
        }
        write_little_endian(figure, 4);
        write_little_endian((uint32_t) answer, 2);
    }
    return 0;
}
