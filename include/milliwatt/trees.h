/* SPDX-License-Identifier: MIT */
/** @file
 * Decision trees and forests: what generated code needs to compare features, to add up leaves and to
 * decide.
 *
 * Generated code (`gesture.c`) holds tables or if/else, and the public functions `gesture_predict` …;
 * those check their arguments and call what is declared here. Nothing here allocates, keeps
 * state, or writes outside the buffers it is given, so all of it may run in interrupts and in
 * several threads at once. The walk through packed tables is in <milliwatt/trees_walk.h>.
 */
#ifndef MILLIWATT_TREES_H
#define MILLIWATT_TREES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <milliwatt/config.h>
#include <milliwatt/nan.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_JOIN_2_(a, b) a##b
#define MW_JOIN_(a, b) MW_JOIN_2_(a, b)

#if defined(__GNUC__)
#define MW_ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define MW_ALWAYS_INLINE static inline
#endif

/** Says nothing, but keeps gcc from computing an address anew that a load has just stepped on. */
#if defined(__GNUC__) && defined(__arm__)
#define MW_HIDE(pointer) __asm__("" : "+r"(pointer))
#else
#define MW_HIDE(pointer) ((void) 0)
#endif

/** A signed integer that orders as floats do (-0 comes just before +0). */
static inline int32_t mw_float_key(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const uint32_t key = bits ^ ((0U - (bits >> 31)) >> 1);
    int32_t signed_key;
    memcpy(&signed_key, &key, sizeof signed_key);
    return signed_key;
}

/** `x <= t` for a t >= +0 given by its bits: one integer comparison. NaN with sign bit clear: 0. */
static inline int mw_float_le_positive(float x, int32_t t_bits)
{
    const uint32_t bits = mw_float_bits(x);
    int32_t signed_bits;
    memcpy(&signed_bits, &bits, sizeof signed_bits);
    return signed_bits <= t_bits;
}

/** `x <= t` for a t < 0 given by its bits: one integer comparison. NaN with sign bit clear: 0. */
static inline int mw_float_le_negative(float x, uint32_t t_bits)
{
    return mw_float_bits(x) >= t_bits;
}

