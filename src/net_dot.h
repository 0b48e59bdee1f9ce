/* SPDX-License-Identifier: MIT */
/** @file
 * Inner loops of layers of integers: four sums of products at once. arch/ has the same for other CPUs.
 *
 * Weights of fully connected and convolutional layers are stored plus 128, so that they are read unsigned:
 * Thumb-1 has no short form of a signed byte load. `128 * Σ x` is taken off again, which takes one addition
 * an input instead of one an input and output. All sums are modulo 2^32, and right because the final one
 * fits.
 */
#ifndef MILLIWATT_NET_DOT_H
#define MILLIWATT_NET_DOT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <milliwatt/config.h>

/* Keeps gcc from regrouping sums, for which it would run out of registers. */
#if defined(__GNUC__)
#define MW_KEEP_SUM(sum) __asm__("" : "+r"(sum))
#else
#define MW_KEEP_SUM(sum) ((void) 0)
#endif

/* Four sums, which compilers can keep in registers. */
typedef struct {
    uint32_t a, b, c, d;
} mw_sums_4;

/*
 * mw_sum_*: the sum of the numbers from x up to `end`, a multiple of four and at least four of them.
 * mw_dot_4_*: adds the products of such numbers with the weights of four outputs, and moves `*weights` on to
 * what comes after those. mw_each_4_*: adds the products of four numbers with a weight each, here as they
 * are, to a sum each, and goes on `step` numbers further, up to `end`; moves `*weights` on.
 */
/* Helium loads words from multiples of four only, where MW_ALIGNED_4 puts weights. */
#if defined(__ARM_FEATURE_MVE) && defined(__ARM_FEATURE_SIMD32) && MW_UNALIGNED && defined(__GNUC__)
#define MW_HELIUM 1
#include "arch/net_dot_helium.h"
#else
#define MW_HELIUM 0
#endif

#if defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__) && defined(__OPTIMIZE__) && MW_UNALIGNED
#include "arch/net_dot_armv7em.h"
#else

/* The products of a byte and a weight fit into the 16 bits of an `unsigned int` of AVR. */
#define MW_BYTE_PRODUCT_(value, weight) ((uint32_t) ((value) * (uint_fast16_t) (weight)))
#define MW_WORD_PRODUCT_(value, weight) ((uint32_t) ((int32_t) (value) * (int32_t) (weight)))

#define MW_DOT_STEP_(product, type, at, i)                        \
    do {                                                          \
        const type value = x[i];                                  \
        sums.a += product(value, MW_READ_8(weights + (at)));      \
        sums.b += product(value, MW_READ_8(weights + 4 + (at)));  \
        sums.c += product(value, MW_READ_8(weights + 8 + (at)));  \
        sums.d += product(value, MW_READ_8(weights + 12 + (at))); \
        MW_KEEP_SUM(sums.a);                                      \
        MW_KEEP_SUM(sums.b);                                      \
        MW_KEEP_SUM(sums.c);                                      \
        MW_KEEP_SUM(sums.d);                                      \
    } while (0)

#if !MW_HELIUM
static inline uint32_t mw_sum_u8(const uint8_t *x, const uint8_t *end)
{
    uint32_t sum = 0;
    do {
        sum += x[0];
        sum += x[1];
        sum += x[2];
        sum += x[3];
        x += 4;
    } while (x != end);
    return sum;
}

static inline mw_sums_4 mw_dot_4_u8(mw_sums_4 sums, const uint8_t **from, const uint8_t *x,
                                    const uint8_t *end)
{
    const uint8_t *weights = *from;
    do {
        MW_DOT_STEP_(MW_BYTE_PRODUCT_, uint_fast16_t, 0, 0);
        MW_DOT_STEP_(MW_BYTE_PRODUCT_, uint_fast16_t, 1, 1);
        MW_DOT_STEP_(MW_BYTE_PRODUCT_, uint_fast16_t, 2, 2);
        MW_DOT_STEP_(MW_BYTE_PRODUCT_, uint_fast16_t, 3, 3);
        x += 4;
        weights += 16;
    } while (x != end);
    *from = weights;
    return sums;
}
#endif

static inline uint32_t mw_sum_i16(const int16_t *x, const int16_t *end)
{
    uint32_t sum = 0;
    do {
        const int32_t first = x[0] + (int32_t) x[1];
        const int32_t second = x[2] + (int32_t) x[3];
        sum += (uint32_t) (first + second);
        x += 4;
    } while (x != end);
    return sum;
}

/* Weights lie in the order of inputs 0, 2, 1, 3: see arch/net_dot_armv7em.h. */
static inline mw_sums_4 mw_dot_4_i16(mw_sums_4 sums, const uint8_t **from, const int16_t *x,
                                     const int16_t *end)
{
    const uint8_t *weights = *from;
    do {
        MW_DOT_STEP_(MW_WORD_PRODUCT_, int32_t, 0, 0);
        MW_DOT_STEP_(MW_WORD_PRODUCT_, int32_t, 1, 2);
        MW_DOT_STEP_(MW_WORD_PRODUCT_, int32_t, 2, 1);
        MW_DOT_STEP_(MW_WORD_PRODUCT_, int32_t, 3, 3);
        x += 4;
        weights += 16;
    } while (x != end);
    *from = weights;
    return sums;
}

#undef MW_DOT_STEP_

#define MW_SIGNED_(address) ((int8_t) MW_READ_8(address))
#define MW_SIGNED_BYTE_PRODUCT_(value, weight) ((uint32_t) (int32_t) ((int_fast16_t) (value) * (weight)))
#define MW_DEFINE_EACH_(family, type, product)                                                     \
    static inline mw_sums_4 mw_each_4_##family(mw_sums_4 sums, const int8_t **from, const type *x, \
                                               const type *end, size_t step)                       \
    {                                                                                              \
        const int8_t *weights = *from;                                                             \
        do {                                                                                       \
            sums.a += product(x[0], MW_SIGNED_(weights));                                          \
            MW_KEEP_SUM(sums.a);                                                                   \
            sums.b += product(x[1], MW_SIGNED_(weights + 1));                                      \
            MW_KEEP_SUM(sums.b);                                                                   \
            sums.c += product(x[2], MW_SIGNED_(weights + 2));                                      \
            MW_KEEP_SUM(sums.c);                                                                   \
            sums.d += product(x[3], MW_SIGNED_(weights + 3));                                      \
            MW_KEEP_SUM(sums.d);                                                                   \
            x += step;                                                                             \
            weights += 4;                                                                          \
        } while (x != end);                                                                        \
        *from = weights;                                                                           \
        return sums;                                                                               \
    }
MW_DEFINE_EACH_(u8, uint8_t, MW_SIGNED_BYTE_PRODUCT_)
MW_DEFINE_EACH_(i16, int16_t, MW_WORD_PRODUCT_)
#undef MW_DEFINE_EACH_

#endif

#endif
