/* SPDX-License-Identifier: MIT */
/** @file
 * Committees: what generated code needs to count votes of models and to average their answers.
 *
 * Nothing here allocates, keeps state, or writes outside the buffers it is given.
 */
#ifndef MILLIWATT_COMMITTEE_H
#define MILLIWATT_COMMITTEE_H

#include <milliwatt/trees.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One member's answers added to a sum, each times `share`.
 *
 * @param out sums, one a column of the whole.
 * @param own the member's answers, to its columns 0 to `n - 1`.
 */
static inline void mw_add_share(float *out, const float *own, uint_fast16_t n, float share)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        /* CPUs that could multiply and add at once shall not: all of them give the same bits. */
        const volatile float part = own[i] * share;
        out[i] += part;
    }
}

/** The same for a member with fewer columns. @param columns in ::MW_FLASH: where each answer belongs. */
static inline void mw_add_share_at(float *out, const float *own, const uint16_t *columns, uint_fast16_t n,
                                   float share)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        const volatile float part = own[i] * share;
        out[MW_READ_16(columns + i)] += part;
    }
}

/** The index of the largest of `n` >= 1 numbers, the lowest index among equals. */
static inline int mw_argmax_float(const float *values, uint_fast16_t n)
{
    uint_fast16_t best = 0;
    for (uint_fast16_t i = 1; i < n; ++i) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return (int) best;
}

/** By how much the largest of `n` >= 2 numbers is larger than the second largest. */
static inline float mw_lead_float(const float *values, uint_fast16_t n)
{
    float best = values[0];
    float second = values[1];
    for (uint_fast16_t i = 1; i < n; ++i) {
        if (values[i] > best) {
            second = best;
            best = values[i];
        } else if (i == 1 || values[i] > second) {
            second = values[i];
        }
    }
    return best - second;
}

/** A member's vote noted: `bit` stands for the member. */
static inline void mw_cast(uint8_t *voters, int index, unsigned bit)
{
    voters[index] = (uint8_t) (voters[index] | bit);
}

/**
 * The class with the most votes where votes are ranked, the lowest index among equals; -1 while members
 * that did not vote yet can change it.
 *
 * @param voters for each of `n` >= 1 classes the members that voted for it, one bit each.
 * @param ranks  in ::MW_FLASH: for every set of members the rank of what their votes count together.
 * @param open   members that did not vote yet.
 */
static inline int mw_ranked_class(const uint8_t *voters, uint_fast16_t n, const uint8_t *ranks, uint8_t open)
{
    uint_fast16_t best = 0;
    uint_fast8_t most = MW_READ_8(ranks + voters[0]);
    for (uint_fast16_t i = 1; i < n; ++i) {
        const uint_fast8_t rank = MW_READ_8(ranks + voters[i]);
        if (rank > most) {
            most = rank;
            best = i;
        }
    }
    for (uint_fast16_t i = 0; open != 0 && i < n; ++i) {
        if (i != best && MW_READ_8(ranks + (uint8_t) (voters[i] | open)) >= most) {
            return -1;
        }
    }
    return (int) best;
}

#ifdef __cplusplus
}
#endif

#endif
