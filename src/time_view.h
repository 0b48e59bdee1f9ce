/* SPDX-License-Identifier: MIT */
/** @file
 * Going through views: both parts, one loop.
 */
#ifndef MILLIWATT_TIME_VIEW_H
#define MILLIWATT_TIME_VIEW_H

#include <stddef.h>

#include <milliwatt/status.h>
#include <milliwatt/views.h>

/*
 * `for` every sample: `at` points to it. Two loops, so no `break` in the body. The body is there once: code
 * for the second part would double the flash.
 */
#define MW_EACH_SAMPLE(TYPE, view, at)                                                                       \
    for (uint_fast8_t part_ = (uint_fast8_t) ((view)->n_first == 0); part_ < 2;                              \
         part_ = (uint_fast8_t) ((view)->n_second == 0 ? 2 : part_ + 1))                                     \
        for (const TYPE *                                                                                    \
                 at = part_ == 0 ? (view)->first : (view)->second,                                           \
                *const end_ = at + mw_past((view)->stride, part_ == 0 ? (view)->n_first : (view)->n_second); \
             at != end_; at += (view)->stride)

/* How many numbers a part is long. */
static inline size_t mw_past(uint16_t stride, uint16_t n)
{
    return (size_t) stride * n;
}

/* Samples of both parts, or a negative status. */
static inline int32_t mw_samples(const void *first, uint16_t n_first, uint16_t n_second, uint16_t least)
{
    const uint32_t n = (uint32_t) n_first + n_second;
    if (first == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n < least || n > UINT16_MAX ? (int32_t) MW_ERROR_LENGTH : (int32_t) n;
}

/* 1 where one instruction or two multiply and add to 64 bits. */
#if UINTPTR_MAX > UINT32_MAX
#define MW_LONG_SUMS 1
#elif defined(__arm__) && !(defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1)
#define MW_LONG_SUMS 1
#else
#define MW_LONG_SUMS 0
#endif

/* 1 where products of 64 bits take few instructions. */
#if defined(__AVR__) || defined(__MSP430__) || \
    (defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1 && !defined(__ARM_ARCH_ISA_ARM))
#define MW_LONG_PRODUCTS 0
#else
#define MW_LONG_PRODUCTS 1
#endif

/*
 * A sum of products of less than 32 bits. Where adding 64 bits takes many instructions, halves are summed
 * apart: 65535 of them have 32 bits.
 */
#if MW_LONG_SUMS
typedef struct {
    uint64_t all;
} mw_products;
#define MW_NO_PRODUCTS {0}
#else
typedef struct {
    uint32_t low, high;
} mw_products;
#define MW_NO_PRODUCTS {0, 0}
#endif

static inline void mw_add_product_u16(mw_products *sum, uint16_t a, uint16_t b)
{
#if MW_LONG_SUMS
    sum->all += (uint64_t) a * b;
#else
    const uint32_t product = (uint32_t) a * b;
    sum->low += (uint16_t) product;
    sum->high += product >> 16;
#endif
}

static inline void mw_add_product_i16(mw_products *sum, int16_t a, int16_t b)
{
#if MW_LONG_SUMS
    sum->all += (uint64_t) ((int64_t) a * b);
#else
    const int32_t product = (int32_t) a * b;
    sum->low += (uint16_t) product;
    sum->high += (uint32_t) (product >> 16);
#endif
}

/* The product has to have 31 bits and a sign. */
static inline void mw_add_product_mixed(mw_products *sum, int16_t a, uint16_t b)
{
#if MW_LONG_SUMS
    sum->all += (uint64_t) ((int64_t) a * b);
#else
    const int32_t product = (int32_t) a * (int32_t) b;
    sum->low += (uint16_t) product;
    sum->high += (uint32_t) (product >> 16);
#endif
}

static inline uint64_t mw_sum_of_products(const mw_products *sum)
{
#if MW_LONG_SUMS
    return sum->all;
#else
    return ((uint64_t) sum->high << 16) + sum->low;
#endif
}

static inline int64_t mw_sum_of_signed_products(const mw_products *sum)
{
#if MW_LONG_SUMS
    return (int64_t) sum->all;
#else
    return (int64_t) (int32_t) sum->high * 65536 + sum->low;
#endif
}

#define MW_SAMPLES(view, least) mw_samples((view)->first, (view)->n_first, (view)->n_second, (least))

#endif
