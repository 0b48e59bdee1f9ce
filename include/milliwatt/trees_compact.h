/* SPDX-License-Identifier: MIT */
/** @file
 * The walk through trees that are a stream of bits, made to measure for one model.
 *
 * Generated code (`gesture.c`, method `compact`) defines tables and the parameters below, then includes
 * this file; it defines what <milliwatt/trees_sums.h> says, and takes the parameters away again, so that
 * further models may follow in the same source file. Nothing is checked here: converter and generated code
 * have done that.
 *
 * ## The stream
 *
 * `gesture_trees` holds numbers without gaps between them (<milliwatt/bits.h>), trees one after the other. A
 * tree is its size in bits and its root; a split is
 *
 *     left is leaf, 1 bit | right is leaf, 1 | missing goes left?, 1 | categorical? 1 | feature | threshold
 *
 * where a `?` is there only if the model needs it, and then
 *
 *     two leaves:  the left one, the right one
 *     one leaf:    the leaf, the split on the other side
 *     two splits:  a link, which is the size of the left side in bits; the left side, the right side
 *
 * A link is as wide as the size of the subtree that it stands in needs: that size is known on the way down,
 * so links become shorter towards the leaves and nothing says how wide they are.
 *
 * A threshold is *direct*, the number itself, less the smallest one and without low bits that never
 * change; or *listed*, its number in `gesture_thresholds`; or *ranked*, its number among the thresholds of
 * its feature, of which `gesture_entries` has the first one and, in the lowest five bits, the width of the
 * number. A categorical split's threshold says where in `gesture_sets` its set begins. Float thresholds are
 * integers of the same order (mw_float_key).
 *
 * A leaf is a *number* (a class, a rank, or which row of `gesture_rows`); or a *row* of numbers; or *sparse*:
 * one bit a class, first class lowest, that is set where its share is not zero; then these shares but the
 * last one, which is what they lack of the whole. With `gesture_values` the numbers of shares in that list
 * stand for them.
 *
 * ## Parameters
 *
 *     MW_T_NAME(x)         what tables and functions are called: gesture_##x
 *     MW_T_FEATURE         C type of a feature
 *     MW_T_IS_FLOAT        1 if that is float
 *     MW_T_THRESHOLD       C type of a threshold: the feature's, or int32_t for floats
 *     MW_T_MISSING, MW_T_CATEGORIES    0 or 1: whether there are such flags
 *     MW_T_CATEGORY(x)     a feature as the number of its category
 *     MW_T_POSITION        C type that holds the number of any bit of the stream
 *     MW_T_SIZE_BITS       width of a tree's size, 1 to 25
 *     MW_T_FEATURE_BITS    width of a feature's index, 0 to 21
 *     MW_T_TESTS           MW_T_DIRECT, MW_T_LISTED or MW_T_RANKED
 *     MW_T_CODE_BITS       width of a threshold's code; ranked: the largest one
 *     MW_T_LOWEST, MW_T_SHIFT    direct: a threshold is lowest + (code << shift), as int32_t
 *     MW_T_ENTRY           ranked: 16 or 32, bits of each of `features`
 *     MW_T_LEAVES          MW_T_NUMBERS, MW_T_ROWS or MW_T_SPARSE
 *     MW_T_FIELD_BITS      width of the number, of each number of a row, or of each share
 *     MW_T_VALUES          bits of each of `rows` or `values`; 0: there are none
 *     MW_T_WHOLE           sparse: what shares add up to
 *
 * and those of <milliwatt/trees_sums.h>.
 */
#include <milliwatt/bits.h>
#include <milliwatt/trees_test.h>

#define MW_T_DIRECT 1
#define MW_T_LISTED 2
#define MW_T_RANKED 3

#define MW_T_NUMBERS 1
#define MW_T_ROWS 2
#define MW_T_SPARSE 3

#define MW_T_LEFT_IS_LEAF 1U
#define MW_T_RIGHT_IS_LEAF 2U
#define MW_T_HEAD_BITS (2 + MW_T_MISSING + MW_T_CATEGORIES + MW_T_FEATURE_BITS)

/* Where in the stream something is, or how many bits something takes. */
typedef MW_T_POSITION MW_T_NAME(position);

/* At least MW_WINDOW_BITS bits from bit `at` on. */
static inline uint32_t MW_T_NAME(window)(MW_T_NAME(position) at)
{
    return mw_window(MW_T_NAME(trees) + (size_t) (at >> 3), (uint_fast8_t) (at & 7U));
}

