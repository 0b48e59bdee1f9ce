/* SPDX-License-Identifier: MIT */
/** @file
 * Whether the tables of a `*.mw.bin` can be walked without harm.
 *
 * Every slot that is a split is looked at once, whether or not a sample can reach it: its feature, its
 * threshold or set, its leaf rows, and where its two ways lead: to a split further down in the same tree.
 * So every walk ends, within its tree.
 */
#include "model_parts.h"

/* A tree's slots, its first leaf's number, and the largest number that it adds to a sum. */
typedef struct {
    uint32_t root;
    uint32_t end;
    uint32_t leaf;
    uint32_t most;
} mw_tree;

static int mw_is_split(const mw_model *model, uint32_t slot)
{
    return !mw_flag_(model, MW_F_FAR) || (model->splits[(size_t) (slot >> 3)] >> (slot & 7U) & 1) != 0;
}

/* A row exists; the tree remembers its largest number. */
static int mw_row_is_sound(const mw_model *model, uint32_t row, mw_tree *tree)
{
    uint32_t left = model->one;
    if (row >= model->n_rows) {
        return 0;
    }
    if (model->row_bits == 0) {
        tree->most = 1;
        return 1;
    }
    for (uint32_t i = 0; i < model->width; ++i) {
        const uint32_t value = mw_get_(model->rows, model->row_bits, row * model->width + i);
        tree->most = value > tree->most ? value : tree->most;
        if (model->one != 0 && value > left) {
            return 0; /* what follows from the others would be negative */
        }
        left -= mw_flag_(model, MW_F_IMPLIED) ? value : 0;
    }
    return 1;
}

static int mw_set_is_sound(const mw_model *model, int32_t offset)
{
    const uint32_t at = (uint32_t) offset;
    uint32_t n_bytes;
    if (offset < 0 || model->sets_bytes < 2 || at > model->sets_bytes - 2U) {
        return 0;
    }
    n_bytes = model->sets[(size_t) at] | (model->sets[(size_t) at + 1U] & 0x7fU) << 8;
    return n_bytes <= model->sets_bytes - 2U - at;
}

/* A way to another split. */
static int mw_target_is_sound(const mw_model *model, const mw_tree *tree, uint32_t slot)
{
    return slot < tree->end && mw_is_split(model, slot);
}

/* The right side of a split with a link. */
static int mw_link_is_sound(const mw_model *model, const mw_tree *tree, uint32_t slot, const mw_split_ *split)
{
    const uint32_t far_link = mw_far_(model, split->link);
    uint32_t skipped;
    if (far_link != 0 && (far_link > slot || mw_is_split(model, slot - far_link))) {
        return 0;
    }
    skipped = mw_skipped_(model, slot, split->link); /* below 2^18 */
    if (skipped >= tree->end - slot) {
        return 0; /* the number of a leaf would be another tree's */
    }
    return split->right_is_leaf || mw_target_is_sound(model, tree, slot + 1U + skipped);
}

static int mw_split_is_sound(const mw_model *model, mw_tree *tree, uint32_t slot)
{
    const mw_split_ split = mw_split_at_(model, slot);
    if (split.feature >= model->n_features) {
        return 0;
    }
    if (split.categorical && !mw_set_is_sound(model, mw_threshold_(model, slot))) {
        return 0;
    }
    if (!split.left_is_leaf && !mw_target_is_sound(model, tree, slot + 1U)) {
        return 0;
    }
    if (mw_has_link_(model, &split)) {
        return mw_link_is_sound(model, tree, slot, &split);
    }
    if (split.left_is_leaf && !mw_row_is_sound(model, mw_left_row_(model, &split), tree)) {
        return 0;
    }
    if (split.right_is_leaf) {
        return mw_row_is_sound(model, mw_right_row_(model, &split), tree);
    }
    return mw_target_is_sound(model, tree, slot + 1U); /* the right side follows directly */
}

