/* SPDX-License-Identifier: MIT */
#include <milliwatt/time_features.h>

#include "time_view.h"

int mw_sum_i16(const mw_view_i16 *x, mw_sums_i16 *sums)
{
    const int32_t n = MW_SAMPLES(x, 1);
    int32_t sum = 0;
    mw_products squares = MW_NO_PRODUCTS;
    if (n < 0) {
        return (int) n;
    }
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int16_t value = *at;
        sum += value;
        mw_add_product_i16(&squares, value, value);
    }
    sums->n = (uint16_t) n;
    sums->sum = sum;
    sums->squares = mw_sum_of_products(&squares);
    return MW_OK;
}

int mw_sum_f32(const mw_view_f32 *x, mw_sums_f32 *sums)
{
    const int32_t n = MW_SAMPLES(x, 1);
    float sum = 0.0f, rest = 0.0f, second = 0.0f;
    float start, mean;
    if (n < 0) {
        return (int) n;
    }
    /* From the first sample on, so that the mean of equal samples is just that, and their variance 0. */
    start = x->n_first != 0 ? *x->first : *x->second;
    MW_EACH_SAMPLE (float, x, at) {
        sum += *at - start;
    }
    mean = start + sum / (float) n;
    MW_EACH_SAMPLE (float, x, at) {
        const float off = *at - mean;
        rest += off;
        second += off * off;
    }
    /* What the first pass has lost: Chan, Golub, LeVeque, "Algorithms for computing the sample variance",
     * The American Statistician 37(3), 1983. */
    sums->n = (uint16_t) n;
    second -= rest * (rest / (float) n);
    sums->second = second < 0.0f ? 0.0f : second; /* below 0 by roundings only */
    rest /= (float) n;
    sums->mean = mean + rest;
    sums->rest = rest - (sums->mean - mean);
    return MW_OK;
}
