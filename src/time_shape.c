/* SPDX-License-Identifier: MIT */
#include <milliwatt/time_features.h>

#include "time_view.h"

/* Sums of powers of integer differences d from `centre`, the mean rounded. */
typedef struct {
    int64_t cubes;      /* Σd³: at most max|d| * Σd² < 2^16 * 2^46 */
    uint64_t low, high; /* Σd⁴ is low + high * 2^32: its words are summed apart, so below 2^48 each */
} mw_powers;

/* Below this sum of squares no power overflows what mw_powers_of_narrow holds it in: |d| < 2^15, Σd⁴ <
 * (Σd²)². */
#define MW_NARROW (UINT64_C(1) << 30)

#if MW_LONG_PRODUCTS
static void mw_powers_of_narrow(const mw_view_i16 *x, int32_t centre, mw_powers *powers)
{
    int64_t cubes = 0;
    uint64_t fourths = 0;
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int32_t off = *at - centre;
        const int32_t square = off * off;
        cubes += (int64_t) off * square;
        fourths += (uint64_t) (uint32_t) square * (uint32_t) square;
    }
    powers->cubes = cubes;
    powers->low = (uint32_t) fourths;
    powers->high = fourths >> 32;
}
#else
/* By halves of d² = a * 2^16 + b, as products of 64 bits take a call. Σa < 2^14, so Σab < 2^30, |Σda| < 2^29.
 */
static void mw_powers_of_narrow(const mw_view_i16 *x, int32_t centre, mw_powers *powers)
{
    uint32_t aa = 0, ab = 0;
    int32_t da = 0;
    mw_products bb = MW_NO_PRODUCTS, db = MW_NO_PRODUCTS;
    uint64_t fourths;
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int16_t off = (int16_t) (*at - centre);
        const uint32_t square = (uint32_t) ((int32_t) off * off);
        const uint16_t a = (uint16_t) (square >> 16), b = (uint16_t) square;
        if (a != 0) {
            aa += (uint32_t) a * a;
            ab += (uint32_t) a * b;
            da += (int32_t) off * (int16_t) a;
        }
        mw_add_product_u16(&bb, b, b);
        mw_add_product_mixed(&db, off, b);
    }
    fourths = ((uint64_t) aa << 32) + ((uint64_t) ab << 17) + mw_sum_of_products(&bb);
    powers->cubes = (int64_t) da * 65536 + mw_sum_of_signed_products(&db);
    powers->low = (uint32_t) fourths;
    powers->high = fourths >> 32;
}
#endif

static void mw_powers_of_wide(const mw_view_i16 *x, int32_t centre, mw_powers *powers)
{
    int64_t cubes = 0;
    uint64_t low = 0, high = 0;
    MW_EACH_SAMPLE (int16_t, x, at) {
        const int32_t off = *at - centre;
        const uint32_t size = (uint32_t) (off < 0 ? -off : off);
        const uint32_t square = size * size; /* at most 65535² */
        const uint64_t fourth = (uint64_t) square * square;
        const int64_t cube = (int64_t) ((uint64_t) square * size);
        cubes += off < 0 ? -cube : cube;
        low += (uint32_t) fourth;
        high += fourth >> 32;
    }
    powers->cubes = cubes;
    powers->low = low;
    powers->high = high;
}

#if MW_LONG_PRODUCTS
typedef uint32_t mw_limb;
typedef uint64_t mw_two_limbs;
#else
typedef uint16_t mw_limb;
typedef uint32_t mw_two_limbs;
#endif
#define MW_LIMBS (16 / sizeof(mw_limb))
#define MW_LIMB_BITS (8 * sizeof(mw_limb))

/* An integer of 128 bits, two's complement, lowest part first. */
typedef struct {
    mw_limb part[MW_LIMBS];
} mw_wide;

static void mw_wide_add(mw_wide *wide, const mw_wide *other)
{
    mw_two_limbs carry = 0;
    for (uint_fast8_t i = 0; i < MW_LIMBS; ++i) {
        carry += (mw_two_limbs) wide->part[i] + other->part[i];
        wide->part[i] = (mw_limb) carry;
        carry >>= MW_LIMB_BITS;
    }
}

static void mw_wide_times(mw_wide *wide, uint16_t factor)
{
    mw_two_limbs carry = 0;
    for (uint_fast8_t i = 0; i < MW_LIMBS; ++i) {
        carry += (mw_two_limbs) wide->part[i] * factor;
        wide->part[i] = (mw_limb) carry;
        carry >>= MW_LIMB_BITS;
    }
}

static mw_wide mw_wide_of(int64_t value)
{
    mw_wide wide;
    for (uint_fast8_t i = 0; i < MW_LIMBS; ++i) {
        wide.part[i] = (mw_limb) value;
        value >>= MW_LIMB_BITS;
    }
    return wide;
}

