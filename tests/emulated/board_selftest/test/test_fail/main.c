#include "unity_lines.h"

int main(void)
{
    CHECK("this_passes", 1 + 1 == 2);
    CHECK("this_fails", 1 + 1 == 3);
    return summary();
}
