/* SPDX-License-Identifier: MIT */
/*
 * Forests of one feature type and table width, included by one small file each. The including file
 * defines:
 *
 *   MW_SUFFIX    what the functions' names end in
 *   MW_WIDE      0 or 1
 *   MW_FEATURE   type of a feature
 *   MW_THRESHOLD type of a threshold, and MW_READ_THRESHOLD(address) reading one from flash
 *   MW_KEY(x)    a feature as it is compared with a threshold (the value itself by default)
 *   MW_JOINED    (optional) 1: narrow int16 words with the threshold on top
 *   MW_MISSING   (optional) 1: NaN goes where the split says
 *
 * No length is checked here: converter and generated code have done that.
 */
#include <milliwatt/trees.h>

#ifndef MW_JOINED
#define MW_JOINED 0
#endif
#ifndef MW_MISSING
#define MW_MISSING 0
#endif
#ifndef MW_KEY
#define MW_KEY(x) (x)
#endif

#if MW_WIDE
typedef uint32_t meta_t;
typedef uint32_t root_t;
typedef uint32_t row_t;
#define READ_META(address) MW_READ_32(address)
#define READ_ROOT(address) MW_READ_32(address)
#define LINK_BITS 18
#define FEATURE(word) ((word) >> 21)
#else
typedef uint16_t meta_t;
typedef uint16_t root_t;
typedef uint8_t row_t;
#define READ_META(address) MW_READ_16(address)
#define READ_ROOT(address) MW_READ_16(address)
#define LINK_BITS 8
/* By way of a byte: 8-bit CPUs then need no shift across bytes. */
#define FEATURE(word) ((uint8_t) ((word) >> 8) >> 2)
#endif

#define BIT(n) (UINT32_C(1) << (n))
#define LINK(word) ((row_t) ((word) & (BIT(LINK_BITS) - 1U)))

/* The flags are tested where they are, except that 8-bit CPUs first take the byte they are in. */
#if defined(__AVR__) && !MW_WIDE
typedef uint8_t flags_t;
#define FLAGS(word) ((uint8_t) ((word) >> LINK_BITS))
#define FLAG(n) (1U << (n))
#else
typedef uint32_t flags_t;
#define FLAGS(word) (word)
#define FLAG(n) BIT(LINK_BITS + (n))
#endif
#define LEFT_IS_LEAF FLAG(0)
#define RIGHT_IS_LEAF FLAG(1)
#define MISSING_LEFT FLAG(2)

#if MW_JOINED
typedef uint32_t word_t;
#define READ_WORD(address) MW_READ_32(address)
#else
typedef meta_t word_t;
#define READ_WORD(address) READ_META(address)
#endif

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

/* Says nothing, but keeps gcc from computing an address anew that a load has just stepped on. */
#if defined(__GNUC__) && defined(__arm__)
#define HIDE(pointer) __asm__("" : "+r"(pointer))
#else
#define HIDE(pointer) ((void) 0)
#endif

/* The row of the left (0) or right (1) leaf of the split that was just read from before `next`. */
ALWAYS_INLINE row_t leaf_row(word_t word, flags_t both, const word_t *next, uint_fast8_t pairs, int right)
{
    if (!both) {
        return LINK(word);
    }
    if (pairs) {
        return LINK(right ? READ_WORD(next) : word);
    }
    return (row_t) (right ? word & (BIT(LINK_BITS / 2) - 1U) : (word_t) LINK(word) >> (LINK_BITS / 2));
}

/* The row of the leaf that a sample reaches in the tree whose first split is at `root`. */
ALWAYS_INLINE row_t walk(const word_t *nodes, const MW_THRESHOLD *thresholds, uint32_t root,
                         const MW_FEATURE *features, uint_fast8_t pairs)
{
    const word_t *node = nodes + root;
#if !MW_JOINED
    const MW_THRESHOLD *next_threshold = thresholds + root;
#endif
    for (;;) {
        const word_t word = READ_WORD(node);
        const flags_t flags = FLAGS(word);
        const MW_FEATURE value = features[FEATURE(word)];
#if MW_JOINED
        const MW_THRESHOLD threshold = (MW_THRESHOLD) (word >> 16);
        (void) thresholds;
#else
        const MW_THRESHOLD threshold = (MW_THRESHOLD) MW_READ_THRESHOLD(next_threshold);
        ++next_threshold;
#endif
#if MW_MISSING
        const int left = mw_is_nan(value) ? (flags & MISSING_LEFT) != 0 : MW_KEY(value) <= threshold;
#else
        const int left = MW_KEY(value) <= threshold;
#endif
        ++node;
        HIDE(node);
        if (left) {
            if (flags & LEFT_IS_LEAF) {
                return leaf_row(word, flags & RIGHT_IS_LEAF, node, pairs, 0);
            }
        } else if (flags & RIGHT_IS_LEAF) {
            return leaf_row(word, flags & LEFT_IS_LEAF, node, pairs, 1);
        } else if ((flags & LEFT_IS_LEAF) == 0) {
            node += LINK(word);
#if !MW_JOINED
            next_threshold += LINK(word);
#endif
        }
    }
}

#define NAME_(kind, suffix) mw_trees_##kind##_##suffix
#define NAME(kind, suffix) NAME_(kind, suffix)

/*
 * The three functions differ in what they do with a row. Stores through volatile keep compilers from
 * calling memset for a handful of sums.
 */
#define DEFINE_FOREST(kind, sum_type, add_row)                                                             \
    void NAME(kind, MW_SUFFIX)(const mw_trees *model, const MW_FEATURE *features, sum_type *sums)          \
    {                                                                                                      \
        const word_t *const nodes = (const word_t *) MW_READ_POINTER(&model->nodes);                       \
        const MW_THRESHOLD *const thresholds = (const MW_THRESHOLD *) MW_READ_POINTER(&model->thresholds); \
        const root_t *root = (const root_t *) MW_READ_POINTER(&model->roots);                              \
        const void *const values = MW_READ_POINTER(&model->values);                                        \
        const uint_fast16_t n_outputs = MW_READ_16(&model->n_outputs);                                     \
        const uint_fast8_t pairs = MW_READ_8(&model->pairs);                                               \
        uint_fast16_t trees = MW_READ_16(&model->n_trees);                                                 \
        for (uint_fast16_t i = 0; i < n_outputs; ++i) {                                                    \
            *(volatile sum_type *) (sums + i) = 0;                                                         \
        }                                                                                                  \
        do {                                                                                               \
            const row_t row = walk(nodes, thresholds, READ_ROOT(root), features, pairs);                   \
            add_row;                                                                                       \
            ++root;                                                                                        \
        } while (--trees != 0);                                                                            \
    }

#define ADD_VOTE ((void) values, ++sums[row])
#define ADD_ROW(bits) \
    mw_add_row##bits((const int##bits##_t *) values + (size_t) row * n_outputs, n_outputs, sums)

DEFINE_FOREST(votes, uint16_t, ADD_VOTE)
DEFINE_FOREST(sum16, int32_t, ADD_ROW(16))
DEFINE_FOREST(sum32, int64_t, ADD_ROW(32))
