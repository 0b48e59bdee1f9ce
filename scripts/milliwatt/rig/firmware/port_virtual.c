/* SPDX-License-Identifier: MIT */
/* The boards of boards/virtual: all there is already has the right shape. */
#include <mw_board.h>

#include "mw_check_port.h"

int mw_check_read(void)
{
    return mw_board_read();
}

void mw_check_write(const char *data, size_t size)
{
    mw_board_write(data, size);
}

const char *mw_check_unit(void)
{
    return mw_board_counter_unit;
}

uint32_t mw_check_counter(void)
{
    return mw_board_counter();
}

uint32_t mw_check_elapsed(uint32_t begin, uint32_t end)
{
    return mw_board_elapsed(begin, end);
}

void mw_check_stack_paint(void)
{
    mw_board_stack_paint();
}

size_t mw_check_stack_used(void)
{
    return mw_board_stack_used();
}

int main(void)
{
    mw_check_serve();
    return 0;
}
