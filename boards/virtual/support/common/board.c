#include <mw_board.h>

#include "mw_port.h"

const char mw_board_name[] = MW_BOARD_NAME;
const char mw_board_counter_unit[] = MW_COUNTER_UNIT;

int mw_board_read(void)
{
    return mw_port_read_byte();
}

/* Weak: a family with a faster way than byte by byte has its own. */
__attribute__((weak)) void mw_board_write(const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mw_port_write_byte((uint8_t) data[i]);
    }
}

/* The same two calls as around a caller's section, with nothing between them but what every
 * caller needs too: keeping the first reading. Measured each time rather than tabulated, since
 * the emulators are deterministic and it then holds for every compiler. */
static __attribute__((noinline)) uint32_t empty_section(void)
{
    const uint32_t begin = mw_board_counter();
    const uint32_t end = mw_board_counter();
    return end - begin;
}

uint32_t mw_board_elapsed(uint32_t begin, uint32_t end)
{
    const uint32_t section = mw_port_units(end - begin);
    const uint32_t empty = mw_port_units(empty_section());
    return section > empty ? section - empty : 0u;
}
