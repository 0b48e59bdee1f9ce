/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include "model.h"

int bench_predict(bench_feature *features)
{
    return model_predict(features, BENCH_N_FEATURES);
}
