/* SPDX-License-Identifier: MIT */
/** @file
 * Predictions with an opened `*.mw.bin`: the walk that <milliwatt/trees_walk.h> describes, with a layout that
 * is known at run time only, and the answers that generated code gives.
 */
#include <milliwatt/links.h>
#include <milliwatt/trees.h>

#include "model_parts.h"

/* A sample, and what it is. */
typedef struct {
    const void *features;
    uint_fast8_t type;
} mw_sample;

/* Where a tree begins. */
typedef struct {
    uint32_t root;
    uint32_t leaf;
    uint32_t index;
} mw_place;

static int32_t mw_whole(const mw_sample *sample, uint32_t feature)
{
    const size_t at = (size_t) feature;
    switch (sample->type) {
    case MW_INT8:
        return ((const int8_t *) sample->features)[at];
    case MW_UINT8:
        return ((const uint8_t *) sample->features)[at];
    case MW_INT16:
        return ((const int16_t *) sample->features)[at];
    default:
        return ((const int32_t *) sample->features)[at];
    }
}

static int mw_set_takes(const uint8_t *set, uint32_t category)
{
    const uint32_t n_bytes = set[0] | (set[1] & 0x7fU) << 8;
    const int inverted = set[1] >> 7;
    if (category >> 3 >= n_bytes) {
        return inverted;
    }
    return (set[2U + (size_t) (category >> 3)] >> (category & 7U) & 1) != inverted;
}

static int mw_goes_left(const mw_model *model, uint32_t slot, const mw_split_ *split, const mw_sample *sample)
{
    const int32_t threshold = mw_threshold_(model, slot);
    if (sample->type == MW_FLOAT) {
        const float value = ((const float *) sample->features)[(size_t) split->feature];
        if (mw_flag_(model, MW_F_MISSING) && mw_is_nan(value)) {
            return split->missing_left != 0;
        }
        return split->categorical
                   ? mw_set_takes(model->sets + (size_t) threshold, mw_category_of_float(value))
                   : mw_float_key(value) <= threshold;
    } else {
        const int32_t value = mw_whole(sample, split->feature);
        return split->categorical ? mw_set_takes(model->sets + (size_t) threshold, mw_category_of_int(value))
                                  : value <= threshold;
    }
}

/* The row that a sample reaches in a tree whose leaves are folded into links. */
static uint32_t mw_folded_row(const mw_model *model, uint32_t slot, const mw_sample *sample)
{
    for (;;) {
        const mw_split_ split = mw_split_at_(model, slot);
        const int left = mw_goes_left(model, slot, &split, sample);
        if (left && split.left_is_leaf) {
            return mw_left_row_(model, &split);
        }
        if (!left && split.right_is_leaf) {
            return mw_right_row_(model, &split);
        }
        if (!left && !split.left_is_leaf) {
            slot += mw_skipped_(model, slot, split.link);
        }
        ++slot;
    }
}

/* The same where leaves are counted. */
static uint32_t mw_counted_row(const mw_model *model, uint32_t slot, uint32_t leaf, const mw_sample *sample)
{
    for (;;) {
        const mw_split_ split = mw_split_at_(model, slot);
        const int left = mw_goes_left(model, slot, &split, sample);
        if (!left) {
            const uint32_t skipped = mw_skipped_(model, slot, split.link);
            slot += skipped;
            leaf += skipped + 1U;
        }
        if (left ? split.left_is_leaf : split.right_is_leaf) {
            return model->leaf_bits != 0 ? mw_get_(model->leaves, model->leaf_bits, leaf) : leaf;
        }
        ++slot;
    }
}

