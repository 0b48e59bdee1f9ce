/* Stack high-water mark by painting. */
#include <mw_board.h>

#include "mw_port.h"

#define PATTERN ((uint8_t) 0xa5u)

/* The painter's own frame must survive: it paints only below itself. Its few bytes of frame are
 * part of what counts as used. */
#define OWN_FRAME 16u

__attribute__((noinline)) void mw_board_stack_paint(void)
{
    volatile uint8_t *const floor = (volatile uint8_t *) mw_port_stack_floor();
    volatile uint8_t *p = (volatile uint8_t *) __builtin_frame_address(0) - OWN_FRAME;
    while (p > floor) {
        *--p = PATTERN;
    }
}

size_t mw_board_stack_used(void)
{
    const volatile uint8_t *p = (const volatile uint8_t *) mw_port_stack_floor();
    const volatile uint8_t *const top = (const volatile uint8_t *) mw_port_stack_top();
    while (p < top && *p == PATTERN) {
        p++;
    }
    return (size_t) (top - p);
}
