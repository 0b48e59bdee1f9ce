/* SPDX-License-Identifier: MIT */
/** @file
 * Opening a `*.mw.bin`: header and lengths. What the tables hold is checked in model_check.c.
 */
#include "model_parts.h"

#define MW_HEADER_BYTES 80U
#define MW_CRC_FROM 16U               /* the first byte that the CRC covers */
#define MW_MAGIC UINT32_C(0x424d574d) /* "MWMB", read by a little-endian CPU */
#define MW_MOST 0x7fffU               /* of features, classes, outputs: an int of 16 bits */

/* What is left of a blob. */
typedef struct {
    const uint8_t *at;
    uint32_t bytes; /* a multiple of 4 */
} mw_left;

/* The next table, rounded up to 4 bytes; NULL when so much is not left. */
static const uint8_t *mw_take(mw_left *left, uint32_t count, uint32_t bytes_each)
{
    const uint8_t *const found = left->at;
    uint32_t bytes;
    if (found == NULL || count > left->bytes / bytes_each) {
        left->at = NULL;
        return NULL;
    }
    bytes = (count * bytes_each + 3U) & ~UINT32_C(3);
    left->at += (size_t) bytes;
    left->bytes -= bytes;
    return found;
}

static void mw_read_header(const uint8_t *data, mw_model *model)
{
    model->n_features = (uint16_t) mw_get_16_(data + 16);
    model->n_classes = (uint16_t) mw_get_16_(data + 18);
    model->n_outputs = (uint16_t) mw_get_16_(data + 20);
    model->width = (uint16_t) mw_get_16_(data + 22);
    model->n_trees = (uint16_t) mw_get_16_(data + 24);
    model->divisor = (uint16_t) mw_get_16_(data + 26);
    model->type = data[28];
    model->link = data[29];
    model->flags = data[30];
    model->word_bits = data[31];
    model->link_bits = data[32];
    model->feature_shift = data[33];
    model->threshold_form = data[34];
    model->leaf_bits = data[35];
    model->row_bits = data[36];
    model->size_bits = data[37];
    model->n_slots = mw_get_32_(data + 40);
    model->n_thresholds = mw_get_32_(data + 44);
    model->n_leaves = mw_get_32_(data + 48);
    model->n_rows = mw_get_32_(data + 52);
    model->sets_bytes = mw_get_32_(data + 56);
    model->names_bytes = mw_get_32_(data + 60);
    model->first = mw_get_32_(data + 64);
    model->one = mw_get_32_(data + 68);
    model->cut = mw_get_int32_(data, 18);
}

static int mw_is_width(uint_fast8_t bits)
{
    return bits == 8 || bits == 16 || bits == 32;
}

/* How a meta word is divided, and where thresholds are. */
static int mw_layout_is_sound(const mw_model *model)
{
    const uint_fast8_t flags =
        (uint_fast8_t) (2U + mw_flag_(model, MW_F_MISSING) + mw_flag_(model, MW_F_CATEGORIES));
    if (model->word_bits != 16 && model->word_bits != 32) {
        return 0;
    }
    if (model->link_bits < 6 || model->link_bits > 18 || model->feature_shift != model->link_bits + flags ||
        model->feature_shift >= model->word_bits) {
        return 0;
    }
    if (mw_flag_(model, MW_F_FAR) && model->word_bits != 16) {
        return 0;
    }
    switch (model->threshold_form) {
    case MW_F_JOINED:
        return model->type == MW_INT16 && model->word_bits == 16 && model->n_thresholds == 0;
    case MW_F_CODED:
        return model->n_thresholds <= 256;
    case MW_F_BESIDE:
        return model->n_thresholds == model->n_slots;
    default:
        return 0;
    }
}

/* Classes, outputs, and how trees add to them. */
static int mw_task_is_sound(const mw_model *model)
{
    const uint32_t n = model->n_outputs;
    if (n == 0 || n > MW_MOST || model->n_classes > MW_MOST || model->link >= MW_F_LINKS) {
        return 0;
    }
    if (mw_flag_(model, MW_F_CLASSIFIER)) {
        if (model->n_classes != n && !(model->n_classes == 2 && n == 1)) {
            return 0;
        }
        if (model->link == MW_F_EXP) {
            return 0;
        }
    } else if (model->n_classes != 0 || model->names_bytes != 0 || model->row_bits == 0 || model->one != 0 ||
               (model->link != MW_F_IDENTITY && model->link != MW_F_EXP && model->link != MW_F_SIGMOID)) {
        return 0;
    }
    return model->link != MW_F_ISOLATION || n == 1;
}

static int mw_rows_are_sound(const mw_model *model)
{
    const uint32_t added = (uint32_t) model->n_outputs - mw_flag_(model, MW_F_IMPLIED);
    if (model->n_rows == 0 || model->width == 0) {
        return 0;
    }
    if (model->row_bits == 0) { /* votes: a row is a class */
        return model->width == 1 && model->n_rows == model->n_outputs && model->one == 0 &&
               model->n_classes == model->n_outputs && !mw_flag_(model, MW_F_IMPLIED);
    }
    if (!mw_is_width(model->row_bits) || added % model->width != 0 || added == 0 ||
        model->n_trees % (added / model->width) != 0) {
        return 0;
    }
    if (model->one == 0) {
        return !mw_flag_(model, MW_F_IMPLIED);
    }
    /* Proportions: all trees add to all sums. */
    return model->width == added && model->n_classes == model->n_outputs &&
           model->one <= UINT32_C(0x7fffffff) / model->n_trees;
}

