/* SPDX-License-Identifier: MIT */
/*
 * Given on the command line: BENCH_N_FEATURES, BENCH_N_SCORES, and BENCH_FEATURE, the type of a feature.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef BENCH_FEATURE bench_feature;

/* The class of a row; or, where scores are compared, a hash of them and no class (see predict_scores.c). */
int bench_predict(const bench_feature *features);

/* What the last call of bench_predict() hashed; 0 where it hashes nothing. */
extern uint32_t bench_hash;

#endif
