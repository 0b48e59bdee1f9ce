/* SPDX-License-Identifier: MIT */
/*
 * Given on the command line: BENCH_N_FEATURES and BENCH_N_CLASSES, BENCH_FEATURE, the type of a
 * feature.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef BENCH_FEATURE bench_feature;

#ifdef __cplusplus
extern "C" {
#endif

/* The class of a row. A library may write into the row, as tl2cgen does. */
int bench_predict(bench_feature *features);

#ifdef __cplusplus
}
#endif

/* For libraries that answer with one number a class: the first of the largest. */
static inline int bench_argmax(const double *scores)
{
    int best = 0;
    for (int i = 1; i < BENCH_N_CLASSES; i++) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    return best;
}

#endif