/* `n` bits, 0 to 32, from bit `at` on. */
MW_ALWAYS_INLINE uint32_t MW_T_NAME(bits)(MW_T_NAME(position) at, uint_fast8_t n)
{
    if (n == 0) {
        return 0; /* the stream may end here */
    }
    if (n > MW_WINDOW_BITS) {
        return mw_low_bits(MW_T_NAME(window)(at), 16) |
               mw_low_bits(MW_T_NAME(window)(at + 16U), (uint_fast8_t) (n - 16U)) << 16;
    }
    return mw_low_bits(MW_T_NAME(window)(at), n);
}

/* How many bits the leaf at bit `at` takes. */
MW_ALWAYS_INLINE MW_T_NAME(position) MW_T_NAME(leaf_bits)(MW_T_NAME(position) at)
{
#if MW_T_LEAVES == MW_T_SPARSE
    uint32_t shares = MW_T_NAME(bits)(at, MW_T_WIDTH);
    MW_T_NAME(position) bits = MW_T_WIDTH;
    while ((shares &= shares - 1U) != 0) {
        bits += MW_T_FIELD_BITS;
    }
    return bits;
#elif MW_T_LEAVES == MW_T_ROWS
    (void) at;
    return MW_T_FIELD_BITS * MW_T_WIDTH;
#else
    (void) at;
    return MW_T_FIELD_BITS;
#endif
}

/* Whether a sample goes left at the split at bit `*at`, which moves on to what follows its threshold. */
MW_ALWAYS_INLINE int MW_T_NAME(test)(uint32_t word, MW_T_NAME(position) * at, const MW_T_FEATURE *x)
{
    const uint32_t feature = mw_low_bits(word >> (2 + MW_T_MISSING + MW_T_CATEGORIES), MW_T_FEATURE_BITS);
#if MW_T_TESTS == MW_T_RANKED
    const uint32_t entry = MW_JOIN_(MW_READ_, MW_T_ENTRY)(MW_T_NAME(entries) + feature);
    const uint_fast8_t width = (uint_fast8_t) (entry & 31U);
#else
    const uint_fast8_t width = MW_T_CODE_BITS;
#endif
#if MW_T_HEAD_BITS + MW_T_CODE_BITS <= MW_WINDOW_BITS
    const uint32_t code = mw_low_bits(word >> MW_T_HEAD_BITS, width);
#else
    const uint32_t code = MW_T_NAME(bits)(*at + MW_T_HEAD_BITS, width);
#endif
#if MW_T_TESTS == MW_T_RANKED
    const MW_T_THRESHOLD threshold = MW_T_READ_THRESHOLD(MW_T_NAME(thresholds) + (entry >> 5) + code);
#elif MW_T_TESTS == MW_T_LISTED
    const MW_T_THRESHOLD threshold = MW_T_READ_THRESHOLD(MW_T_NAME(thresholds) + code);
#else
    const MW_T_THRESHOLD threshold =
        (MW_T_THRESHOLD) (int32_t) ((uint32_t) (MW_T_LOWEST) + (code << MW_T_SHIFT));
#endif
    *at += (MW_T_NAME(position))(MW_T_HEAD_BITS + width);
    return MW_T_NAME(goes_left)(x[feature], threshold,
                                MW_T_CATEGORIES && (word >> (2 + MW_T_MISSING) & 1U) != 0,
                                (word >> 2 & 1U) != 0);
}

/* Where the leaf that a sample reaches is, in the tree whose root is at bit `at` and that ends at `end`. */
MW_ALWAYS_INLINE MW_T_NAME(position)
    MW_T_NAME(walk)(MW_T_NAME(position) at, MW_T_NAME(position) end, const MW_T_FEATURE *x)
{
    /* How wide links are, and the highest bit of one that wide: shifts by variables are slow. */
    uint_fast8_t link_bits = MW_T_SIZE_BITS;
    MW_T_NAME(position) highest = (MW_T_NAME(position)) 1 << (MW_T_SIZE_BITS - 1);
    for (;;) {
        const MW_T_NAME(position) size = end - at;
        const uint32_t word = MW_T_NAME(window)(at);
        const int left = MW_T_NAME(test)(word, &at, x);
        const uint_fast8_t leaves = word & (MW_T_LEFT_IS_LEAF | MW_T_RIGHT_IS_LEAF);
        if (leaves == 0) {
            while (size < highest) {
                highest >>= 1;
                --link_bits;
            }
            const MW_T_NAME(position) link =
                (MW_T_NAME(position)) MW_T_NAME(window)(at) & (2U * highest - 1U);
            at += link_bits;
            if (left) {
                end = at + link;
            } else {
                at += link;
            }
        } else if ((leaves & (left ? MW_T_LEFT_IS_LEAF : MW_T_RIGHT_IS_LEAF)) == 0) {
            at += MW_T_NAME(leaf_bits)(at);
        } else {
            return left || leaves == MW_T_RIGHT_IS_LEAF ? at : at + MW_T_NAME(leaf_bits)(at);
        }
    }
}