static int mw_header_is_sound(const mw_model *model)
{
    if (model->n_features == 0 || model->n_features > MW_MOST || model->n_trees == 0 || model->divisor == 0 ||
        model->n_slots == 0 || model->type > MW_INT32 || model->flags > MW_F_ALL ||
        !mw_is_width(model->size_bits)) {
        return 0;
    }
    if (model->leaf_bits != 0 && (!mw_is_width(model->leaf_bits) || mw_flag_(model, MW_F_FOLDED))) {
        return 0;
    }
    if (mw_flag_(model, MW_F_CHECK_NAN) && model->type != MW_FLOAT) {
        return 0;
    }
    return (model->leaf_bits != 0) == (model->n_leaves != 0) && mw_layout_is_sound(model) &&
           mw_task_is_sound(model) && mw_rows_are_sound(model);
}

/* Every table's address; 0 unless they fill the blob exactly. */
static int mw_find_tables(mw_model *model, mw_left left)
{
    const int scores = model->row_bits != 0 && model->one == 0; /* else sums are shares of all votes */
    const uint32_t n_scores = scores ? model->n_outputs : 0;
    const int joined = model->threshold_form == MW_F_JOINED;
    const uint32_t row_bytes = model->width * (uint32_t) (model->row_bits / 8U);
    model->nodes = mw_take(&left, model->n_slots, joined ? 4U : model->word_bits / 8U);
    model->thresholds = mw_take(&left, model->n_thresholds, mw_type_bits_(model->type) / 8U);
    model->codes = mw_take(&left, model->threshold_form == MW_F_CODED ? model->n_slots : 0, 1);
    model->splits = mw_take(&left, mw_flag_(model, MW_F_FAR) ? model->n_slots / 8U + 1U : 0, 1);
    model->sizes = mw_take(&left, model->n_trees, model->size_bits / 8U);
    model->sets = mw_take(&left, model->sets_bytes, 1);
    model->leaves = mw_take(&left, model->n_leaves, model->leaf_bits != 0 ? model->leaf_bits / 8U : 1U);
    model->rows = mw_take(&left, row_bytes != 0 ? model->n_rows : 0, row_bytes != 0 ? row_bytes : 1);
    model->shift = mw_take(&left, n_scores, 1);
    model->zero = mw_take(&left, n_scores, 4);
    model->start = mw_take(&left, n_scores, 4);
    model->base = mw_take(&left, n_scores, 4);
    model->names = mw_take(&left, model->names_bytes, 1);
    return left.at != NULL && left.bytes == 0;
}

/* One string a class, each with its end; or none at all. */
static int mw_names_are_sound(const mw_model *model)
{
    uint32_t ends = 0;
    for (uint32_t i = 0; i < model->names_bytes; ++i) {
        ends += model->names[(size_t) i] == 0;
    }
    return model->names_bytes == 0 ||
           (ends == model->n_classes && model->names[(size_t) (model->names_bytes - 1U)] == 0);
}

static int mw_open(const uint8_t *data, size_t size, mw_model *model)
{
    mw_left left;
    uint32_t length;
    if (size < MW_HEADER_BYTES || mw_get_32_(data) != MW_MAGIC) {
        return MW_ERROR_MODEL;
    }
    if (mw_get_16_(data + 4) != MW_MODEL_VERSION) {
        return MW_ERROR_VERSION;
    }
    length = mw_get_32_(data + 8);
    if (length > size || length < MW_HEADER_BYTES || length % 4U != 0 ||
        mw_get_16_(data + 6) != MW_HEADER_BYTES ||
        mw_crc32_(data + MW_CRC_FROM, (size_t) (length - MW_CRC_FROM)) != mw_get_32_(data + 12)) {
        return MW_ERROR_MODEL;
    }
    mw_read_header(data, model);
    left.at = data + MW_HEADER_BYTES;
    left.bytes = length - MW_HEADER_BYTES;
    if (mw_get_16_(data + 38) != 0 || mw_get_32_(data + 76) != 0 || !mw_header_is_sound(model) ||
        !mw_find_tables(model, left) || !mw_names_are_sound(model)) {
        return MW_ERROR_MODEL;
    }
    return mw_model_check_(model);
}

int mw_model_open(const void *data, size_t size, mw_model *model)
{
    int status;
    if (model == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    memset(model, 0, sizeof *model);
    if (data == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if ((uintptr_t) data % 4U != 0) {
        return MW_ERROR_ALIGNMENT;
    }
    status = mw_open((const uint8_t *) data, size, model);
    if (status != MW_OK) {
        memset(model, 0, sizeof *model);
    }
    return status;
}

const char *mw_model_class_name(const mw_model *model, int index)
{
    const uint8_t *name;
    if (model == NULL || index < 0 || index >= (int) model->n_classes || model->names_bytes == 0) {
        return "?";
    }
    name = model->names;
    for (; index > 0; --index) {
        while (*name != 0) {
            ++name;
        }
        ++name;
    }
    return (const char *) name;
}
