/* SPDX-License-Identifier: MIT */
/*
 * One firmware for every implementation: rows come in over the serial port, and for each one its
 * cost and its answer go back. bench_predict() is in a file of its own and features come from
 * outside, so no compiler can prepare an answer.
 */
#include <mw_board.h>

#include "bench.h"

static union {
    uint8_t bytes[BENCH_N_FEATURES * sizeof(bench_feature)];
    bench_feature values[BENCH_N_FEATURES];
} row;

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

int main(void)
{
    write_little_endian('R', 1); /* ready: from here on no byte is lost */
    while (read_row()) {
        const uint32_t begin = mw_board_counter();
        const int answer = bench_predict(row.values);
        const uint32_t end = mw_board_counter();
        write_little_endian(mw_board_elapsed(begin, end), 4);
        write_little_endian((uint32_t) answer, 2);
    }
    return 0;
}
