/* SPDX-License-Identifier: MIT */
/** @file
 * The inner loop of layers of floats for Cortex-M with an FPU that multiplies and adds in one step.
 *
 * Registers are loaded four at a time (VLDMIA), which compilers do not do by themselves. The products of an
 * output are added in the same order as elsewhere, each with one rounding (VFMA).
 */
#ifndef MILLIWATT_NET_FLOATS_FPV4_H
#define MILLIWATT_NET_FLOATS_FPV4_H

/* One input, in register `x`, by the weights of four outputs, which go through s8 to s11 or s12 to s15. */
#define MW_FOUR_PRODUCTS_(x, w0, w1, w2, w3) \
    "vldmia %[w]!, {" #w0 "-" #w3 "}\n\t"    \
    "vfma.f32 %[a], " #w0 ", " #x "\n\t"     \
    "vfma.f32 %[b], " #w1 ", " #x "\n\t"     \
    "vfma.f32 %[c], " #w2 ", " #x "\n\t"     \
    "vfma.f32 %[d], " #w3 ", " #x "\n\t"

static inline mw_floats_4 mw_dot_floats(mw_floats_4 sums, const float **from, const float *x,
                                        const float *end)
{
    const float *weights = *from;
    const float *const whole = x + (size_t) (end - x) / 4 * 4;
    /* clang-format off */
    if (x != whole) {
        __asm__ volatile(
            "1:\n\t"
            "vldmia %[x]!, {s4-s7}\n\t"
            MW_FOUR_PRODUCTS_(s4, s8, s9, s10, s11)
            MW_FOUR_PRODUCTS_(s5, s12, s13, s14, s15)
            MW_FOUR_PRODUCTS_(s6, s8, s9, s10, s11)
            MW_FOUR_PRODUCTS_(s7, s12, s13, s14, s15)
            "cmp %[x], %[end]\n\t"
            "bne 1b"
            : [a] "+t"(sums.a), [b] "+t"(sums.b), [c] "+t"(sums.c), [d] "+t"(sums.d), [x] "+r"(x),
              [w] "+r"(weights)
            : [end] "r"(whole)
            : "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "cc", "memory");
    }
    while (x != end) {
        __asm__ volatile(
            "vldmia %[x]!, {s4}\n\t"
            MW_FOUR_PRODUCTS_(s4, s8, s9, s10, s11)
            : [a] "+t"(sums.a), [b] "+t"(sums.b), [c] "+t"(sums.c), [d] "+t"(sums.d), [x] "+r"(x),
              [w] "+r"(weights)
            :
            : "s4", "s8", "s9", "s10", "s11", "memory");
    }
    /* clang-format on */
    *from = weights;
    return sums;
}

#undef MW_FOUR_PRODUCTS_

#endif
