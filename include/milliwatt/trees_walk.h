/* SPDX-License-Identifier: MIT */
/** @file
 * The walk through packed trees, made to measure for one model.
 *
 * Generated code (`gesture.c`, method `loadable`) defines tables and the parameters below, then includes
 * this file, which defines
 *
 *     static int gesture_count_votes(const T *x, S *sums, S enough);           votes
 *     static void gesture_add_trees(const T *x, int32_t *sums, int early);     rows
 *     static void gesture_add_trees(const T *x, uint32_t *ranks);              medians
 *
 * and takes the parameters away again, so that further models may follow in the same source file. Nothing
 * is checked here: converter and generated code have done that.
 *
 * ## The packed table
 *
 * Splits only, in pre-order, trees one after the other: a split's left child follows it directly, unless
 * that is a leaf; then its right child does. A split is a *meta word* and a threshold. Meta word,
 * 16 or 32 bits, from the top:
 *
 *     feature | categorical? | missing goes left? | right is leaf | left is leaf | link
 *
 * A `?` is a flag that only models which need it have. The link says how many slots to skip to reach the
 * right child, counted from the slot after the split. With *far* links, the sixteen highest values say
 * instead how many slots (1 to 16) in front of the split the true link stands, in a slot of its own.
 *
 * Leaves are *folded* into the links: where one child is a leaf, the link is its row; where both are, the
 * left one's row is in the upper half of the link's bits and the right one's in the lower. Or
 * leaves are *counted*: the leaf that a sample reaches has the number of its tree's first leaf, plus
 * the link + 1 for every step to the right. A tree's first leaf comes one number after the last slot of
 * the tree before.
 *
 * Thresholds are an array beside the words; or *joined*: the upper half of 32-bit words whose lower half is
 * the meta word (int16); or *coded*: one byte a slot that says which one of up to 256 thresholds. Float
 * thresholds are integers of the same order (mw_float_key). A categorical split's threshold says where in
 * `gesture_sets` its set begins.
 *
 * ## Parameters
 *
 *     MW_T_NAME(x)         what tables and functions are called: gesture_##x
 *     MW_T_FEATURE         C type of a feature
 *     MW_T_IS_FLOAT        1 if that is float
 *     MW_T_THRESHOLD       C type of a threshold: the feature's, or int32_t for floats
 *     MW_T_THRESHOLDS      MW_T_JOINED, MW_T_CODED or MW_T_BESIDE
 *     MW_T_WORD            16 or 32: bits of a meta word
 *     MW_T_FEATURE_SHIFT   how far the feature is up in it
 *     MW_T_LINK_BITS       width of the link
 *     MW_T_MISSING, MW_T_CATEGORIES, MW_T_FAR, MW_T_FOLDED    0 or 1
 *     MW_T_FIRST           slot of the first tree's root
 *     MW_T_TREES           number of trees
 *     MW_T_SIZE            bits of each of `sizes`: slots from one root to the next
 *     MW_T_LEAF            counted leaves: bits of each of `leaves`, which gives the row; 0: there is none
 *     MW_T_ROW             0 for votes, else bits of a number in `rows`
 *
 * and those of <milliwatt/trees_sums.h>.
 */
#include <milliwatt/trees_test.h>

#define MW_T_JOINED 1
#define MW_T_CODED 2
#define MW_T_BESIDE 3

#if MW_T_THRESHOLDS == MW_T_JOINED
typedef uint32_t MW_T_NAME(word);
#define MW_T_READ(address) MW_READ_32(address)
#elif MW_T_WORD == 32
typedef uint32_t MW_T_NAME(word);
#define MW_T_READ(address) MW_READ_32(address)
#else
typedef uint16_t MW_T_NAME(word);
#define MW_T_READ(address) MW_READ_16(address)
#endif

#define MW_T_BIT(n) (UINT32_C(1) << (n))
#define MW_T_LINK_MASK (MW_T_BIT(MW_T_LINK_BITS) - 1U)
#define MW_T_FIRST_FAR (MW_T_BIT(MW_T_LINK_BITS) - 16U)
#if MW_T_LINK_BITS == 8
#define MW_T_LINK(word) ((uint8_t) (word))
#else
#define MW_T_LINK(word) ((word) & MW_T_LINK_MASK)
#endif
#if MW_T_WORD == 32
#define MW_T_FEATURE_OF(word) ((word) >> MW_T_FEATURE_SHIFT)
#elif MW_T_FEATURE_SHIFT >= 8
/* By way of a byte: 8-bit CPUs then need no shift across bytes. */
#define MW_T_FEATURE_OF(word) ((uint8_t) ((word) >> 8) >> (MW_T_FEATURE_SHIFT - 8))
#else
#define MW_T_FEATURE_OF(word) ((uint16_t) (word) >> MW_T_FEATURE_SHIFT)
#endif

