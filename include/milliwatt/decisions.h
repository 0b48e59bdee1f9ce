/* SPDX-License-Identifier: MIT */
/** @file
 * What becomes of predictions over time: debouncing, votes, smoothing, hysteresis, hold-off.
 *
 * One call a prediction. State is the caller's; the header says how each is begun, and beginning again is
 * resetting. Per-prediction functions check nothing.
 *
 * Labels are `int`, as `*_predict` and `*_push` of generated code answer them. Labels below 0 (a ::mw_status,
 * "unknown") are answers like any other to mw_debounce_push, votes for nobody to mw_vote_push, and no event
 * to mw_holdoff_push. ::MW_UNDECIDED is what these functions answer when they have no label yet: none of
 * ::mw_status. Labels have to fit in 16 bits.
 */
#ifndef MILLIWATT_DECISIONS_H
#define MILLIWATT_DECISIONS_H

#include <stdint.h>

#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No label yet: below 0, and no ::mw_status. */
#define MW_UNDECIDED (-100)

/**
 * @name Debouncing: a new label counts after `needed` equal predictions in a row (0 and 1: at once).
 * Begin: `mw_debounce d = MW_DEBOUNCE(3);`. RAM: 6 bytes on AVR, 8 elsewhere.
 * @{ */
typedef struct {
    int16_t label;     /**< what counts */
    int16_t candidate; /**< the last prediction */
    uint8_t seen;      /**< how often in a row, up to `needed` */
    uint8_t needed;
} mw_debounce;

#define MW_DEBOUNCE(needed) {MW_UNDECIDED, MW_UNDECIDED, 0, (needed)}

/** @return the label that counts; ::MW_UNDECIDED before the first. */
static inline int mw_debounce_push(mw_debounce *debounce, int label)
{
    if (label != debounce->candidate) {
        debounce->candidate = (int16_t) label;
        debounce->seen = 0;
    }
    if (debounce->seen < debounce->needed) {
        ++debounce->seen;
    }
    if (debounce->seen >= debounce->needed) {
        debounce->label = debounce->candidate;
    }
    return debounce->label;
}
/** @} */

/**
 * @name Vote: the label that most of the last `room` predictions had.
 *
 * It needs `needed` of them, of which `room / 2 + 1` is a majority and 1 a plurality; else the answer is
 * ::MW_UNDECIDED. Between labels with as many, the one before stays if it is one of them, else the later
 * prediction wins. Labels below 0 take up a place in `last` and vote for nobody. About room² / 2 comparisons.
 * @{ */
typedef struct {
    int16_t *last; /**< the caller's, `room` labels */
    int16_t label; /**< the last answer */
    uint8_t room, needed;
    uint8_t held, at;
} mw_vote;

/** @return ::MW_ERROR_ARGUMENT if `last` is NULL, ::MW_ERROR_LENGTH unless 1 <= needed <= room. */
int mw_vote_init(mw_vote *vote, int16_t *last, uint8_t room, uint8_t needed);
/** @return label or ::MW_UNDECIDED. */
int mw_vote_push(mw_vote *vote, int label);
/** @} */

/**
 * @name Smoothing of probabilities (or scores) of classes: `state += alpha * (p - state)`, each class alone.
 *
 * Begin with the first prediction, mw_smooth_scores_begin_*, so that no start has to fade. alpha: 2 / (n + 1)
 * comes near to the mean of the last n. In integers the state has 16 bits, 65535 for 1, and alpha 15 bits,
 * 32768 for 1; it rounds to nearest, so that it stays within 1 / (2 alpha) units of 2^-16 of the exact one.
 * No value over- or underflows: (p - state) * alpha is within ±65535 * 2^15 < 2^31.
 * @{ */
void mw_smooth_scores_begin_u8(uint16_t *state, const uint8_t *p, uint16_t n);
void mw_smooth_scores_u8(uint16_t *state, const uint8_t *p, uint16_t n, uint16_t alpha);
/** Negative ones count as 0. */
void mw_smooth_scores_begin_q15(uint16_t *state, const int16_t *p, uint16_t n);
void mw_smooth_scores_q15(uint16_t *state, const int16_t *p, uint16_t n, uint16_t alpha);
/** Begin by copying. A NaN stays until the state is begun again. */
void mw_smooth_scores_f32(float *state, const float *p, uint16_t n, float alpha);
/** The class with the highest state, the first of equal ones; ::MW_UNDECIDED if it is below `least` or n is
 * 0.
 */
int mw_highest_u16(const uint16_t *state, uint16_t n, uint16_t least);
/** As above; NaNs are passed over. */
int mw_highest_f32(const float *state, uint16_t n, float least);
/** @} */

/**
 * @name Hysteresis: 1 from `value >= on` until `value < off`, off <= on; NaN changes nothing.
 * Begin with `state` 0 or 1. @return the new state: `state = mw_hysteresis_i32(state, score, on, off);`
 * @{ */
static inline uint8_t mw_hysteresis_i32(uint8_t state, int32_t value, int32_t on, int32_t off)
{
    return state != 0 ? !(value < off) : value >= on;
}

static inline uint8_t mw_hysteresis_f32(uint8_t state, float value, float on, float off)
{
    return state != 0 ? !(value < off) : value >= on;
}
/** @} */

/**
 * @name Hold-off: after an event no other for `pause` predictions, which are answered with `quiet`.
 * An event is a label from 0 on that is not `quiet`. Begin: `mw_holdoff h = {quiet, pause, 0};`.
 * @{ */
typedef struct {
    int16_t quiet;  /**< the label of no event; below 0 if each label is an event */
    uint16_t pause; /**< predictions */
    uint16_t left;  /**< of a pause */
} mw_holdoff;

/** @return the label, or `quiet` during a pause; labels below 0 are handed on, also then. */
static inline int mw_holdoff_push(mw_holdoff *holdoff, int label)
{
    const uint8_t event = label >= 0 && label != holdoff->quiet;
    if (holdoff->left != 0) {
        --holdoff->left;
        return event ? holdoff->quiet : label;
    }
    if (event) {
        holdoff->left = holdoff->pause;
    }
    return label;
}
/** @} */

#ifdef __cplusplus
}
#endif

#endif
