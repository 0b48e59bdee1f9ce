/* SPDX-License-Identifier: MIT */
/** @file
 * One section of 16 bits over a block. arch/ has the same for other CPUs.
 *
 * mw_section_q15: filters `n` samples (not 0), each `stride` numbers after the one before, and gives their
 * 16 high bits or, if `out_shift` is not 0, as much saturated. Sums are modulo 2^32, and right because the
 * final ones fit.
 */
#ifndef MILLIWATT_IIR_Q15_H
#define MILLIWATT_IIR_Q15_H

static int16_t mw_saturated_q15(int32_t value);

#define MW_PRODUCT_(a, b) ((uint32_t) ((int32_t) (a) * (int32_t) (b)))

static inline int32_t mw_step_q15(const mw_iir_section_q15 *s, int32_t x0, int32_t x1, int32_t x2, int32_t y1,
                                  int32_t y2)
{
    const uint32_t ahead =
        (uint32_t) s->bias + MW_PRODUCT_(s->b[0], x0) + MW_PRODUCT_(s->b[1], x1) + MW_PRODUCT_(s->b[2], x2);
    const uint32_t part = (uint32_t) ((int32_t) ahead >> s->b_shift) + MW_PRODUCT_(s->d[0], y1 >> 16) +
                          MW_PRODUCT_(s->d[1], y2 >> 16);
    const uint32_t seen = s->cut != 0 ? (uint32_t) y2 & UINT32_C(0xffff0000) : (uint32_t) y2;
    return (int32_t) ((uint32_t) ((int32_t) part >> s->d_shift) +
                      (uint32_t) (int32_t) s->k[0] * (uint32_t) y1 + (uint32_t) (int32_t) s->k[1] * seen);
}

#if defined(__thumb__)
/* Loops for Arm multiply by words, so that with `cut` the product with `y2`'s high half is one with `d[1]`,
 * modulo 2^32: nothing is shifted after it. */
static inline int32_t mw_d1_q15(const mw_iir_section_q15 *s)
{
    return s->cut != 0 ? s->d[1] + (int32_t) s->k[1] * 65536 : s->d[1];
}

static inline int32_t mw_k1_q15(const mw_iir_section_q15 *s)
{
    return s->cut != 0 ? 0 : s->k[1];
}
#endif

MW_NOINLINE static void mw_plain_section_q15(const mw_iir_section_q15 *from, mw_iir_state_q15 *state,
                                             const int16_t *x, int16_t *out, size_t n, size_t stride,
                                             uint_fast8_t out_shift)
{
    const mw_iir_section_q15 section = *from; /* which no result can change */
    int32_t x1 = state->x[0], x2 = state->x[1], y1 = state->y[0], y2 = state->y[1];
    do {
        const int32_t x0 = *x;
        const int32_t y = mw_step_q15(&section, x0, x1, x2, y1, y2);
        *out = out_shift != 0 ? mw_saturated_q15(y >> out_shift) : (int16_t) (y >> 16);
        x2 = x1;
        x1 = x0;
        y2 = y1;
        y1 = y;
        x += stride;
        out += stride;
    } while (--n != 0);
    state->x[0] = (int16_t) x1;
    state->x[1] = (int16_t) x2;
    state->y[0] = y1;
    state->y[1] = y2;
}

#if (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)) && defined(__GNUC__) && \
    !defined(__ARM_BIG_ENDIAN)
#include "arch/iir_q15_thumb1.h"
#elif defined(__thumb2__) && defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN)
#include "arch/iir_q15_thumb2.h"
#if defined(__ARM_FEATURE_SIMD32) && MW_UNALIGNED
#include "arch/iir_q15_armv7em.h"
#else
#define mw_section_q15 mw_stepped_section_q15
#endif
#else
#define mw_section_q15 mw_plain_section_q15
#endif

#endif