/* Flags are tested where they are, except that 8-bit CPUs first take the byte they are in. */
#if defined(__AVR__) && MW_T_WORD == 16 && MW_T_LINK_BITS == 8
typedef uint8_t MW_T_NAME(flags);
#define MW_T_FLAGS(word) ((uint8_t) ((word) >> 8))
#define MW_T_FLAG(n) (1U << (n))
#else
typedef uint32_t MW_T_NAME(flags);
#define MW_T_FLAGS(word) (word)
#define MW_T_FLAG(n) MW_T_BIT(MW_T_LINK_BITS + (n))
#endif
#define MW_T_LEFT_IS_LEAF MW_T_FLAG(0)
#define MW_T_RIGHT_IS_LEAF MW_T_FLAG(1)
#define MW_T_MISSING_LEFT MW_T_FLAG(2)
#define MW_T_CATEGORICAL MW_T_FLAG(2 + MW_T_MISSING)

#if MW_T_FOLDED
typedef uint_fast16_t MW_T_NAME(leaf); /* a row */
#else
typedef uint32_t MW_T_NAME(leaf); /* a number, from which the row follows */
#endif

#if MW_T_THRESHOLDS == MW_T_JOINED
#define MW_T_THRESHOLD_AT(word, at) ((MW_T_THRESHOLD) ((word) >> 16))
#elif MW_T_THRESHOLDS == MW_T_CODED
#define MW_T_THRESHOLD_AT(word, at) MW_T_READ_THRESHOLD(MW_T_NAME(thresholds) + MW_READ_8(at))
typedef uint8_t MW_T_NAME(beside);
#define MW_T_BESIDE_TABLE MW_T_NAME(codes)
#else
#define MW_T_THRESHOLD_AT(word, at) MW_T_READ_THRESHOLD(at)
typedef MW_T_THRESHOLD MW_T_NAME(beside);
#define MW_T_BESIDE_TABLE MW_T_NAME(thresholds)
#endif
/* The leaf that a sample reaches in the tree whose root is `node`. */
MW_ALWAYS_INLINE MW_T_NAME(leaf) MW_T_NAME(walk)(const MW_T_NAME(word) * node,
#if MW_T_THRESHOLDS != MW_T_JOINED
                                                 const MW_T_NAME(beside) * beside,
#endif
#if !MW_T_FOLDED
                                                 MW_T_NAME(leaf) leaf,
#endif
                                                 const MW_T_FEATURE *x)
{
    for (;;) {
        const MW_T_NAME(word) word = MW_T_READ(node);
        const MW_T_NAME(flags) flags = MW_T_FLAGS(word);
        const MW_T_FEATURE value = x[MW_T_FEATURE_OF(word)];
        const MW_T_THRESHOLD threshold = MW_T_THRESHOLD_AT(word, beside);
        const int left =
            MW_T_NAME(goes_left)(value, threshold, MW_T_CATEGORIES && (flags & MW_T_CATEGORICAL) != 0,
                                 MW_T_MISSING && (flags & MW_T_MISSING_LEFT) != 0);
        ++node;
        MW_HIDE(node);
#if MW_T_THRESHOLDS != MW_T_JOINED
        ++beside;
#endif
        if (left) {
            if ((flags & MW_T_LEFT_IS_LEAF) != 0) {
#if MW_T_FOLDED
                const MW_T_NAME(leaf) row = MW_T_LINK(word);
                return (flags & MW_T_RIGHT_IS_LEAF) != 0 ? row >> (MW_T_LINK_BITS / 2) : row;
#else
                return leaf;
#endif
            }
        } else {
#if MW_T_FOLDED
            if ((flags & MW_T_RIGHT_IS_LEAF) != 0) {
                const MW_T_NAME(leaf) row = MW_T_LINK(word);
                return (flags & MW_T_LEFT_IS_LEAF) != 0 ? row & (MW_T_BIT(MW_T_LINK_BITS / 2) - 1U) : row;
            }
            if ((flags & MW_T_LEFT_IS_LEAF) != 0) {
                continue; /* the right child follows directly */
            }
#endif
            uint_fast32_t link = MW_T_LINK(word);
#if MW_T_FAR
            if (link >= MW_T_FIRST_FAR) {
                link = (uint16_t) MW_T_READ(node - 2 - (link - MW_T_FIRST_FAR));
            }
#endif
#if !MW_T_FOLDED
            leaf += (MW_T_NAME(leaf))(link + 1U);
            if ((flags & MW_T_RIGHT_IS_LEAF) != 0) {
                return leaf;
            }
#endif
            node += link;
#if MW_T_THRESHOLDS != MW_T_JOINED
            beside += link;
#endif
        }
    }
}

