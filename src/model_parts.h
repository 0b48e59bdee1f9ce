/* SPDX-License-Identifier: MIT */
/** @file
 * What the files that read `*.mw.bin` share: numbers and splits in its tables. Private to src/.
 *
 * Tables are bytes here; numbers are copied out of them, which is one load where the compiler knows the
 * alignment.
 */
#ifndef MILLIWATT_SRC_MODEL_PARTS_H
#define MILLIWATT_SRC_MODEL_PARTS_H

#include <stdint.h>
#include <string.h>

#include <milliwatt/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a model. */
#define MW_F_CLASSIFIER 1U
#define MW_F_CHECK_NAN 2U
#define MW_F_IMPLIED 4U /* the last number of every row is left out */
#define MW_F_MISSING 8U
#define MW_F_CATEGORIES 16U
#define MW_F_FAR 32U
#define MW_F_FOLDED 64U
#define MW_F_ALL 127U

/* Where thresholds are. */
#define MW_F_JOINED 1U
#define MW_F_CODED 2U
#define MW_F_BESIDE 3U

/* From scores to answers. */
enum { MW_F_IDENTITY, MW_F_SIGMOID, MW_F_SOFTMAX, MW_F_EXP, MW_F_MARGIN, MW_F_ISOLATION, MW_F_LINKS };

#if defined(__GNUC__)
#define MW_ALIGNED_(address, bytes) __builtin_assume_aligned((address), (bytes))
#else
#define MW_ALIGNED_(address, bytes) (address)
#endif

static inline uint32_t mw_get_16_(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, MW_ALIGNED_(at, 2), sizeof value);
    return value;
}

static inline uint32_t mw_get_32_(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, MW_ALIGNED_(at, 4), sizeof value);
    return value;
}

static inline int32_t mw_get_int32_(const uint8_t *table, uint32_t index)
{
    int32_t value;
    memcpy(&value, MW_ALIGNED_(table + (size_t) index * 4U, 4), sizeof value);
    return value;
}

/** A number of 8, 16 or 32 bits. */
static inline uint32_t mw_get_(const uint8_t *table, uint_fast8_t bits, uint32_t index)
{
    return bits == 8    ? table[(size_t) index]
           : bits == 16 ? mw_get_16_(table + (size_t) index * 2U)
                        : mw_get_32_(table + (size_t) index * 4U);
}

/** `value` of `bits` bits with its sign: bits is 8 or 16. */
static inline int32_t mw_with_sign_(uint32_t value, uint_fast8_t bits)
{
    const uint32_t sign = UINT32_C(1) << (bits - 1U);
    return (int32_t) (value ^ sign) - (int32_t) sign;
}

/** How many bits a feature has. */
static inline uint_fast8_t mw_type_bits_(uint_fast8_t type)
{
    return type == MW_INT8 || type == MW_UINT8 ? 8 : type == MW_INT16 ? 16 : 32;
}

/** A flag, as 0 or 1. */
static inline uint_fast8_t mw_flag_(const mw_model *model, uint_fast8_t flag)
{
    return (model->flags & flag) != 0;
}

/** The meta word in a slot. */
static inline uint32_t mw_meta_(const mw_model *model, uint32_t slot)
{
    if (model->threshold_form == MW_F_JOINED) {
        return mw_get_32_(model->nodes + (size_t) slot * 4U) & 0xffffU;
    }
    return mw_get_(model->nodes, model->word_bits, slot);
}

/** What a split compares with, or where its set begins. */
static inline int32_t mw_threshold_(const mw_model *model, uint32_t slot)
{
    const uint_fast8_t bits = mw_type_bits_(model->type);
    uint32_t value;
    if (model->threshold_form == MW_F_JOINED) {
        return mw_with_sign_(mw_get_32_(model->nodes + (size_t) slot * 4U) >> 16, 16);
    }
    if (model->threshold_form == MW_F_CODED) {
        slot = model->codes[(size_t) slot];
    }
    if (bits == 32) {
        return mw_get_int32_(model->thresholds, slot);
    }
    value = mw_get_(model->thresholds, bits, slot);
    return model->type == MW_UINT8 ? (int32_t) value : mw_with_sign_(value, bits);
}

/** A split's meta word taken apart. */
typedef struct {
    uint32_t feature;
    uint32_t link;
    uint_fast8_t left_is_leaf;
    uint_fast8_t right_is_leaf;
    uint_fast8_t missing_left;
    uint_fast8_t categorical;
} mw_split_;

static inline mw_split_ mw_split_at_(const mw_model *model, uint32_t slot)
{
    const uint32_t word = mw_meta_(model, slot);
    const uint32_t flags = word >> model->link_bits;
    const uint_fast8_t missing = mw_flag_(model, MW_F_MISSING);
    mw_split_ split;
    split.feature = word >> model->feature_shift;
    split.link = word & ((UINT32_C(1) << model->link_bits) - 1U);
    split.left_is_leaf = (uint_fast8_t) (flags & 1U);
    split.right_is_leaf = (uint_fast8_t) (flags >> 1 & 1U);
    split.missing_left = (uint_fast8_t) (flags >> 2 & missing);
    split.categorical = (uint_fast8_t) (flags >> (2U + missing) & mw_flag_(model, MW_F_CATEGORIES));
    return split;
}

/** The rows that a folded link names, of a split whose sides are leaves. */
static inline uint32_t mw_left_row_(const mw_model *model, const mw_split_ *split)
{
    return split->right_is_leaf ? split->link >> (model->link_bits / 2U) : split->link;
}

static inline uint32_t mw_right_row_(const mw_model *model, const mw_split_ *split)
{
    return split->left_is_leaf ? split->link & ((UINT32_C(1) << (model->link_bits / 2U)) - 1U) : split->link;
}

/** 1 if a link stands in the meta word, or where it does is said there. */
static inline uint_fast8_t mw_has_link_(const mw_model *model, const mw_split_ *split)
{
    return !mw_flag_(model, MW_F_FOLDED) || !(split->left_is_leaf || split->right_is_leaf);
}

/** How many slots before its split a far link stands, from 1; 0: the link itself is in the word. */
static inline uint32_t mw_far_(const mw_model *model, uint32_t link)
{
    const uint32_t first = (UINT32_C(1) << model->link_bits) - 16U;
    return mw_flag_(model, MW_F_FAR) && link >= first ? link - first + 1U : 0;
}

/** Slots to skip from the one after the split. */
static inline uint32_t mw_skipped_(const mw_model *model, uint32_t slot, uint32_t link)
{
    const uint32_t far_link = mw_far_(model, link);
    return far_link != 0 ? mw_meta_(model, slot - far_link) & 0xffffU : link;
}

/** CRC-32 as zlib, PNG and Ethernet compute it. */
uint32_t mw_crc32_(const uint8_t *data, size_t size);

/** MW_OK if every tree, leaf and set is sound and no sum overflows; header and lengths must be. */
int mw_model_check_(const mw_model *model);

#ifdef __cplusplus
}
#endif

#endif
