/* SPDX-License-Identifier: MIT */
/* Given on the command line: BENCH_N_FEATURES, and BENCH_FEATURE, the type of a feature. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef BENCH_FEATURE bench_feature;

int bench_predict(const bench_feature *features);

#endif
