/* SPDX-License-Identifier: MIT */
/** @file
 * `sum + a * b` in 64 bits for Cortex-M0, whose MULS gives 32: 19 instructions and the call.
 */
#ifndef MILLIWATT_LONG_THUMB1_H
#define MILLIWATT_LONG_THUMB1_H

/* By halves, the low ones unsigned. Carries go up with the high product and the two in the middle. */
__attribute__((naked, noinline)) static uint64_t mw_add_product_64(__attribute__((unused)) uint64_t sum,
                                                                   __attribute__((unused)) int32_t a,
                                                                   __attribute__((unused)) int32_t b)
{
    __asm__(".syntax unified\n\t"
            "push {r4-r6, lr}\n\t"
            "uxth r4, r2\n\t"
            "asrs r2, r2, #16\n\t"
            "uxth r5, r3\n\t"
            "asrs r3, r3, #16\n\t"
            "mov r6, r4\n\t"
            "muls r6, r5\n\t"
            "muls r4, r3\n\t"
            "muls r5, r2\n\t"
            "muls r2, r3\n\t"
            "adds r0, r6\n\t"
            "adcs r1, r2\n\t"
            "lsls r6, r4, #16\n\t"
            "asrs r4, r4, #16\n\t"
            "adds r0, r6\n\t"
            "adcs r1, r4\n\t"
            "lsls r6, r5, #16\n\t"
            "asrs r5, r5, #16\n\t"
            "adds r0, r6\n\t"
            "adcs r1, r5\n\t"
            "pop {r4-r6, pc}\n");
}

#endif