/* The row that a sample reaches in the tree at `place`, which moves on to the next tree. */
static uint32_t mw_next_row(const mw_model *model, mw_place *place, const mw_sample *sample)
{
    const uint32_t size = mw_get_(model->sizes, model->size_bits, place->index);
    const uint32_t row = mw_flag_(model, MW_F_FOLDED)
                             ? mw_folded_row(model, place->root, sample)
                             : mw_counted_row(model, place->root, place->leaf, sample);
    place->root += size;
    place->leaf += size + 1U;
    ++place->index;
    return row;
}

/* Votes for each class; with `early` only until one has more than half of them. */
static void mw_count_votes(const mw_model *model, const mw_sample *sample, int32_t *sums, int early)
{
    mw_place place = {model->first, 0, 0};
    while (place.index < model->n_trees) {
        const uint32_t class_index = mw_next_row(model, &place, sample);
        if (++sums[(size_t) class_index] > model->n_trees / 2 && early) {
            return;
        }
    }
}

static void mw_add_rows(const mw_model *model, const mw_sample *sample, int32_t *sums)
{
    const uint32_t implied = mw_flag_(model, MW_F_IMPLIED);
    const uint32_t added = model->n_outputs - implied;
    mw_place place = {model->first, 0, 0};
    uint32_t at = 0;
    while (place.index < model->n_trees) {
        const uint32_t row = mw_next_row(model, &place, sample) * model->width;
        for (uint32_t i = 0; i < model->width; ++i) {
            sums[(size_t) (at + i)] += (int32_t) mw_get_(model->rows, model->row_bits, row + i);
        }
        at += model->width;
        at = at == added ? 0 : at;
    }
    if (implied) {
        sums[(size_t) added] = mw_rest(sums, (uint_fast16_t) added, (int32_t) (model->n_trees * model->one));
    }
}

