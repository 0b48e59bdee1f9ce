/* SPDX-License-Identifier: MIT */
/* Sums of magnitudes: of samples, and of differences of neighbours. */
#include <milliwatt/time_features.h>

#include "time_key.h"
#include "time_view.h"

int mw_absolute_sum_i16(const mw_view_i16 *x, uint32_t *sum)
{
    const int32_t n = MW_SAMPLES(x, 1);
    uint32_t total = 0;
    if (n < 0) {
        return (int) n;
    }
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int32_t value = *at;
        total += (uint32_t) (value < 0 ? -value : value);
    }
    *sum = total;
    return MW_OK;
}

int mw_absolute_sum_f32(const mw_view_f32 *x, float *sum)
{
    const int32_t n = MW_SAMPLES(x, 1);
    float total = 0.0f;
    if (n < 0) {
        return (int) n;
    }
    MW_EACH_SAMPLE (float, x, at) {
        total += mw_size_f32(*at);
    }
    *sum = total;
    return MW_OK;
}

int mw_slopes_of_i16(const mw_view_i16 *x, mw_slopes_i16 *slopes)
{
    const int32_t n = MW_SAMPLES(x, 2);
    uint32_t length = 0;
    mw_products squares = MW_NO_PRODUCTS;
    int16_t last;
    if (n < 0) {
        return (int) n;
    }
    last = x->n_first != 0 ? *x->first : *x->second;
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int16_t value = *at;
        /* Below 2^16, whatever the signs. */
        const uint16_t step = value < last ? (uint16_t) ((uint16_t) last - (uint16_t) value)
                                           : (uint16_t) ((uint16_t) value - (uint16_t) last);
        length += step;
        mw_add_product_u16(&squares, step, step);
        last = value;
    }
    slopes->n = (uint16_t) (n - 1);
    slopes->length = length;
    slopes->squares = mw_sum_of_products(&squares);
    return MW_OK;
}

int mw_slopes_of_f32(const mw_view_f32 *x, mw_slopes_f32 *slopes)
{
    const int32_t n = MW_SAMPLES(x, 2);
    float length = 0.0f, squares = 0.0f;
    float last;
    if (n < 0) {
        return (int) n;
    }
    last = x->n_first != 0 ? *x->first : *x->second;
    MW_EACH_SAMPLE (float, x, at) {
        const float step = *at - last;
        length += mw_size_f32(step);
        squares += step * step;
        last = *at;
    }
    slopes->n = (uint16_t) (n - 1);
    slopes->length = length;
    slopes->squares = squares;
    return MW_OK;
}
