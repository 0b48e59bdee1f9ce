/* SPDX-License-Identifier: MIT */
/** @file
 * net_dot.h for bytes on Cortex-M52, -M55 and -M85 with Helium, where 16 products are one instruction.
 *
 * VLD4 takes four blocks of weights, 64 bytes, apart into the words of each output: four registers, each with
 * the weights of one output for 16 inputs. VMLADAVA adds 16 products to a sum. What is left, one to three
 * blocks, is gathered word by word; lanes beyond it are not loaded and hold 0.
 */
#ifndef MILLIWATT_NET_DOT_HELIUM_H
#define MILLIWATT_NET_DOT_HELIUM_H

#include <arm_mve.h>

static inline uint32_t mw_sum_u8(const uint8_t *x, const uint8_t *end)
{
    uint32_t sum = 0;
    uint32_t left = (uint32_t) (end - x);
    for (; left >= 16; left -= 16) {
        sum = vaddvaq_u8(sum, vldrbq_u8(x));
        x += 16;
    }
    if (left != 0) {
        sum = vaddvaq_u8(sum, vldrbq_z_u8(x, vctp8q(left)));
    }
    return sum;
}

static inline uint32_t mw_dot_16_(uint32_t sum, uint32x4_t weights, uint8x16_t x)
{
    return vmladavaq_u8(sum, vreinterpretq_u8_u32(weights), x);
}

static inline mw_sums_4 mw_dot_4_u8(mw_sums_4 sums, const uint8_t **from, const uint8_t *x,
                                    const uint8_t *end)
{
    const uint32_t *weights = (const uint32_t *) (const void *) *from; /* MW_ALIGNED_4 */
    uint32_t left = (uint32_t) (end - x) / 4;
    *from += 4 * (size_t) (end - x);
    for (; left >= 4; left -= 4) {
        const uint32x4x4_t four = vld4q_u32(weights);
        const uint8x16_t bytes = vldrbq_u8(x);
        sums.a = mw_dot_16_(sums.a, four.val[0], bytes);
        sums.b = mw_dot_16_(sums.b, four.val[1], bytes);
        sums.c = mw_dot_16_(sums.c, four.val[2], bytes);
        sums.d = mw_dot_16_(sums.d, four.val[3], bytes);
        x += 16;
        weights += 16;
    }
    if (left != 0) {
        const mve_pred16_t lanes = vctp32q(left);
        const uint32x4_t places = vshlq_n_u32(vidupq_n_u32(0, 4), 2); /* 0, 16, 32, 48 bytes on */
        const uint8x16_t bytes = vldrbq_z_u8(x, lanes);
        sums.a = mw_dot_16_(sums.a, vldrwq_gather_offset_z_u32(weights, places, lanes), bytes);
        sums.b = mw_dot_16_(sums.b, vldrwq_gather_offset_z_u32(weights + 1, places, lanes), bytes);
        sums.c = mw_dot_16_(sums.c, vldrwq_gather_offset_z_u32(weights + 2, places, lanes), bytes);
        sums.d = mw_dot_16_(sums.d, vldrwq_gather_offset_z_u32(weights + 3, places, lanes), bytes);
    }
    return sums;
}

#endif
