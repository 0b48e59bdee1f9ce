/* SPDX-License-Identifier: MIT */
/* Two channels: sums of products, covariance, correlation. */
#include <milliwatt/roots.h>
#include <milliwatt/time_features.h>

#include "time_scaled.h"
#include "time_view.h"

/* Samples of two views that break at the same one, or a negative status. */
#define MW_PAIRS(x, y)                                                                              \
    ((y)->first == NULL                                               ? (int32_t) MW_ERROR_ARGUMENT \
     : (x)->n_first != (y)->n_first || (x)->n_second != (y)->n_second ? (int32_t) MW_ERROR_LENGTH   \
                                                                      : MW_SAMPLES(x, 1))

int mw_products_i16(const mw_view_i16 *x, const mw_view_i16 *y, int64_t *products)
{
    const int32_t n = MW_PAIRS(x, y);
    mw_products sum = MW_NO_PRODUCTS;
    if (n < 0) {
        return (int) n;
    }
    for (uint_fast8_t part = 0; part < 2; ++part) {
        const int16_t *a = part == 0 ? x->first : x->second, *b = part == 0 ? y->first : y->second;
        for (uint_fast16_t left = part == 0 ? x->n_first : x->n_second; left != 0; --left) {
            mw_add_product_i16(&sum, *a, *b);
            a += x->stride;
            b += y->stride;
        }
    }
    *products = mw_sum_of_signed_products(&sum);
    return MW_OK;
}

int mw_products_f32(const mw_view_f32 *x, const mw_view_f32 *y, const mw_sums_f32 *x_sums,
                    const mw_sums_f32 *y_sums, float *products)
{
    const int32_t n = MW_PAIRS(x, y);
    float sum = 0.0f;
    if (n < 0) {
        return (int) n;
    }
    for (uint_fast8_t part = 0; part < 2; ++part) {
        const float *a = part == 0 ? x->first : x->second, *b = part == 0 ? y->first : y->second;
        for (uint_fast16_t left = part == 0 ? x->n_first : x->n_second; left != 0; --left) {
            sum += (*a - x_sums->mean) * (*b - y_sums->mean);
            a += x->stride;
            b += y->stride;
        }
    }
    *products = sum;
    return MW_OK;
}

int64_t mw_coscatter_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products)
{
    /* n Σxy - ΣxΣy may have 63 bits on the way. */
    return (int64_t) ((uint64_t) products * x_sums->n - (uint64_t) ((int64_t) x_sums->sum * y_sums->sum));
}

float mw_covariance_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products, uint8_t ddof)
{
    const uint16_t n = x_sums->n;
    return n <= ddof ? 0.0f
                     : (float) mw_coscatter_i16(x_sums, y_sums, products) /
                           (float) ((uint32_t) n * (uint32_t) (n - ddof));
}

static float mw_within_1(float x)
{
    return x > 1.0f ? 1.0f : x < -1.0f ? -1.0f : x;
}

float mw_correlation_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products)
{
    const uint64_t x = mw_scatter_i16(x_sums), y = mw_scatter_i16(y_sums);
    if (x == 0 || y == 0) {
        return 0.0f;
    }
    return mw_within_1((float) mw_coscatter_i16(x_sums, y_sums, products) /
                       (mw_root_f32((float) x) * mw_root_f32((float) y)));
}

int16_t mw_correlation_q15(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products)
{
    const mw_scaled x = mw_scaled_of(mw_scatter_i16(x_sums)), y = mw_scaled_of(mw_scatter_i16(y_sums));
    const int64_t both = mw_coscatter_i16(x_sums, y_sums, products);
    const mw_scaled size = mw_scaled_of(both < 0 ? (uint64_t) -both : (uint64_t) both);
    uint32_t found;
    if (x.top == 0 || y.top == 0) {
        return 0;
    }
    found = mw_scaled_quotient(size, mw_scaled_product(mw_scaled_root(x), mw_scaled_root(y)), 15);
    found = found > 32767U ? 32767U : found;
    return (int16_t) (both < 0 ? -(int32_t) found : (int32_t) found);
}

float mw_covariance_f32(const mw_sums_f32 *x_sums, float products, uint8_t ddof)
{
    return x_sums->n <= ddof ? 0.0f : products / (float) (x_sums->n - ddof);
}

float mw_correlation_f32(const mw_sums_f32 *x_sums, const mw_sums_f32 *y_sums, float products)
{
    if (x_sums->second == 0.0f || y_sums->second == 0.0f) {
        return 0.0f;
    }
    return mw_within_1(products / (mw_root_f32(x_sums->second) * mw_root_f32(y_sums->second)));
}
