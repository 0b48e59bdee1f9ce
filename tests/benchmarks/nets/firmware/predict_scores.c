/* SPDX-License-Identifier: MIT */
/* FNV-1a of the bytes of all scores, so that one bit that differs shows. The answer is the status. */
#include <string.h>

#include "bench.h"

#include "model.h"

uint32_t bench_hash;

int bench_predict(const bench_feature *features)
{
    float scores[BENCH_N_SCORES];
    unsigned char bytes[sizeof scores];
    const int status = model_score(features, BENCH_N_FEATURES, scores, BENCH_N_SCORES);

    memcpy(bytes, scores, sizeof bytes);
    bench_hash = 2166136261u;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bench_hash = (bench_hash ^ bytes[i]) * 16777619u;
    }
    return status;
}
