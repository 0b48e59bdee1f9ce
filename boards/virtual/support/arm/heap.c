/* Heap for newlib's malloc(), linked only where something allocates. Also bounds the stack. */
#include <errno.h>

#include <mw_board.h>

#include "mw_port_arm.h"

extern uint8_t mw_heap_start[], mw_stack_top[];
void *_sbrk(ptrdiff_t increment);

static uint8_t *heap_end = mw_heap_start;

uintptr_t mw_port_stack_top(void)
{
    return (uintptr_t) mw_stack_top;
}

uintptr_t mw_port_stack_floor(void)
{
    return (uintptr_t) heap_end;
}

void *_sbrk(ptrdiff_t increment)
{
    uint8_t *const begin = heap_end;
    const uint8_t *const stack = (const uint8_t *) __builtin_frame_address(0);
    if (increment > stack - begin) {
        errno = ENOMEM;
        return (void *) -1;
    }
    heap_end += increment;
    return begin;
}
