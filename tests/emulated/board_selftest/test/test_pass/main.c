#include <mw_board.h>

#include "unity_lines.h"

int main(void)
{
    const uint32_t begin = mw_board_counter();
    const uint32_t end = mw_board_counter();
    CHECK("an_empty_section_is_free", mw_board_elapsed(begin, end) < 100000u);
    CHECK("the_board_has_a_name", mw_board_name[0] != '\0');
    return summary();
}
