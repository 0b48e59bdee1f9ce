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

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <milliwatt/config.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mw_trees mw_trees;

/**
 * Walks one tree.
 *
 * @param model    the model, in RAM or readable like RAM.
 * @param features as many values of the walker's type as the model has features.
 * @param root     slot of the tree's first split.
 * @return the row of the leaf that was reached.
 */
typedef uint32_t (*mw_trees_walk)(const mw_trees *model, const void *features, uint32_t root);

/** A forest as packed tables; generated code makes these, in flash. */
struct mw_trees {
    mw_trees_walk walk;     /**< reads `nodes` and `thresholds` */
    const void *nodes;      /**< meta words, narrow or wide */
    const void *thresholds; /**< thresholds of the feature type; NULL where `nodes` holds them */
    const void *roots;      /**< first slot of each tree: uint16_t if narrow, else uint32_t */
    const void *values;     /**< leaf rows, n_outputs each: int16_t or int32_t; NULL for votes */
    uint16_t n_trees;
    uint16_t n_outputs; /**< classes of a classifier, values of a regressor */
    uint8_t wide;       /**< 1: wide meta words and roots */
    uint8_t pairs;      /**< 1: two leaf rows take two slots */
};

/** @name Walkers: one per feature type and width of the meta word. @{ */
uint32_t mw_trees_walk_int8(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_uint8(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_int16(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_int32(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_float(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_int8_wide(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_uint8_wide(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_int16_wide(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_int32_wide(const mw_trees *model, const void *features, uint32_t root);
uint32_t mw_trees_walk_float_wide(const mw_trees *model, const void *features, uint32_t root);
/** Float features of which NaN means "missing", with a direction learnt at every split. */
uint32_t mw_trees_walk_missing_wide(const mw_trees *model, const void *features, uint32_t root);
/** @} */

/** @name Forests: walk every tree and add up what its leaf says.
 * @param model    in ::MW_FLASH.
 * @param features of the walker's type; their number has been checked by the caller.
 * @param sums     `n_outputs` numbers, written over; owned by the caller.
 * @{
 */
/** Each leaf is one class: counts votes. */
void mw_trees_votes(const mw_trees *model, const void *features, uint16_t *sums);
/** Each leaf is a row of int16_t. */
void mw_trees_sum16(const mw_trees *model, const void *features, int32_t *sums);
/** Each leaf is a row of int32_t. */
void mw_trees_sum32(const mw_trees *model, const void *features, int64_t *sums);
/** @} */

/** The bits of a float. */
static inline uint32_t mw_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/** A signed integer that orders as floats do (-0 comes just before +0). */
static inline int32_t mw_float_key(float x)
{
    const uint32_t bits = mw_float_bits(x);
    const uint32_t key = bits ^ ((0U - (bits >> 31)) >> 1);
    int32_t signed_key;
    memcpy(&signed_key, &key, sizeof signed_key);
    return signed_key;
}

/** 1 if x is NaN; stays right under -ffast-math. */
static inline int mw_is_nan(float x)
{
    return (mw_float_bits(x) & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
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
        for (uint_fast16_t i = 1; i < n; ++i) {                 \
            if (values[i] > values[best]) {                     \
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
 * The sum is rounded to float32 once and the division rounds once more; the scaling is exact.
 *
 * @param shift   -127 to 126.
 * @param n_trees 1 to 65535.
 */
static inline float mw_mean(int64_t sum, int shift, uint_fast16_t n_trees)
{
    const uint32_t bits = (uint32_t) (127 - shift) << 23; /* 2^-shift, without libm */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return (float) sum * scale / (float) n_trees;
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

/** 1 if one of `n` floats is NaN, else 0. Integer instructions only. */
static inline int mw_has_nan(const float *values, uint_fast16_t n)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        if (mw_is_nan(values[i])) {
            return 1;
        }
    }
    return 0;
}

#ifdef __cplusplus
}
#endif

#endif
