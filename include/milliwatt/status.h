/* SPDX-License-Identifier: MIT */
/** @file
 * The one status type of the library.
 *
 * Functions that return a class index return it as a non-negative int and errors as negative
 * ::mw_status values, so `result < 0` is the whole check.
 */
#ifndef MILLIWATT_STATUS_H
#define MILLIWATT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/** Every status: X(enumerator, value, text). The text is what mw_status_string() answers. */
#define MW_STATUS_LIST(X)                                                                   \
    X(MW_OK, 0, "ok")                                                                       \
    X(MW_ERROR_ARGUMENT, -1, "a pointer is NULL")                                           \
    X(MW_ERROR_LENGTH, -2, "an array has the wrong number of elements")                     \
    X(MW_ERROR_NAN, -3, "a feature is NaN and the model was not trained on missing values") \
    X(MW_ERROR_MODEL, -4, "the data is no model, or a damaged one")                         \
    X(MW_ERROR_VERSION, -5, "the model's format is of another version")                     \
    X(MW_ERROR_ALIGNMENT, -6, "the data or the arena is not at a multiple of 4")            \
    X(MW_ERROR_TYPE, -7, "the features are of another type than the model's")               \
    X(MW_ERROR_TASK, -8, "the model does not answer that: a regressor has no classes, say") \
    X(MW_NOT_YET, -101, "no error: no window of samples is complete yet")

#define MW_STATUS_ENUMERATOR(name, value, text) name = (value),
typedef enum mw_status { MW_STATUS_LIST(MW_STATUS_ENUMERATOR) } mw_status;
#undef MW_STATUS_ENUMERATOR

/**
 * A short English text for a status.
 *
 * @param status any int: a ::mw_status, or a class index, which counts as "ok".
 * @return a string constant that lives forever, never NULL.
 */
const char *mw_status_string(int status);

#ifdef __cplusplus
}
#endif

#endif
