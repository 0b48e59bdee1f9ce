/* SPDX-License-Identifier: MIT */
/* Comparisons of floats by their bits, against the compiler's own. */
#include <float.h>

#include <milliwatt/milliwatt.h>

#include "check.h"

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Zeros, denormals, powers of two, their neighbours, the largest, infinities: of either sign. */
static const uint32_t MAGNITUDES[] = {
    0x00000000, 0x00000001, 0x00000002, 0x007fffff, 0x00800000, 0x00800001, 0x3586637b, 0x3f000000,
    0x3f7fffff, 0x3f800000, 0x3f800001, 0x4b800000, 0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000,
};
enum { N_VALUES = 2 * sizeof MAGNITUDES / sizeof MAGNITUDES[0] };

static float value(int index)
{
    return from_bits(MAGNITUDES[index / 2] | (index % 2 ? 0x80000000U : 0U));
}

TEST(less_or_equal_is_the_compilers)
{
    for (int i = 0; i < N_VALUES; ++i) {
        const float t = value(i);
        for (int j = 0; j < N_VALUES; ++j) {
            const float x = value(j);
            if (mw_float_bits(t) < 0x80000000U) {
                CHECK(mw_float_le_positive(x, (int32_t) mw_float_bits(t)) == (x <= t));
            } else if (t < 0.0f) {
                CHECK(mw_float_le_negative(x, mw_float_bits(t)) == (x <= t));
            }
        }
    }
}

TEST(keys_order_as_floats)
{
    for (int i = 0; i < N_VALUES; ++i) {
        for (int j = 0; j < N_VALUES; ++j) {
            const float a = value(i);
            const float b = value(j);
            if (a != b) {
                CHECK((mw_float_key(a) < mw_float_key(b)) == (a < b));
            }
        }
    }
    CHECK(mw_float_key(0.0f) == 0);
    CHECK(mw_float_key(-0.0f) == -1);
}

TEST(nan_is_found_and_nothing_else)
{
    const uint32_t nans[] = {0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff};
    for (int i = 0; i < 6; ++i) {
        CHECK(mw_is_nan(from_bits(nans[i])) == 1);
    }
    for (int i = 0; i < N_VALUES; ++i) {
        CHECK(mw_is_nan(value(i)) == 0);
    }
}

TEST(nan_is_found_at_every_place)
{
    float values[40];
    for (uint_fast16_t n = 0; n <= 40; ++n) {
        for (uint_fast16_t i = 0; i < 40; ++i) {
            values[i] = value((int) i % N_VALUES); /* among them both infinities, whose sum is NaN */
        }
        CHECK(mw_has_nan(values, n) == 0);
        for (uint_fast16_t i = 0; i < n; ++i) {
            const float kept = values[i];
            values[i] = from_bits(i % 2 ? 0xffc00000U : 0x7f800001U);
            CHECK(mw_has_nan(values, n) == 1);
            values[i] = kept;
        }
        if (n < 40) {
            values[n] = from_bits(0x7fc00000U); /* beyond the end */
            CHECK(mw_has_nan(values, n) == 0);
        }
    }
}

TEST(bits_come_back_from_a_table)
{
    static const float table[] MW_FLASH = {-0.0f, 1.5f, FLT_MAX, FLT_MIN / 2};
    for (int i = 0; i < 4; ++i) {
        CHECK(mw_float_bits(mw_read_float(table + i)) == mw_float_bits(table[i]));
    }
}

int main(void)
{
    less_or_equal_is_the_compilers();
    keys_order_as_floats();
    nan_is_found_and_nothing_else();
    nan_is_found_at_every_place();
    bits_come_back_from_a_table();
    return check_failures;
}
