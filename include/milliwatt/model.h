/* SPDX-License-Identifier: MIT */
/** @file
 * A model as data: a `*.mw.bin` out of a flash partition, a file or an over-the-air update.
 *
 *     mw_model model;
 *     int32_t sums[4];
 *     int status = mw_model_open(data, size, &model);              once; checks everything
 *     if (status == MW_OK && mw_model_n_sums(&model) <= 4) {
 *         status = mw_model_predict_float(&model, features, 3, sums, 4);    a class index, or an error
 *     }
 *
 * Predictions read the data in place. It must begin at a multiple of 4, stay where it is and as it is, and
 * on AVR be in RAM: what is read there are plain addresses. CPUs are little-endian; others get
 * ::MW_ERROR_MODEL. The format is described in docs/blob.md; `model.save('x.mw.bin')` writes it.
 *
 * No data makes these functions read or write outside of it and of the buffers they are given: what
 * could is refused by mw_model_open(). That data has no signature: who may send an update, the
 * firmware has to know.
 *
 * Nothing here allocates or keeps state; one opened model serves any number of threads and interrupts, each
 * with sums of its own.
 */
#ifndef MILLIWATT_MODEL_H
#define MILLIWATT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_MODEL_VERSION 1 /**< of the format that this library reads */

/** What a model's features are, as numbers in the file. */
typedef enum mw_feature_type {
    MW_FLOAT = 0,
    MW_INT8 = 1,
    MW_UINT8 = 2,
    MW_INT16 = 3,
    MW_INT32 = 4
} mw_feature_type;

/** An opened model. Its members are the library's business; the functions below say what there is to know. */
typedef struct mw_model {
    const uint8_t *nodes;
    const uint8_t *thresholds;
    const uint8_t *codes;
    const uint8_t *splits;
    const uint8_t *sizes;
    const uint8_t *sets;
    const uint8_t *leaves;
    const uint8_t *rows;
    const uint8_t *shift;
    const uint8_t *zero;
    const uint8_t *start;
    const uint8_t *base;
    const uint8_t *names;
    uint32_t n_slots;
    uint32_t n_thresholds;
    uint32_t n_leaves;
    uint32_t n_rows;
    uint32_t sets_bytes;
    uint32_t names_bytes;
    uint32_t first;
    uint32_t one;
    int32_t cut;
    uint16_t n_features;
    uint16_t n_classes;
    uint16_t n_outputs;
    uint16_t width;
    uint16_t n_trees;
    uint16_t divisor;
    uint8_t type;
    uint8_t link;
    uint8_t flags;
    uint8_t word_bits;
    uint8_t link_bits;
    uint8_t feature_shift;
    uint8_t threshold_form;
    uint8_t leaf_bits;
    uint8_t row_bits;
    uint8_t size_bits;
} mw_model;

/**
 * Checks a blob completely, and makes it ready for predictions.
 *
 * Takes no stack that depends on the data, and time for every leaf row of every split, and for every tree as
 * often as there are outputs where trees add to one output each.
 *
 * @param data  the blob, at a multiple of 4.
 * @param size  bytes that may be read there: the blob's length or more.
 * @param model receives what was found; on an error it becomes a model that answers ::MW_ERROR_MODEL.
 * @return MW_OK, MW_ERROR_ARGUMENT, MW_ERROR_ALIGNMENT, MW_ERROR_VERSION, or MW_ERROR_MODEL.
 */
int mw_model_open(const void *data, size_t size, mw_model *model);

/** @name What an opened model is; 0 for one that could not be opened. @{ */
/** Features of a sample. */
static inline int mw_model_n_features(const mw_model *model)
{
    return (int) model->n_features;
}

/** Classes; 0 for a regressor. */
static inline int mw_model_n_classes(const mw_model *model)
{
    return (int) model->n_classes;
}

/** Values of a regressor, scores of a classifier. */
static inline int mw_model_n_outputs(const mw_model *model)
{
    return (int) model->n_outputs;
}

/** How many int32_t every prediction needs as scratch. */
static inline int mw_model_n_sums(const mw_model *model)
{
    return (int) model->n_outputs;
}

/** The type of its features, a ::mw_feature_type. */
static inline int mw_model_feature_type(const mw_model *model)
{
    return (int) model->type;
}
/** @} */

/**
 * The estimator's label of a class, as text.
 *
 * @return a string inside the blob (UTF-8); "?" for an index that is none (an error, say).
 */
const char *mw_model_class_name(const mw_model *model, int index);

/**
 * The class of a sample. The functions further below take a `const float *` and so on and fill in `type`.
 *
 * @param type       what `features` points to; must be what the model was made for.
 * @param features   n_features values of that type.
 * @param n_features mw_model_n_features().
 * @param sums       scratch: mw_model_n_sums() numbers or more, which n_sums says.
 * @return class index, or a negative mw_status: MW_ERROR_ARGUMENT, MW_ERROR_LENGTH, MW_ERROR_TYPE,
 * MW_ERROR_NAN, MW_ERROR_TASK for a regressor, MW_ERROR_MODEL for a model that was not opened.
 */
int mw_model_predict(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                     int32_t *sums, int n_sums);

/**
 * The probability of every class. See mw_model_predict().
 *
 * @param out   receives mw_model_n_classes() numbers, 0 to 1.
 * @param n_out room in out.
 * @return MW_OK, or a negative mw_status; MW_ERROR_TASK where there are no probabilities.
 */
int mw_model_predict_proba(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                           int32_t *sums, int n_sums, float *out, int n_out);

/** The scores of a classifier whose scores are not its probabilities: mw_model_n_outputs() numbers. */
int mw_model_score(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                   int32_t *sums, int n_sums, float *out, int n_out);

/** The values of a regressor: mw_model_n_outputs() numbers. */
int mw_model_regress(const mw_model *model, mw_feature_type type, const void *features, int n_features,
                     int32_t *sums, int n_sums, float *out, int n_out);

/* mw_model_predict_float(model, features, n_features, sums, n_sums) and so on, for each type of features. */
#define MW_MODEL_VECTOR_(function, c_type, type)                                                           \
    (const mw_model *model, const c_type *features, int n_features, int32_t *sums, int n_sums, float *out, \
     int n_out)                                                                                            \
    {                                                                                                      \
        return function(model, type, features, n_features, sums, n_sums, out, n_out);                      \
    }
#define MW_MODEL_FUNCTIONS_(name, c_type, type)                                                              \
    static inline int mw_model_predict_##name(const mw_model *model, const c_type *features, int n_features, \
                                              int32_t *sums, int n_sums)                                     \
    {                                                                                                        \
        return mw_model_predict(model, type, features, n_features, sums, n_sums);                            \
    }                                                                                                        \
    static inline int mw_model_predict_proba_##name MW_MODEL_VECTOR_(                                        \
        mw_model_predict_proba, c_type, type) static inline int mw_model_score_##name                        \
        MW_MODEL_VECTOR_(mw_model_score, c_type,                                                             \
                         type) static inline int mw_model_regress_##name MW_MODEL_VECTOR_(mw_model_regress,  \
                                                                                          c_type, type)
MW_MODEL_FUNCTIONS_(float, float, MW_FLOAT)
MW_MODEL_FUNCTIONS_(int8, int8_t, MW_INT8)
MW_MODEL_FUNCTIONS_(uint8, uint8_t, MW_UINT8)
MW_MODEL_FUNCTIONS_(int16, int16_t, MW_INT16)
MW_MODEL_FUNCTIONS_(int32, int32_t, MW_INT32)

#ifdef __cplusplus
}
#endif

#endif
