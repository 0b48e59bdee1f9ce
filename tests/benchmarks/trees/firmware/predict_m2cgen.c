/* SPDX-License-Identifier: MIT */
/* m2cgen generates a source without a header. */
#include "bench.h"

void score(double *input, double *output);

int bench_predict(bench_feature *features)
{
    double scores[BENCH_N_CLASSES];
    score(features, scores);
    return bench_argmax(scores);
}
