/* SPDX-License-Identifier: MIT */
/* The empty firmware, to which the others are compared. */
#include "bench.h"

int bench_predict(bench_feature *features)
{
    (void) features;
    return 0;
}
