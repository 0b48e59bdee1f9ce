/* SPDX-License-Identifier: MIT */
/*
 * An Entry that holds a value is that double. pred_margin = 1 leaves out softmax, which the class does
 * not need.
 */
#include "bench.h"

#include "header.h"

int bench_predict(bench_feature *features)
{
    double scores[BENCH_N_CLASSES] = {0};
    predict((union Entry *) (void *) features, 1, scores);
    return bench_argmax(scores);
}