/** Reads a float out of a ::MW_FLASH table. */
static inline float mw_read_float(const float *address)
{
    const uint32_t bits = MW_READ_32(address);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/**
 * An address the compiler does not trace back to the array it came from. Cores that address only a
 * few bytes beyond a register (Thumb-1, AVR) take the long way for `x[40]`, but the short one for
 * `MW_NEAR(x + 32)[8]`.
 */
#if defined(__GNUC__) && ((defined(__thumb__) && !defined(__thumb2__)) || defined(__AVR__))
#define MW_NEAR(address)                       \
    (__extension__({                           \
        __typeof__(address) near_ = (address); \
        __asm__("" : "+r"(near_));             \
        near_;                                 \
    }))
#else
#define MW_NEAR(address) (address)
#endif

/** @name Votes counted in registers: for generated if/else code.
 *
 * Counters of a fixed number of classes that compilers keep out of memory, so that a vote is one
 * addition of a small constant: bytes on 8- and 16-bit CPUs, else up to four words that share the
 * classes, MW_VOTE_BITS a class. Class indices must be constants below `n_classes`.
 * @{
 */
#define MW_VOTE_TREES 127 /**< most trees */
#define MW_VOTE_CLASSES 8 /**< most classes */
#define MW_VOTE_BITS 7
#if UINT_MAX > 0xffffU
typedef uint32_t mw_vote_word;
#define MW_VOTE_WORDS(n_classes) ((n_classes) < 4 ? (n_classes) : 4)
#else
typedef uint8_t mw_vote_word;
#define MW_VOTE_WORDS(n_classes) (n_classes)
#endif
#define MW_VOTE_WORD_(votes, index, n_classes) ((votes).words[(index) % MW_VOTE_WORDS(n_classes)])
#define MW_VOTE_SHIFT_(index, n_classes) (MW_VOTE_BITS * ((index) / MW_VOTE_WORDS(n_classes)))

/** One vote more for a class, in a struct whose member is `mw_vote_word words[MW_VOTE_WORDS(n_classes)]`. */
#define MW_VOTE(votes, index, n_classes)                          \
    (MW_VOTE_WORD_(votes, index, n_classes) =                     \
         (mw_vote_word) (MW_VOTE_WORD_(votes, index, n_classes) + \
                         ((mw_vote_word) 1 << MW_VOTE_SHIFT_(index, n_classes))))

/** All words of the counters in one: for a look at the highest bits of all of them. */
#define MW_VOTE_OR_(votes, i, n_classes) \
    ((i) < MW_VOTE_WORDS(n_classes) ? (votes).words[(i) < MW_VOTE_WORDS(n_classes) ? (i) : 0] : 0U)
#define MW_VOTE_ANY(votes, n_classes)                                      \
    (MW_VOTE_OR_(votes, 0, n_classes) | MW_VOTE_OR_(votes, 1, n_classes) | \
     MW_VOTE_OR_(votes, 2, n_classes) | MW_VOTE_OR_(votes, 3, n_classes) | \
     MW_VOTE_OR_(votes, 4, n_classes) | MW_VOTE_OR_(votes, 5, n_classes) | \
     MW_VOTE_OR_(votes, 6, n_classes) | MW_VOTE_OR_(votes, 7, n_classes))

/**
 * The highest bit of every counter. A counter that starts at `MW_VOTE_HALF - enough` has it set when the
 * class has `enough` votes.
 */
#define MW_VOTE_HALF 64
#if UINT_MAX > 0xffffU
#define MW_VOTE_FLAGS ((mw_vote_word) 0x2040)
#else
#define MW_VOTE_FLAGS ((mw_vote_word) 0x40)
#endif

/** Every counter of a word at a number of votes. */
#define MW_VOTE_START(count) ((mw_vote_word) ((mw_vote_word) (count) * (UINT_MAX > 0xffffU ? 0x81U : 1U)))

/** Whether a class's counter has its highest bit set. */
#define MW_VOTE_HAS_ENOUGH(votes, index, n_classes) \
    ((MW_VOTE_WORD_(votes, index, n_classes) &      \
      (mw_vote_word) ((mw_vote_word) MW_VOTE_HALF << MW_VOTE_SHIFT_(index, n_classes))) != 0)

/** The votes a class has. */
#define MW_VOTES(votes, index, n_classes)                                                      \
    ((uint8_t) ((MW_VOTE_WORD_(votes, index, n_classes) >> MW_VOTE_SHIFT_(index, n_classes)) & \
                (mw_vote_word) 0x7f))
/** @} */

/** @name Leaf rows in ::MW_FLASH added to sums: for generated if/else code. @{ */
#define MW_DEFINE_ADD_ROW_(bits)                                                                   \
    static inline void mw_add_row##bits(const uint##bits##_t *row, uint_fast16_t n, int32_t *sums) \
    {                                                                                              \
        for (uint_fast16_t i = 0; i < n; ++i) {                                                    \
            sums[i] += (int32_t) MW_READ_##bits(row + i);                                          \
        }                                                                                          \
    }
MW_DEFINE_ADD_ROW_(8)
MW_DEFINE_ADD_ROW_(16)
MW_DEFINE_ADD_ROW_(32)
/** @} */

/** What is left of `total` after `n` sums. */
static inline int32_t mw_rest(const int32_t *sums, uint_fast16_t n, int32_t total)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        total -= sums[i];
    }
    return total;
}

/** By how much the largest of `n` >= 2 sums, all >= 0, is larger than the second largest. */
static inline int32_t mw_lead(const int32_t *sums, uint_fast16_t n)
{
    int32_t best = 0;
    int32_t second = 0;
    for (uint_fast16_t i = 0; i < n; ++i) {
        const int32_t sum = sums[i];
        if (sum > second) {
            second = sum;
            if (sum > best) {
                second = best;
                best = sum;
            }
        }
    }
    return best - second;
}

/**
 * 1 if a sum that two classes depend on is decided, whatever comes; then it is set to the smallest or the
 * largest number, so that it stays so.
 *
 * @param low  up to this the sum will stay too small.
 * @param high above this it will be large enough.
 */
static inline int mw_decided(int32_t *sum, int32_t low, int32_t high)
{
    if (*sum <= low) {
        *sum = INT32_MIN;
        return 1;
    }
    if (*sum > high) {
        *sum = INT32_MAX;
        return 1;
    }
    return 0;
}

