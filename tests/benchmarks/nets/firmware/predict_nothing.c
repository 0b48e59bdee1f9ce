/* SPDX-License-Identifier: MIT */
/* The empty firmware, to which the others are compared. */
#include "bench.h"

uint32_t bench_hash;

int bench_predict(const bench_feature *features)
{
    (void) features;
    return 0;
}