/* Where the next tree begins. */
typedef struct {
    MW_T_NAME(position) at;
} MW_T_NAME(place);

MW_ALWAYS_INLINE MW_T_NAME(place) MW_T_NAME(first_place)(void)
{
    MW_T_NAME(place) place;
    place.at = 0;
    return place;
}

/* Where the leaf that a sample reaches in the tree at `place` is; `place` moves on to the next tree. */
MW_ALWAYS_INLINE MW_T_NAME(position) MW_T_NAME(next_leaf)(MW_T_NAME(place) * place, const MW_T_FEATURE *x)
{
    const MW_T_NAME(position) root = place->at + MW_T_SIZE_BITS;
    place->at = root + (MW_T_NAME(position)) MW_T_NAME(bits)(place->at, MW_T_SIZE_BITS);
    return MW_T_NAME(walk)(root, place->at, x);
}

#if MW_T_LEAVES == MW_T_NUMBERS
MW_ALWAYS_INLINE uint32_t MW_T_NAME(leaf_number)(MW_T_NAME(position) at)
{
    return MW_T_NAME(bits)(at, MW_T_FIELD_BITS);
}
#endif

#if !MW_T_VOTES && !defined(MW_T_MEDIAN)
MW_ALWAYS_INLINE void MW_T_NAME(add_leaf)(MW_T_NAME(position) at, MW_T_SUM *sums)
{
#if MW_T_LEAVES == MW_T_NUMBERS
    const MW_JOIN_(MW_JOIN_(uint, MW_T_VALUES), _t) *row =
        MW_T_NAME(rows) + (size_t) MW_T_NAME(leaf_number)(at) * MW_T_WIDTH;
    for (uint_fast16_t i = 0; i < MW_T_WIDTH; ++i) {
        sums[i] += (MW_T_SUM) MW_JOIN_(MW_READ_, MW_T_VALUES)(row + i);
    }
#elif MW_T_LEAVES == MW_T_ROWS
    for (uint_fast16_t i = 0; i < MW_T_WIDTH; ++i) {
        sums[i] += (MW_T_SUM) MW_T_NAME(bits)(at, MW_T_FIELD_BITS);
        at += MW_T_FIELD_BITS;
    }
#else
    uint32_t shares = MW_T_NAME(bits)(at, MW_T_WIDTH);
    MW_T_SUM rest = MW_T_WHOLE;
    at += MW_T_WIDTH;
    for (; shares != 1U; shares >>= 1) {
        if ((shares & 1U) != 0) {
            const uint32_t code = MW_T_NAME(bits)(at, MW_T_FIELD_BITS);
#if MW_T_VALUES
            const MW_T_SUM share = (MW_T_SUM) MW_JOIN_(MW_READ_, MW_T_VALUES)(MW_T_NAME(values) + code);
#else
            const MW_T_SUM share = (MW_T_SUM) code;
#endif
            at += MW_T_FIELD_BITS;
            rest -= share;
            *sums += share;
        }
        ++sums;
    }
    *sums += rest;
#endif
}
#endif

#include <milliwatt/trees_sums.h>

#undef MW_T_DIRECT
#undef MW_T_LISTED
#undef MW_T_RANKED
#undef MW_T_NUMBERS
#undef MW_T_ROWS
#undef MW_T_SPARSE
#undef MW_T_LEFT_IS_LEAF
#undef MW_T_RIGHT_IS_LEAF
#undef MW_T_HEAD_BITS
#undef MW_T_SIZE_BITS
#undef MW_T_FEATURE_BITS
#undef MW_T_TESTS
#undef MW_T_CODE_BITS
#undef MW_T_LOWEST
#undef MW_T_SHIFT
#undef MW_T_ENTRY
#undef MW_T_LEAVES
#undef MW_T_FIELD_BITS
#undef MW_T_VALUES
#undef MW_T_WHOLE
#undef MW_T_POSITION
