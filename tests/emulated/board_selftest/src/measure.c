#include "measure.h"

#include <mw_board.h>

#include "known_loop.h"

/* The argument is loaded before the first reading, so only the loop itself is between the two. */
__attribute__((noinline)) static uint32_t timed(uint32_t n)
{
    const uint32_t begin = mw_board_counter();
    KNOWN_LOOP(n);
    const uint32_t end = mw_board_counter();
    return mw_board_elapsed(begin, end);
}

/* Against one round, so that moving n to where the loop counts it down falls out. */
uint32_t measure_known(uint32_t n)
{
    return timed(n) - timed(1) + KNOWN_COST(1u);
}

__attribute__((noinline)) uint32_t measure_empty(void)
{
    const uint32_t begin = mw_board_counter();
    const uint32_t end = mw_board_counter();
    return mw_board_elapsed(begin, end);
}

__attribute__((noinline)) uint32_t measure_ten_nops(void)
{
    const uint32_t begin = mw_board_counter();
    __asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop");
    const uint32_t end = mw_board_counter();
    return mw_board_elapsed(begin, end);
}

__attribute__((noinline)) uint32_t use_stack(uint32_t bytes)
{
    volatile uint8_t block[64];
    for (unsigned i = 0; i < sizeof block; i++) {
        block[i] = (uint8_t) (bytes + i);
    }
    const uint32_t below = bytes > sizeof block ? use_stack(bytes - (uint32_t) sizeof block) : 0u;
    return below + block[bytes % sizeof block];
}
