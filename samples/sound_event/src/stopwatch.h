/* SPDX-License-Identifier: MIT */
/* What a prediction takes, in whatever the board counts. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdint.h>

#if defined(MW_BOARD) /* Milliwatt's virtual boards */
#include <mw_board.h>

static inline uint32_t stopwatch_read(void)
{
    return mw_board_counter();
}

static inline uint32_t stopwatch_since(uint32_t begin)
{
    return mw_board_elapsed(begin, mw_board_counter());
}

static inline const char *stopwatch_unit(void)
{
    return mw_board_counter_unit;
}

#elif defined(__ZEPHYR__)
#include <zephyr/kernel.h>

static inline uint32_t stopwatch_read(void)
{
    return k_cycle_get_32();
}

static inline uint32_t stopwatch_since(uint32_t begin)
{
    return k_cycle_get_32() - begin;
}

static inline const char *stopwatch_unit(void)
{
    return "cycles";
}

#else /* a board without a stopwatch: fill these in */

static inline uint32_t stopwatch_read(void)
{
    return 0;
}

static inline uint32_t stopwatch_since(uint32_t begin)
{
    return begin;
}

static inline const char *stopwatch_unit(void)
{
    return "not measured";
}

#endif

#endif
