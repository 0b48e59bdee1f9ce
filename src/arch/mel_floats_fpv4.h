/* SPDX-License-Identifier: MIT */
/** @file
 * The inner loops of mel filterbanks and cosine transforms of floats for Cortex-M with an FPU that multiplies
 * and adds in one step: two steps a turn, registers loaded several at a time (VLDMIA). Sums are added in the
 * same order as elsewhere, each product with one rounding (VFMA).
 */
#ifndef MILLIWATT_MEL_FLOATS_FPV4_H
#define MILLIWATT_MEL_FLOATS_FPV4_H

#define MW_MEL_FLOATS_FPV4 1

/* `pairs` pairs of bins; at least one. */
static inline mw_mel_floats mw_mel_pairs(mw_mel_floats at, uint_fast16_t pairs)
{
    const float one = 1.0f;
    const float *const end = at.rises + 2 * pairs;
    __asm__ volatile("1:\n\t"
                     "vldmia %[w]!, {s4-s5}\n\t"
                     "vldmia %[x]!, {s6-s7}\n\t"
                     "vfma.f32 %[up], s4, s6\n\t"
                     "vsub.f32 s4, %[one], s4\n\t"
                     "vfma.f32 %[down], s4, s6\n\t"
                     "vfma.f32 %[up], s5, s7\n\t"
                     "vsub.f32 s5, %[one], s5\n\t"
                     "vfma.f32 %[down], s5, s7\n\t"
                     "cmp %[w], %[end]\n\t"
                     "bne 1b"
                     : [up] "+t"(at.up), [down] "+t"(at.down), [w] "+r"(at.rises), [x] "+r"(at.spectrum)
                     : [end] "r"(end), [one] "t"(one)
                     : "s4", "s5", "s6", "s7", "cc", "memory");
    return at;
}

/* `pairs` pairs of numbers from either end; at least one. */
static inline mw_dct_floats mw_dct_pairs(mw_dct_floats at, uint_fast16_t pairs)
{
    const float *const end = at.left + 2 * pairs;
    __asm__ volatile("1:\n\t"
                     "vldmia %[left]!, {s4-s5}\n\t"
                     "vldmdb %[right]!, {s6-s7}\n\t"
                     "vldmia %[w]!, {s8-s11}\n\t"
                     "vadd.f32 s12, s4, s7\n\t"
                     "vsub.f32 s4, s4, s7\n\t"
                     "vadd.f32 s13, s5, s6\n\t"
                     "vsub.f32 s5, s5, s6\n\t"
                     "vfma.f32 %[even], s12, s8\n\t"
                     "vfma.f32 %[odd], s4, s9\n\t"
                     "vfma.f32 %[even], s13, s10\n\t"
                     "vfma.f32 %[odd], s5, s11\n\t"
                     "cmp %[left], %[end]\n\t"
                     "bne 1b"
                     : [even] "+t"(at.even), [odd] "+t"(at.odd), [w] "+r"(at.factors), [left] "+r"(at.left),
                       [right] "+r"(at.right)
                     : [end] "r"(end)
                     : "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "cc", "memory");
    return at;
}

#endif
