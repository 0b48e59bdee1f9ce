/* SPDX-License-Identifier: MIT */
/** @file
 * Sums of fir_q15.c for Armv7E-M and other Arm CPUs that multiply pairs of halfwords (SMLAD).
 */
#ifndef MILLIWATT_FIR_Q15_ARMV7EM_H
#define MILLIWATT_FIR_Q15_ARMV7EM_H

#include <arm_acle.h>
#include <string.h>

static inline int32_t mw_pair_q15(const int16_t *from)
{
    int32_t pair; /* loads may begin at any halfword */
    memcpy(&pair, from, sizeof pair);
    return pair;
}

static inline void mw_fir_sums_q15(uint32_t sums[2], const int16_t *tap, const int16_t *x, uint_fast16_t n)
{
    int32_t first = (int32_t) sums[0], second = (int32_t) sums[1];
    for (; n >= 4; n -= 4) {
        const int32_t h = mw_pair_q15(tap), i = mw_pair_q15(tap + 2);
        first = __smlad(h, mw_pair_q15(x), first);
        second = __smlad(h, mw_pair_q15(x + 1), second);
        first = __smlad(i, mw_pair_q15(x + 2), first);
        second = __smlad(i, mw_pair_q15(x + 3), second);
        tap += 4;
        x += 4;
    }
    for (; n != 0; --n) {
        first += (int32_t) *tap * x[0];
        second += (int32_t) *tap++ * x[1];
        ++x;
    }
    sums[0] = (uint32_t) first;
    sums[1] = (uint32_t) second;
}

static inline uint32_t mw_fir_sum_q15(uint32_t begin, const int16_t *tap, const int16_t *x, uint_fast16_t n)
{
    int32_t sum = (int32_t) begin;
    for (; n >= 4; n -= 4) {
        sum = __smlad(mw_pair_q15(tap), mw_pair_q15(x), sum);
        sum = __smlad(mw_pair_q15(tap + 2), mw_pair_q15(x + 2), sum);
        tap += 4;
        x += 4;
    }
    for (; n != 0; --n) {
        sum += (int32_t) *tap++ * *x++;
    }
    return (uint32_t) sum;
}

#endif