/* Checks what every function is given, and fills the sums. */
static int mw_sum_up(const mw_model *model, const mw_sample *sample, int n_features, int32_t *sums,
                     int n_sums, int early)
{
    if (model == NULL || sample->features == NULL || sums == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (model->nodes == NULL) {
        return MW_ERROR_MODEL;
    }
    if (sample->type != model->type) {
        return MW_ERROR_TYPE;
    }
    if (n_features != (int) model->n_features || n_sums < mw_model_n_sums(model)) {
        return MW_ERROR_LENGTH;
    }
    if (mw_flag_(model, MW_F_CHECK_NAN) && mw_has_nan((const float *) sample->features, model->n_features)) {
        return MW_ERROR_NAN;
    }
    for (uint32_t i = 0; i < model->n_outputs; ++i) {
        sums[(size_t) i] = model->row_bits == 0 || model->one != 0 ? 0 : mw_get_int32_(model->start, i);
    }
    if (model->row_bits == 0) {
        mw_count_votes(model, sample, sums, early);
    } else {
        mw_add_rows(model, sample, sums);
    }
    return MW_OK;
}

/* What a sum stands for: a proportion or a score. */
static float mw_one_score(const mw_model *model, const int32_t *sums, uint32_t i)
{
    const int32_t sum = sums[(size_t) i];
    if (model->row_bits == 0 || model->one != 0) {
        return (float) sum / (float) (model->n_trees * (model->one != 0 ? model->one : 1U));
    } else {
        int64_t above = (int64_t) sum - mw_get_int32_(model->zero, i);
        const uint32_t base_bits = mw_get_32_(model->base + (size_t) i * 4U);
        const int shift = (int) mw_with_sign_(model->shift[(size_t) i], 8);
        float base;
        memcpy(&base, &base_bits, sizeof base);
        above = above > INT32_MAX ? INT32_MAX : above < INT32_MIN ? INT32_MIN : above;
        return mw_mean((int32_t) above, shift, model->divisor) + base;
    }
}

/* One score through a link that looks at one score only. */
static float mw_answer(const mw_model *model, float score)
{
    switch (model->link) {
    case MW_F_SIGMOID:
        return mw_sigmoid(score);
    case MW_F_EXP:
        return mw_exp(score);
    default:
        return score;
    }
}

static int mw_is_binary(const mw_model *model)
{
    return model->n_classes == 2 && model->n_outputs == 1;
}

/* MW_OK if a model was opened and gives what a function is for. */
static int mw_gives(const mw_model *model, int is_so, const float *out, int n_out, int needed)
{
    if (model->nodes == NULL) {
        return MW_ERROR_MODEL;
    }
    if (!is_so) {
        return MW_ERROR_TASK;
    }
    if (out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n_out < needed ? MW_ERROR_LENGTH : MW_OK;
}

int mw_model_predict(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                     int32_t *sums, int n_sums)
{
    const mw_sample sample = {features, (uint_fast8_t) type};
    int status;
    if (model != NULL && model->nodes != NULL && !mw_flag_(model, MW_F_CLASSIFIER)) {
        return MW_ERROR_TASK;
    }
    status = mw_sum_up(model, &sample, n_features, sums, n_sums, 1);
    if (status != MW_OK) {
        return status;
    }
    return mw_is_binary(model) ? sums[0] > model->cut : mw_argmax_int32(sums, model->n_outputs);
}

int mw_model_predict_proba(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                           int32_t *sums, int n_sums, float *out, int n_out)
{
    const mw_sample sample = {features, (uint_fast8_t) type};
    int status;
    if (model == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    status = mw_gives(model, mw_flag_(model, MW_F_CLASSIFIER) && model->link < MW_F_EXP, out, n_out,
                      (int) model->n_classes);
    if (status == MW_OK) {
        status = mw_sum_up(model, &sample, n_features, sums, n_sums, 0);
    }
    if (status != MW_OK) {
        return status;
    }
    if (mw_is_binary(model)) {
        out[1] = mw_answer(model, mw_one_score(model, sums, 0));
        out[0] = 1.0f - out[1];
        return MW_OK;
    }
    for (uint32_t i = 0; i < model->n_classes; ++i) {
        out[(size_t) i] = mw_answer(model, mw_one_score(model, sums, i));
    }
    if (model->link == MW_F_SOFTMAX) {
        mw_softmax(out, model->n_classes);
    }
    return MW_OK;
}

/* Scores, or through `link` values. */
static int mw_outputs(const mw_model *model, const mw_sample *sample, int n_features, int32_t *sums,
                      int n_sums, float *out)
{
    const int status = mw_sum_up(model, sample, n_features, sums, n_sums, 0);
    for (uint32_t i = 0; status == MW_OK && i < model->n_outputs; ++i) {
        out[(size_t) i] = mw_one_score(model, sums, i);
    }
    return status;
}

int mw_model_score(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                   int32_t *sums, int n_sums, float *out, int n_out)
{
    const mw_sample sample = {features, (uint_fast8_t) type};
    int status;
    if (model == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    status = mw_gives(
        model, mw_flag_(model, MW_F_CLASSIFIER) && (model->link != MW_F_IDENTITY || mw_is_binary(model)), out,
        n_out, (int) model->n_outputs);
    if (status == MW_OK) {
        status = mw_outputs(model, &sample, n_features, sums, n_sums, out);
    }
    if (status == MW_OK && model->link == MW_F_ISOLATION) {
        out[0] = -mw_exp2(-out[0]);
    }
    return status;
}

int mw_model_regress(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                     int32_t *sums, int n_sums, float *out, int n_out)
{
    const mw_sample sample = {features, (uint_fast8_t) type};
    int status;
    if (model == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    status = mw_gives(model, !mw_flag_(model, MW_F_CLASSIFIER), out, n_out, (int) model->n_outputs);
    if (status == MW_OK) {
        status = mw_outputs(model, &sample, n_features, sums, n_sums, out);
    }
    for (uint32_t i = 0; status == MW_OK && i < model->n_outputs; ++i) {
        out[(size_t) i] = mw_answer(model, out[(size_t) i]);
    }
    return status;
}
