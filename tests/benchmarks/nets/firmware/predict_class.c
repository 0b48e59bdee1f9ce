/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include "model.h"

uint32_t bench_hash;

int bench_predict(const bench_feature *features)
{
    return (int) model_predict(features, BENCH_N_FEATURES);
}
