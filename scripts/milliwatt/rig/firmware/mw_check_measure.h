/* SPDX-License-Identifier: MIT */
/** @file
 * One prediction, and what it costs.
 */
#ifndef MW_CHECK_MEASURE_H
#define MW_CHECK_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "mw_check_model.h"

extern MW_CHECK_TYPE mw_check_features[MW_CHECK_FEATURES];
#if MW_CHECK_OUTPUTS > 0
extern float mw_check_outputs[MW_CHECK_OUTPUTS];
#endif

/** High-water marks of the stack, in bytes from a fixed address. */
typedef struct mw_check_stack {
    size_t talk;    /**< while talking to the PC and reading the counter only */
    size_t nothing; /**< after a call of a function that does nothing */
    size_t predict; /**< after all predictions */
} mw_check_stack;

/** Once, first of all. */
void mw_check_measure_begin(void);

/**
 * Predicts from mw_check_features.
 *
 * @param cost receives what the call cost, beyond a call of a function that does nothing.
 * @return what the model answered: a class index, MW_OK or a negative mw_status.
 */
int mw_check_predict(uint32_t *cost);

/** The marks so far. */
mw_check_stack mw_check_measure_stack(void);

#endif