static int mw_tree_is_sound(const mw_model *model, mw_tree *tree)
{
    const uint32_t size = tree->end - tree->root;
    if (!mw_is_split(model, tree->root)) {
        return 0;
    }
    for (uint32_t slot = tree->root; slot < tree->end; ++slot) {
        if (mw_is_split(model, slot) && !mw_split_is_sound(model, tree, slot)) {
            return 0;
        }
    }
    for (uint32_t i = 0; !mw_flag_(model, MW_F_FOLDED) && i <= size; ++i) {
        const uint32_t leaf = tree->leaf + i;
        const uint32_t row = model->leaf_bits != 0 ? mw_get_(model->leaves, model->leaf_bits, leaf) : leaf;
        if (!mw_row_is_sound(model, row, tree)) {
            return 0;
        }
    }
    return 1;
}

/* Trees fill the table, and counted leaves have numbers of their own. */
static int mw_sizes_are_sound(const mw_model *model)
{
    uint32_t left = model->n_slots;
    uint32_t leaves;
    if (model->first >= left) {
        return 0;
    }
    left -= model->first;
    leaves = left + model->n_trees; /* below 2^32: a slot takes two bytes of the blob */
    for (uint32_t tree = 0; tree < model->n_trees; ++tree) {
        const uint32_t size = mw_get_(model->sizes, model->size_bits, tree);
        if (size == 0 || size > left) {
            return 0;
        }
        left -= size;
    }
    if (left != 0) {
        return 0;
    }
    if (mw_flag_(model, MW_F_FOLDED)) {
        return 1;
    }
    return leaves == (model->leaf_bits != 0 ? model->n_leaves : model->n_rows);
}

/* Trees that add to the same sums: all of them, or each `turns`th from `turn`. */
static int mw_turn_is_sound(const mw_model *model, uint32_t turn, uint32_t turns)
{
    const int scores = model->row_bits != 0 && model->one == 0;
    uint32_t room = UINT32_C(0x7fffffff);
    uint32_t root = model->first;
    for (uint32_t i = 0; scores && i < model->width; ++i) {
        const int32_t start = mw_get_int32_(model->start, turn * model->width + i);
        if (start < 0) {
            return 0;
        }
        room =
            UINT32_C(0x7fffffff) - (uint32_t) start < room ? UINT32_C(0x7fffffff) - (uint32_t) start : room;
    }
    for (uint32_t index = 0; index < model->n_trees; ++index) {
        const uint32_t end = root + mw_get_(model->sizes, model->size_bits, index);
        mw_tree tree = {root, end, root - model->first + index, 0};
        root = end;
        if (index % turns != turn) {
            continue;
        }
        if (!mw_tree_is_sound(model, &tree) || tree.most > room) {
            return 0;
        }
        room -= tree.most;
    }
    return 1;
}

/* Numbers that scores are made with. */
static int mw_scores_are_sound(const mw_model *model)
{
    if (model->row_bits == 0 || model->one != 0) {
        return 1;
    }
    for (uint32_t i = 0; i < model->n_outputs; ++i) {
        const int32_t shift = mw_with_sign_(model->shift[(size_t) i], 8);
        const uint32_t base = mw_get_32_(model->base + (size_t) i * 4U);
        if (shift < -127 || shift > 126 || (base & UINT32_C(0x7f800000)) == UINT32_C(0x7f800000)) {
            return 0;
        }
    }
    return 1;
}

static int mw_codes_are_sound(const mw_model *model)
{
    for (uint32_t slot = 0; model->threshold_form == MW_F_CODED && slot < model->n_slots; ++slot) {
        if (model->codes[(size_t) slot] >= model->n_thresholds) {
            return 0;
        }
    }
    return 1;
}

int mw_model_check_(const mw_model *model)
{
    const uint32_t added = (uint32_t) model->n_outputs - mw_flag_(model, MW_F_IMPLIED);
    const uint32_t turns = model->row_bits != 0 ? added / model->width : 1U;
    if (!mw_sizes_are_sound(model) || !mw_codes_are_sound(model) || !mw_scores_are_sound(model)) {
        return MW_ERROR_MODEL;
    }
    for (uint32_t turn = 0; turn < turns; ++turn) {
        if (!mw_turn_is_sound(model, turn, turns)) {
            return MW_ERROR_MODEL;
        }
    }
    return MW_OK;
}
