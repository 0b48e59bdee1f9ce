/* SPDX-License-Identifier: MIT */
/** @file
 * Decision trees and forests: packed tables, the walkers that read them, and the sums of leaves.
 *
 * Generated code (`gesture.c`) holds the tables and the public functions `gesture_predict` …;
 * those check their arguments and call what is declared here. Nothing here allocates, keeps
 * state, or writes outside the buffers it is given, so all of it may run in interrupts and in
 * several threads at once.
 *
 * ## The packed table
 *
 * Splits only, in pre-order, trees one after the other. The left child of a split follows it
 * directly; what the split's `link` says depends on which children are leaves:
 *
 * | left  | right | link |
 * |-------|-------|------|
 * | split | split | splits to skip to reach the right child, counted from the left child |
 * | split | leaf  | leaf row of the right child |
 * | leaf  | split | leaf row of the left child; the right child follows directly |
 * | leaf  | leaf  | both leaf rows, half of the bits each; with `pairs`: the left one, and the \
 *                    link-bearing word of the next slot is the right one |
 *
 * A split is a *meta* word and a threshold:
 *
 * - narrow: 16 bits: feature (6) | right is leaf (1) | left is leaf (1) | link (8)
 * - wide:   32 bits: feature (11) | missing goes left (1) | right is leaf (1) | left is leaf (1) | link (18)
 *
 * Narrow int16 models keep both in one 32-bit word, threshold on top, 4 bytes a split; the others
 * keep thresholds in an array of their own. Float thresholds are stored as signed integers with
 * the same order (mw_float_key), so that no floating-point instruction is needed to compare them.
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

/** A forest as packed tables; generated code makes these, in ::MW_FLASH. */
typedef struct mw_trees {
    const void *nodes;      /**< meta words, narrow or wide */
    const void *thresholds; /**< thresholds of the feature type; NULL where `nodes` holds them */
    const void *roots;      /**< first slot of each tree: uint16_t if narrow, else uint32_t */
    const void *values;     /**< leaf rows, n_outputs each: int16_t or int32_t; NULL for votes */
    uint16_t n_trees;       /**< at least 1 */
    uint16_t n_outputs;     /**< classes of a classifier, values of a regressor */
    uint8_t pairs;          /**< 1: two leaf rows take two slots */
} mw_trees;

#define MW_DECLARE_TREES_(suffix, type)                                                        \
    void mw_trees_votes_##suffix(const mw_trees *model, const type *features, uint16_t *sums); \
    void mw_trees_sum16_##suffix(const mw_trees *model, const type *features, int32_t *sums);  \
    void mw_trees_sum32_##suffix(const mw_trees *model, const type *features, int64_t *sums);

/** @name Forests: walk every tree and add up what its leaf says.
 *
 * One function for each feature type, width of the meta word, and kind of leaf:
 *
 * - `mw_trees_votes_…`: each leaf is one class; counts votes.
 * - `mw_trees_sum16_…`: each leaf is a row of int16_t.
 * - `mw_trees_sum32_…`: each leaf is a row of int32_t.
 *
 * @param model    in ::MW_FLASH.
 * @param features as many as the model was made for; the caller has checked.
 * @param sums     `n_outputs` numbers, written over; owned by the caller.
 * @{
 */
MW_DECLARE_TREES_(int8, int8_t)
MW_DECLARE_TREES_(uint8, uint8_t)
MW_DECLARE_TREES_(int16, int16_t)
MW_DECLARE_TREES_(int32, int32_t)
MW_DECLARE_TREES_(float, float)
MW_DECLARE_TREES_(int8_wide, int8_t)
MW_DECLARE_TREES_(uint8_wide, uint8_t)
MW_DECLARE_TREES_(int16_wide, int16_t)
MW_DECLARE_TREES_(int32_wide, int32_t)
MW_DECLARE_TREES_(float_wide, float)
/* Float features of which NaN means "missing", with a direction learnt at every split. */
MW_DECLARE_TREES_(missing_wide, float)
/** @} */

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

/** The votes a class has. */
#define MW_VOTES(votes, index, n_classes)                                                      \
    ((uint8_t) ((MW_VOTE_WORD_(votes, index, n_classes) >> MW_VOTE_SHIFT_(index, n_classes)) & \
                (mw_vote_word) 0x7f))
/** @} */

/** @name Leaf rows in ::MW_FLASH added to sums: for generated if/else code. @{ */
static inline void mw_add_row16(const int16_t *row, uint_fast16_t n, int32_t *sums)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        sums[i] += (int16_t) MW_READ_16(row + i);
    }
}

static inline void mw_add_row32(const int32_t *row, uint_fast16_t n, int64_t *sums)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        sums[i] += (int32_t) MW_READ_32(row + i);
    }
}
/** @} */

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
MW_DEFINE_ARGMAX_(mw_argmax_int64, int64_t)
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
static inline float mw_mean(int64_t sum, int shift, uint_fast16_t n_trees)
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