/** @name A feature as the number of its category; what is none becomes 0xffffffff. @{ */
static inline uint32_t mw_category_of_float(float x)
{
    return x > -1.0f && x < 65536.0f ? (uint32_t) (int32_t) x : UINT32_C(0xffffffff);
}

static inline uint32_t mw_category_of_int(int32_t x)
{
    return (uint32_t) x;
}
/** @} */

/**
 * 1 if a set takes a category.
 *
 * @param set in ::MW_FLASH: 16 bits, low byte first: the number of bytes of bits, and on top 1 if the set
 * takes what is not in it; then the bits, lowest category first.
 */
static inline int mw_in_set(const uint8_t *set, uint32_t category)
{
    const uint_fast8_t high = MW_READ_8(set + 1);
    const uint_fast16_t n_bytes = (uint_fast16_t) (MW_READ_8(set) | (high & 0x7fU) << 8);
    const int inverted = high > 0x7fU;
    if (category >> 3 >= n_bytes) {
        return inverted;
    }
    return (((uint32_t) MW_READ_8(set + 2 + (category >> 3)) >> (category & 7U)) & 1U) != (uint32_t) inverted;
}

/**
 * The weighted median of `n` >= 1 ranks: the smallest one such that ranks up to it have at least half of
 * all weight.
 *
 * @param weights in ::MW_FLASH; their sum is below 2^31.
 * @param total   their sum.
 */
static inline uint32_t mw_weighted_median(const uint32_t *ranks, const uint32_t *weights, uint_fast16_t n,
                                          uint32_t total)
{
    uint32_t below = 0; /* built from the highest bit: ranks below it have less than half */
    for (uint32_t bit = UINT32_C(1) << 23; bit != 0; bit >>= 1) {
        uint32_t weight = 0;
        for (uint_fast16_t i = 0; i < n; ++i) {
            if (ranks[i] < (below | bit)) {
                weight += MW_READ_32(weights + i);
            }
        }
        if (2U * weight < total) {
            below |= bit;
        }
    }
    return below;
}

#define MW_DEFINE_ARGMAX_(name, type)                           \
    static inline int name(const type *values, uint_fast16_t n) \
    {                                                           \
        uint_fast16_t best = 0;                                 \
        type most = values[0];                                  \
        for (uint_fast16_t i = 1; i < n; ++i) {                 \
            if (values[i] > most) {                             \
                most = values[i];                               \
                best = i;                                       \
            }                                                   \
        }                                                       \
        return (int) best;                                      \
    }

/** @name The index of the largest of `n` >= 1 numbers, the lowest index among equals. @{ */
MW_DEFINE_ARGMAX_(mw_argmax_uint8, uint8_t)
MW_DEFINE_ARGMAX_(mw_argmax_uint16, uint16_t)
MW_DEFINE_ARGMAX_(mw_argmax_int32, int32_t)
/** @} */

/**
 * A sum of fixed-point leaves as a float: `sum * 2^-shift / n_trees`.
 *
 * The sum is rounded to float32 once and the division rounds once more; the scaling is exact, unless
 * the result is denormal.
 *
 * @param shift   -127 to 126.
 * @param n_trees 1 to 65535.
 */
static inline float mw_mean(int32_t sum, int shift, uint_fast16_t n_trees)
{
    const uint32_t bits = (uint32_t) (127 - shift) << 23; /* 2^-shift, without libm */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return (float) sum / (float) n_trees * scale; /* divided first: the sum alone may exceed a float */
}

/**
 * A real-valued feature as the integer the model was converted for: `round(x * scale)`, halves away
 * from zero, saturated to `low..high`; NaN becomes `low`.
 */
static inline int32_t mw_quantize(float x, float scale, int32_t low, int32_t high)
{
    const float scaled = x * scale;
    /* Negated comparisons, so that NaN lands in the first branch. */
    if (!(scaled > (float) low)) {
        return low;
    }
    if (!(scaled < (float) high)) {
        return high;
    }
    const int32_t whole = (int32_t) scaled;
    const float rest = scaled - (float) whole; /* exact: both are close to each other */
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

#ifdef __cplusplus
}
#endif

#endif
