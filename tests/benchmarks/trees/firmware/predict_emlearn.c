/* SPDX-License-Identifier: MIT */
/* emlearn generates headers that hold everything; one source file includes them. */
#include "bench.h"

#include "model.h"

int bench_predict(bench_feature *features)
{
    return (int) model_predict(features, BENCH_N_FEATURES);
}