static void mw_wide_put(const mw_wide *wide, uint32_t *words)
{
    for (uint_fast8_t i = 0; i < 4; ++i) {
#if MW_LONG_PRODUCTS
        words[i] = wide->part[i];
#else
        words[i] = wide->part[2 * i] | (uint32_t) wide->part[2 * i + 1] << 16;
#endif
    }
}

/* V3 = n (n Σd³ - 3 r Σd²) + 2 r³, where the mean is centre + r / n. */
static void mw_third(const mw_powers *powers, int64_t squares, uint16_t n, int32_t rest, uint32_t *words)
{
    mw_wide sum = mw_wide_of(powers->cubes), part;
    mw_wide_times(&sum, n);
    part = mw_wide_of(-3 * rest * squares); /* below 3 * 2^15 * 2^46 */
    mw_wide_add(&sum, &part);
    mw_wide_times(&sum, n);
    part = mw_wide_of(2 * ((int64_t) rest * rest) * rest);
    mw_wide_add(&sum, &part);
    mw_wide_put(&sum, words);
}

/* V4 = n (n (n Σd⁴ - 4 r Σd³) + 6 r² Σd²) - 3 r⁴. */
static void mw_fourth(const mw_powers *powers, int64_t squares, uint16_t n, int32_t rest, uint32_t *words)
{
    const uint16_t size = (uint16_t) (rest < 0 ? -rest : rest);
    const int64_t square = (int64_t) rest * rest;
    mw_wide sum = mw_wide_of((int64_t) powers->high), part = mw_wide_of((int64_t) powers->low);
    mw_wide_times(&sum, UINT16_C(1) << 15);
    mw_wide_times(&sum, UINT16_C(1) << 15);
    mw_wide_times(&sum, 4);
    mw_wide_add(&sum, &part);
    mw_wide_times(&sum, n);
    part = mw_wide_of(rest < 0 ? powers->cubes : -powers->cubes);
    mw_wide_times(&part, size);
    mw_wide_times(&part, 4);
    mw_wide_add(&sum, &part);
    mw_wide_times(&sum, n);
    part = mw_wide_of(6 * squares);
    mw_wide_times(&part, size);
    mw_wide_times(&part, size);
    mw_wide_add(&sum, &part);
    mw_wide_times(&sum, n);
    part = mw_wide_of(-3 * square * square); /* r⁴ <= 2^60 */
    mw_wide_add(&sum, &part);
    mw_wide_put(&sum, words);
}

int mw_shape_of_i16(const mw_view_i16 *x, const mw_sums_i16 *sums, mw_shape_i16 *shape)
{
    const int32_t n = MW_SAMPLES(x, 1);
    uint32_t shifted;
    int32_t centre, rest;
    int64_t squares;
    mw_powers powers;
    if (n < 0 || sums->n != n) {
        return n < 0 ? (int) n : (int) MW_ERROR_LENGTH;
    }
    /* Rounded with 2^15 added to each sample: nothing negative is divided. |rest| <= n / 2. */
    shifted = (uint32_t) sums->sum + ((uint32_t) n << 15) + (uint32_t) n / 2;
    centre = (int32_t) (shifted / (uint32_t) n) - 32768;
    rest = sums->sum - centre * n;
    squares = (int64_t) sums->squares - (int64_t) centre * (2 * (int64_t) sums->sum - centre * n);
    if ((uint64_t) squares < MW_NARROW) {
        mw_powers_of_narrow(x, centre, &powers);
    } else {
        mw_powers_of_wide(x, centre, &powers);
    }
    shape->second = mw_scatter_i16(sums);
    mw_third(&powers, squares, (uint16_t) n, rest, shape->third);
    mw_fourth(&powers, squares, (uint16_t) n, rest, shape->fourth);
    return MW_OK;
}

int mw_shape_of_f32(const mw_view_f32 *x, const mw_sums_f32 *sums, mw_shape_f32 *shape)
{
    const int32_t n = MW_SAMPLES(x, 1);
    const float mean = sums->mean, rest = sums->rest;
    float third = 0.0f, fourth = 0.0f;
    if (n < 0 || sums->n != n) {
        return n < 0 ? (int) n : (int) MW_ERROR_LENGTH;
    }
    MW_EACH_SAMPLE (float, x, at) {
        const float off = *at - mean;
        const float square = off * off;
        third += square * off;
        fourth += square * square;
    }
    /* About the mean as it is, `rest` higher; terms of its square are below a rounding. */
    shape->n = (uint16_t) n;
    shape->second = sums->second;
    shape->third = third - 3.0f * rest * sums->second;
    shape->fourth = fourth - 4.0f * rest * third;
    return MW_OK;
}
