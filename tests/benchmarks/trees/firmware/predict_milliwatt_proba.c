/* SPDX-License-Identifier: MIT */
/*
 * Probabilities need every tree, so that here no early exit hides what a split costs. The class is
 * not looked for: the answer says only whether all went well.
 */
#include "bench.h"

#include "model.h"

int bench_predict(bench_feature *features)
{
    float probabilities[BENCH_N_CLASSES];
    return model_predict_proba(features, BENCH_N_FEATURES, probabilities, BENCH_N_CLASSES);
}
