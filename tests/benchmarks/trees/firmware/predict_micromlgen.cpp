/* SPDX-License-Identifier: MIT */
/* micromlgen counts on Arduino.h for the integer types. */
#include "bench.h"

#include "model.h"

static Eloquent::ML::Port::RandomForest forest;

int bench_predict(bench_feature *features)
{
    return forest.predict(features);
}
