/* SPDX-License-Identifier: MIT */
/* Sums of leaves, the best of them, their mean, and features made integers. */
#include <float.h>

#include <milliwatt/milliwatt.h>

#include "check.h"

#define CHECK_ARGMAX(type, low, high)             \
    do {                                          \
        const type one[] = {low};                 \
        const type same[] = {high, high, high};   \
        const type lowest[] = {low, low};         \
        const type last[] = {low, 0, 1, high};    \
        const type pair[] = {low, high, 0, high}; \
        CHECK(mw_argmax_##type(one, 1) == 0);     \
        CHECK(mw_argmax_##type(same, 3) == 0);    \
        CHECK(mw_argmax_##type(lowest, 2) == 0);  \
        CHECK(mw_argmax_##type(last, 4) == 3);    \
        CHECK(mw_argmax_##type(last, 3) == 2);    \
        CHECK(mw_argmax_##type(pair, 4) == 1);    \
    } while (0)

typedef uint8_t uint8;
typedef uint16_t uint16;
typedef int32_t int32;

TEST(the_best_is_the_first_of_the_largest)
{
    CHECK_ARGMAX(uint8, 0, UINT8_MAX);
    CHECK_ARGMAX(uint16, 0, UINT16_MAX);
    CHECK_ARGMAX(int32, INT32_MIN, INT32_MAX);
}

TEST(the_best_of_very_many)
{
    static const uint8_t values[40000] = {[39999] = 1};
    CHECK(mw_argmax_uint8(values, 40000) == 39999);
    CHECK(mw_argmax_uint8(values, 39999) == 0);
}

TEST(rows_are_added)
{
    static const uint8_t row8[] MW_FLASH = {0, 1, 255, 99};
    static const uint16_t row16[] MW_FLASH = {0, 1, UINT16_MAX, 99};
    static const uint32_t row32[] MW_FLASH = {0, 1, INT32_MAX, 99};
    int32_t sums[4] = {1, -1, 0, 5};
    mw_add_row8(row8, 3, sums);
    CHECK(sums[0] == 1 && sums[1] == 0 && sums[2] == 255 && sums[3] == 5);
    mw_add_row16(row16, 3, sums);
    CHECK(sums[0] == 1 && sums[1] == 1 && sums[2] == 255 + 65535 && sums[3] == 5);
    sums[2] = 0;
    mw_add_row32(row32, 3, sums);
    CHECK(sums[0] == 1 && sums[1] == 2 && sums[2] == INT32_MAX && sums[3] == 5);
}

TEST(the_rest_of_a_total)
{
    const int32_t sums[] = {3, 0, 5};
    CHECK(mw_rest(sums, 3, 10) == 2);
    CHECK(mw_rest(sums, 1, 3) == 0);
    CHECK(mw_rest(sums, 0, 7) == 7);
}

TEST(the_lead_of_the_best)
{
    const int32_t up[] = {1, 5, 9};
    const int32_t down[] = {9, 5, 1};
    const int32_t same[] = {4, 4, 1};
    const int32_t none[] = {0, 0};
    const int32_t largest[] = {0, INT32_MAX};
    CHECK(mw_lead(up, 3) == 4);
    CHECK(mw_lead(down, 3) == 4);
    CHECK(mw_lead(same, 3) == 0);
    CHECK(mw_lead(none, 2) == 0);
    CHECK(mw_lead(largest, 2) == INT32_MAX);
}

TEST(a_sum_is_decided_beyond_its_limits)
{
    int32_t sum = 5;
    CHECK(mw_decided(&sum, 4, 5) == 0 && sum == 5);
    CHECK(mw_decided(&sum, 4, 4) == 1 && sum == INT32_MAX);
    sum = 4;
    CHECK(mw_decided(&sum, 4, 9) == 1 && sum == INT32_MIN);
}

TEST(categories_of_features)
{
    CHECK(mw_category_of_float(0.0f) == 0 && mw_category_of_float(-0.9f) == 0);
    CHECK(mw_category_of_float(7.9f) == 7 && mw_category_of_float(65535.5f) == 65535);
    CHECK(mw_category_of_float(-1.0f) == UINT32_MAX && mw_category_of_float(65536.0f) == UINT32_MAX);
    CHECK(mw_category_of_float(FLT_MAX) == UINT32_MAX && mw_category_of_float(-FLT_MAX) == UINT32_MAX);
    CHECK(mw_category_of_int(3) == 3 && mw_category_of_int(-1) > 65535);
}

TEST(sets_of_categories)
{
    static const uint8_t some[] MW_FLASH = {2, 0, 0x81, 0x02}; /* 0, 7, 9 */
    static const uint8_t others[] MW_FLASH = {2, 0x80, 0x81, 0x02};
    static const uint8_t none[] MW_FLASH = {0, 0};
    static const uint8_t all[] MW_FLASH = {0, 0x80};
    for (uint32_t i = 0; i < 40; ++i) {
        const int inside = i == 0 || i == 7 || i == 9;
        CHECK(mw_in_set(some, i) == inside);
        CHECK(mw_in_set(others, i) == !inside);
        CHECK(mw_in_set(none, i) == 0 && mw_in_set(all, i) == 1);
    }
    CHECK(mw_in_set(some, UINT32_MAX) == 0 && mw_in_set(others, UINT32_MAX) == 1);
}

TEST(weighted_medians)
{
    static const uint32_t same[] MW_FLASH = {5, 5, 5, 5};
    static const uint32_t heavy[] MW_FLASH = {1, 100, 1, 1};
    const uint32_t ranks[] = {7, 0, 70000, 3};
    CHECK(mw_weighted_median(ranks, same, 1, 5) == 7);
    CHECK(mw_weighted_median(ranks, same, 2, 10) == 0); /* half of all weight is enough */
    CHECK(mw_weighted_median(ranks, same, 3, 15) == 7);
    CHECK(mw_weighted_median(ranks, same, 4, 20) == 3);
    CHECK(mw_weighted_median(ranks, heavy, 4, 103) == 0);
}

TEST(means)
{
    CHECK(mw_mean(0, 0, 1) == 0.0f);
    CHECK(mw_mean(7, 0, 2) == 3.5f);
    CHECK(mw_mean(-7, 1, 2) == -1.75f);
    CHECK(mw_mean(3, -4, 1) == 48.0f);
    CHECK(mw_mean(INT32_MAX, 31, 1) == 1.0f);
    CHECK(mw_mean(INT32_MIN, 31, 1) == -1.0f);
    CHECK(mw_mean(1, 126, 1) == FLT_MIN);
    CHECK(mw_mean(1, 15, 3) == 1.0f / 3.0f / 32768.0f);
    CHECK(mw_mean(1000 << 20, -107, 1000) == 0x1p127f); /* the sum itself is no float */
}

TEST(quantized_halves_go_away_from_zero)
{
    CHECK(mw_quantize(0.0f, 10.0f, -128, 127) == 0);
    CHECK(mw_quantize(-0.0f, 10.0f, -128, 127) == 0);
    CHECK(mw_quantize(0.04999f, 10.0f, -128, 127) == 0);
    CHECK(mw_quantize(0.5f, 1.0f, -128, 127) == 1);
    CHECK(mw_quantize(-0.5f, 1.0f, -128, 127) == -1);
    CHECK(mw_quantize(1.5f, 1.0f, -128, 127) == 2);
    CHECK(mw_quantize(2.5f, 1.0f, -128, 127) == 3);
    CHECK(mw_quantize(-2.5f, 1.0f, -128, 127) == -3);
    CHECK(mw_quantize(-2.49f, 1.0f, -128, 127) == -2);
    CHECK(mw_quantize(0x1.fffffep-2f, 1.0f, -128, 127) == 0); /* just below one half */
    CHECK(mw_quantize(8388607.5f, 1.0f, INT32_MIN, INT32_MAX) == 8388608);
    CHECK(mw_quantize(16777215.0f, 1.0f, INT32_MIN, INT32_MAX) == 16777215);
}

TEST(quantized_values_saturate)
{
    const float infinity = FLT_MAX * 2.0f;
    const float huge[] = {127.0f, 127.4f, 127.5f, 128.0f, 1e30f, FLT_MAX, infinity};
    for (int i = 0; i < 7; ++i) {
        CHECK(mw_quantize(huge[i], 1.0f, -128, 127) == 127);
        CHECK(mw_quantize(-huge[i] - 1.0f, 1.0f, -128, 127) == -128);
        CHECK(mw_quantize(huge[i], 1e38f, INT32_MIN, INT32_MAX) == INT32_MAX);
        CHECK(mw_quantize(-huge[i], 1e38f, INT32_MIN, INT32_MAX) == INT32_MIN);
        CHECK(mw_quantize(-huge[i], 1.0f, 0, 255) == 0);
    }
    CHECK(mw_quantize(126.6f, 1.0f, -128, 127) == 127);
    CHECK(mw_quantize(2147483648.0f, 1.0f, INT32_MIN, INT32_MAX) == INT32_MAX);
    CHECK(mw_quantize(2147483520.0f, 1.0f, INT32_MIN, INT32_MAX) == 2147483520);
    CHECK(mw_quantize(-2147483648.0f, 1.0f, INT32_MIN, INT32_MAX) == INT32_MIN);
    CHECK(mw_quantize(-2147483520.0f, 1.0f, INT32_MIN, INT32_MAX) == -2147483520);
    CHECK(mw_quantize(infinity - infinity, 1.0f, -128, 127) == -128); /* NaN */
}

int main(void)
{
    the_best_is_the_first_of_the_largest();
    the_best_of_very_many();
    rows_are_added();
    the_rest_of_a_total();
    the_lead_of_the_best();
    a_sum_is_decided_beyond_its_limits();
    categories_of_features();
    sets_of_categories();
    weighted_medians();
    means();
    quantized_halves_go_away_from_zero();
    quantized_values_saturate();
    return check_failures;
}
