/* SPDX-License-Identifier: MIT */
/*
 * The body of a walker, included by one small file per feature type and width. The including file
 * defines:
 *
 *   MW_WALK      name of the function
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
typedef uint32_t slot_t;
#define READ_META(nodes, slot) MW_READ_32((nodes) + (slot))
#define LINK_BITS 18
#define FEATURE_SHIFT 21
#else
typedef uint16_t meta_t;
typedef uint16_t slot_t; /* a narrow model has at most 65535 slots */
#define READ_META(nodes, slot) MW_READ_16((nodes) + (slot))
#define LINK_BITS 8
#define FEATURE_SHIFT 10
#endif

#define LINK_MASK ((UINT32_C(1) << LINK_BITS) - 1)
#define HALF_MASK ((UINT32_C(1) << (LINK_BITS / 2)) - 1)
#define LEFT_IS_LEAF (UINT32_C(1) << LINK_BITS)
#define RIGHT_IS_LEAF (UINT32_C(2) << LINK_BITS)
#define MISSING_LEFT (UINT32_C(4) << LINK_BITS)

#if MW_JOINED
#define META(word) ((word) & 0xffffU)
#define NEXT_META(nodes, slot) (MW_READ_32((nodes) + (slot)) & 0xffffU)
typedef uint32_t word_t;
#else
#define META(word) (word)
#define NEXT_META(nodes, slot) READ_META(nodes, slot)
typedef meta_t word_t;
#endif

/* The row of the leaf on one side (0 left, 1 right) of the split at `slot`. */
static uint32_t leaf_row(const mw_trees *model, const word_t *nodes, slot_t slot, uint32_t meta, int right)
{
    const uint32_t link = meta & LINK_MASK;
    if ((meta & LEFT_IS_LEAF) == 0 || (meta & RIGHT_IS_LEAF) == 0) {
        return link;
    }
    if (model->pairs) {
        return right ? NEXT_META(nodes, slot + 1U) : link;
    }
    return right ? (link & HALF_MASK) : (link >> (LINK_BITS / 2));
}

uint32_t MW_WALK(const mw_trees *model, const void *features, uint32_t root)
{
    const MW_FEATURE *x = (const MW_FEATURE *) features;
    const word_t *nodes = (const word_t *) model->nodes;
#if !MW_JOINED
    const MW_THRESHOLD *thresholds = (const MW_THRESHOLD *) model->thresholds;
#endif
    slot_t slot = (slot_t) root;

    for (;;) {
#if MW_JOINED
        const uint32_t word = MW_READ_32(nodes + slot);
        const uint32_t meta = META(word);
        const MW_THRESHOLD threshold = (MW_THRESHOLD) (word >> 16);
#else
        const uint32_t meta = READ_META(nodes, slot);
        const MW_THRESHOLD threshold = (MW_THRESHOLD) MW_READ_THRESHOLD(thresholds + slot);
#endif
        const MW_FEATURE value = x[meta >> FEATURE_SHIFT];
#if MW_MISSING
        const int left = mw_is_nan(value) ? (meta & MISSING_LEFT) != 0 : MW_KEY(value) <= threshold;
#else
        const int left = MW_KEY(value) <= threshold;
#endif
        if (left) {
            if (meta & LEFT_IS_LEAF) {
                return leaf_row(model, nodes, slot, meta, 0);
            }
        } else {
            if (meta & RIGHT_IS_LEAF) {
                return leaf_row(model, nodes, slot, meta, 1);
            }
            if ((meta & LEFT_IS_LEAF) == 0) {
                slot = (slot_t) (slot + (meta & LINK_MASK));
            }
        }
        ++slot;
    }
}