/* Where in the tables a tree begins. */
typedef struct {
    const MW_T_NAME(word) * node;
#if MW_T_THRESHOLDS != MW_T_JOINED
    const MW_T_NAME(beside) * beside;
#endif
#if !MW_T_FOLDED
    MW_T_NAME(leaf) leaf;
#endif
#if MW_T_TREES > 1
    const MW_JOIN_(MW_JOIN_(uint, MW_T_SIZE), _t) * size;
#endif
} MW_T_NAME(place);

/* The row of the leaf that a sample reaches in the tree at `place`, which moves on to the next tree. */
MW_ALWAYS_INLINE uint32_t MW_T_NAME(next_leaf)(MW_T_NAME(place) * place, const MW_T_FEATURE *x)
{
    const MW_T_NAME(leaf) leaf = MW_T_NAME(walk)(place->node,
#if MW_T_THRESHOLDS != MW_T_JOINED
                                                 place->beside,
#endif
#if !MW_T_FOLDED
                                                 place->leaf,
#endif
                                                 x);
#if MW_T_TREES > 1
    const uint_fast32_t size = MW_JOIN_(MW_READ_, MW_T_SIZE)(place->size);
    ++place->size;
    place->node += size;
#if MW_T_THRESHOLDS != MW_T_JOINED
    place->beside += size;
#endif
#if !MW_T_FOLDED
    place->leaf += (MW_T_NAME(leaf))(size + 1U);
#endif
#endif
#if !MW_T_FOLDED && MW_T_LEAF
    return MW_JOIN_(MW_READ_, MW_T_LEAF)(MW_T_NAME(leaves) + leaf);
#else
    return (uint32_t) leaf;
#endif
}

MW_ALWAYS_INLINE MW_T_NAME(place) MW_T_NAME(first_place)(void)
{
    MW_T_NAME(place) place;
    place.node = MW_T_NAME(nodes) + MW_T_FIRST;
#if MW_T_THRESHOLDS != MW_T_JOINED
    place.beside = MW_T_BESIDE_TABLE + MW_T_FIRST;
#endif
#if !MW_T_FOLDED
    place.leaf = 0;
#endif
#if MW_T_TREES > 1
    place.size = MW_T_NAME(sizes);
#endif
    return place;
}

#if !MW_T_ROW
MW_ALWAYS_INLINE uint32_t MW_T_NAME(leaf_number)(uint32_t row)
{
    return row;
}
#elif defined(MW_T_MEDIAN)
MW_ALWAYS_INLINE uint32_t MW_T_NAME(leaf_number)(uint32_t row)
{
    return MW_JOIN_(MW_READ_, MW_T_ROW)(MW_T_NAME(rows) + row);
}
#else
MW_ALWAYS_INLINE void MW_T_NAME(add_leaf)(uint32_t leaf, MW_T_SUM *sums)
{
    const MW_JOIN_(MW_JOIN_(uint, MW_T_ROW), _t) *row = MW_T_NAME(rows) + (size_t) leaf * MW_T_WIDTH;
    for (uint_fast16_t i = 0; i < MW_T_WIDTH; ++i) {
        sums[i] += (MW_T_SUM) MW_JOIN_(MW_READ_, MW_T_ROW)(row + i);
    }
}
#endif

#include <milliwatt/trees_sums.h>

#undef MW_T_JOINED
#undef MW_T_CODED
#undef MW_T_BESIDE
#undef MW_T_READ
#undef MW_T_BIT
#undef MW_T_LINK_MASK
#undef MW_T_FIRST_FAR
#undef MW_T_LINK
#undef MW_T_FEATURE_OF
#undef MW_T_FLAGS
#undef MW_T_FLAG
#undef MW_T_LEFT_IS_LEAF
#undef MW_T_RIGHT_IS_LEAF
#undef MW_T_MISSING_LEFT
#undef MW_T_CATEGORICAL
#undef MW_T_THRESHOLD_AT
#undef MW_T_BESIDE_TABLE
#undef MW_T_THRESHOLDS
#undef MW_T_WORD
#undef MW_T_FEATURE_SHIFT
#undef MW_T_LINK_BITS
#undef MW_T_FAR
#undef MW_T_FOLDED
#undef MW_T_FIRST
#undef MW_T_SIZE
#undef MW_T_LEAF
#undef MW_T_ROW
