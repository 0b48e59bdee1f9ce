/* SPDX-License-Identifier: MIT */
/** @file
 * The inner loop of mel filterbanks of integers for Cortex-M0 and M0+: 19 instructions a bin where compilers,
 * which run out of low registers, take 40. A power times a weight is two short multiplications; the two
 * halves of powers are summed up in high registers, which carry nothing since there are fewer than 65536
 * bins.
 *
 * For -Os gcc uses no high registers and does not save them: r8 is saved here.
 */
#ifndef MILLIWATT_MEL_BINS_THUMB1_H
#define MILLIWATT_MEL_BINS_THUMB1_H

/* The bins up to `end`, at least one: see mw_mel_bins_u32. */
static inline const uint32_t *mw_mel_bins_thumb1(const uint32_t *spectrum, const uint16_t *rises,
                                                 const uint16_t *end, mw_mel_sums *sums)
{
    uint32_t up_low, up_high, power, rise;
    uint32_t high = (uint32_t) (uintptr_t) end;
    __asm__ volatile(".syntax unified\n\t"
                     "mov %[w], r8\n\t"
                     "push {%[w]}\n\t"
                     "mov r8, %[h]\n\t"
                     "movs %[ul], #0\n\t"
                     "movs %[uh], #0\n\t"
                     "mov r12, %[ul]\n\t"
                     "mov lr, %[ul]\n"
                     "1:\n\t"
                     "ldmia %[x]!, {%[p]}\n\t"
                     "ldrh %[w], [%[r]]\n\t"
                     "adds %[r], #2\n\t"
                     "lsrs %[h], %[p], #16\n\t"
                     "add lr, %[h]\n\t"
                     "uxth %[p], %[p]\n\t"
                     "add r12, %[p]\n\t"
                     "muls %[h], %[w]\n\t"
                     "muls %[p], %[w]\n\t"
                     "lsls %[w], %[h], #16\n\t"
                     "lsrs %[h], %[h], #16\n\t"
                     "adds %[ul], %[w]\n\t"
                     "adcs %[uh], %[h]\n\t"
                     "movs %[w], #0\n\t"
                     "adds %[ul], %[p]\n\t"
                     "adcs %[uh], %[w]\n\t"
                     "cmp %[r], r8\n\t"
                     "bne 1b\n\t"
                     "pop {%[w]}\n\t"
                     "mov r8, %[w]\n\t"
                     "mov %[p], r12\n\t"
                     "mov %[h], lr"
                     : [x] "+l"(spectrum), [r] "+l"(rises), [h] "+l"(high), [ul] "=&l"(up_low),
                       [uh] "=&l"(up_high), [p] "=&l"(power), [w] "=&l"(rise)
                     :
                     : "r12", "lr", "cc", "memory");
    sums->up = (uint64_t) up_high << 32 | up_low;
    sums->all = ((uint64_t) high << 16) + power;
    return spectrum;
}

#endif
