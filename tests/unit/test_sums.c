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
typedef int64_t int64;

TEST(the_best_is_the_first_of_the_largest)
{
    CHECK_ARGMAX(uint8, 0, UINT8_MAX);
    CHECK_ARGMAX(uint16, 0, UINT16_MAX);
    CHECK_ARGMAX(int32, INT32_MIN, INT32_MAX);
    CHECK_ARGMAX(int64, INT64_MIN, INT64_MAX);
}

TEST(the_best_of_very_many)
{
    static uint8_t values[40000];
    values[39999] = 1;
    CHECK(mw_argmax_uint8(values, 40000) == 39999);
    CHECK(mw_argmax_uint8(values, 39999) == 0);
}

TEST(rows_are_added)
{
    static const int16_t row16[] MW_FLASH = {INT16_MIN, -1, 0, INT16_MAX, 99};
    static const int32_t row32[] MW_FLASH = {INT32_MIN, -1, INT32_MAX, 99};
    int32_t sums16[5] = {1, 1, 1, 1, 1};
    int64_t sums32[4] = {INT32_MIN, 1, INT32_MAX, 1};
    mw_add_row16(row16, 4, sums16);
    CHECK(sums16[0] == -32767 && sums16[1] == 0 && sums16[2] == 1 && sums16[3] == 32768 && sums16[4] == 1);
    mw_add_row32(row32, 3, sums32);
    CHECK(sums32[0] == 2 * (int64_t) INT32_MIN && sums32[1] == 0);
    CHECK(sums32[2] == 2 * (int64_t) INT32_MAX && sums32[3] == 1);
}

TEST(means)
{
    CHECK(mw_mean(0, 0, 1) == 0.0f);
    CHECK(mw_mean(7, 0, 2) == 3.5f);
    CHECK(mw_mean(-7, 1, 2) == -1.75f);
    CHECK(mw_mean(3, -4, 1) == 48.0f);
    CHECK(mw_mean(INT32_MAX, 31, 1) == 1.0f);
    CHECK(mw_mean((int64_t) INT32_MIN * 65535, 31, 65535) == -1.0f);
    CHECK(mw_mean(1, 126, 1) == FLT_MIN);
    CHECK(mw_mean(1, 15, 3) == 1.0f / 3.0f / 32768.0f);
}

TEST(a_mean_that_fits_though_its_sum_does_not)
{
    /* 1000 values of 2^127: their sum is no float. */
    CHECK(mw_mean((int64_t) 1000 << 30, -97, 1000) == 0x1p127f);
    CHECK(mw_mean(-((int64_t) 1000 << 30), -97, 1000) == -0x1p127f);
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
    means();
    a_mean_that_fits_though_its_sum_does_not();
    quantized_halves_go_away_from_zero();
    quantized_values_saturate();
    return check_failures;
}
