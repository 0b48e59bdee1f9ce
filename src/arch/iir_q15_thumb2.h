/* SPDX-License-Identifier: MIT */
/** @file
 * The loop of iir_q15.h for Armv7-M and other CPUs with Thumb-2, samples at any distance: 20 instructions a
 * sample, of the last section 22; two samples a turn. New numbers take the registers of the oldest ones.
 */
#ifndef MILLIWATT_IIR_Q15_THUMB2_H
#define MILLIWATT_IIR_Q15_THUMB2_H

/* What the loop works on; offsets are below. */
typedef struct {
    int16_t *out;              /* 0: r2 */
    uint32_t x_from_out;       /* 4: r3, bytes */
    int32_t x1, x2;            /* 8: r4, r5 */
    int32_t y1, y2;            /* 16: r6, r7 */
    uint32_t b_shift, d_shift; /* 24: r8, r9 */
    const int16_t *end;        /* 32: r10, of `out` */
    uint32_t stride;           /* 36: lr, bytes */
    int32_t bias, b2;          /* 40 */
    int32_t b0, b1;            /* 48 */
    int32_t d0, d1;            /* 56 */
    int32_t k0, k1;            /* 64 */
    uint32_t out_shift;        /* 72 */
} mw_steps_q15;

#define MW_STEPS_BEGIN_         \
    ".syntax unified\n\t"       \
    "push {r0, r4-r11, lr}\n\t" \
    "add r1, r0, #40\n\t"       \
    "ldmia r1, {r4-r12}\n\t"    \
    "push {r3-r12}\n\t"         \
    "ldr lr, [r0, #36]\n\t"     \
    "ldmia r0, {r2-r10}\n"      \
    "1:\n\t"

/* `y2` becomes the result, `x2` the input. */
#define MW_STEPS_SUM_(x1, x2, y1, y2) \
    "ldrd r11, r12, [sp, #4]\n\t"     \
    "mla r0, r12, " x2 ", r11\n\t"    \
    "ldrsh " x2 ", [r2, r3]\n\t"      \
    "ldrd r11, r12, [sp, #12]\n\t"    \
    "mla r0, r11, " x2 ", r0\n\t"     \
    "mla r0, r12, " x1 ", r0\n\t"     \
    "ldrd r11, r12, [sp, #20]\n\t"    \
    "asr r0, r0, r8\n\t"              \
    "asr r1, " y1 ", #16\n\t"         \
    "mla r0, r11, r1, r0\n\t"         \
    "asr r1, " y2 ", #16\n\t"         \
    "mla r0, r12, r1, r0\n\t"         \
    "ldrd r11, r12, [sp, #28]\n\t"    \
    "asr r0, r0, r9\n\t"              \
    "mla r0, r11, " y1 ", r0\n\t"     \
    "mla " y2 ", r12, " y2 ", r0\n\t"

#define MW_STEPS_INNER_(x1, x2, y1, y2) \
    MW_STEPS_SUM_(x1, x2, y1, y2)       \
    "asr r1, " y2 ", #16\n\t"           \
    "strh r1, [r2]\n\t"                 \
    "add r2, r2, lr\n\t"

#define MW_STEPS_LAST_(x1, x2, y1, y2) \
    MW_STEPS_SUM_(x1, x2, y1, y2)      \
    "ldr r1, [sp, #36]\n\t"            \
    "asr r1, " y2 ", r1\n\t"           \
    "ssat r1, #16, r1\n\t"             \
    "strh r1, [r2]\n\t"                \
    "add r2, r2, lr\n\t"

#define MW_DEFINE_STEPS_(name, sample)                                                         \
    __attribute__((naked, noinline)) static void mw_steps_##name##_q15(__attribute__((unused)) \
                                                                       mw_steps_q15 *steps)    \
    {                                                                                          \
        __asm__(MW_STEPS_BEGIN_ sample("r4", "r5", "r6", "r7")                                 \
                    sample("r5", "r4", "r7", "r6") "cmp r2, r10\n\t"                           \
                                                   "bne 1b\n\t"                                \
                                                   "add sp, sp, #40\n\t"                       \
                                                   "pop {r0}\n\t"                              \
                                                   "add r0, r0, #8\n\t"                        \
                                                   "stmia r0, {r4-r7}\n\t"                     \
                                                   "pop {r4-r11, pc}\n");                      \
    }
MW_DEFINE_STEPS_(inner, MW_STEPS_INNER_)
MW_DEFINE_STEPS_(last, MW_STEPS_LAST_)
#undef MW_DEFINE_STEPS_
#undef MW_STEPS_LAST_
#undef MW_STEPS_INNER_
#undef MW_STEPS_SUM_
#undef MW_STEPS_BEGIN_

static void mw_stepped_section_q15(const mw_iir_section_q15 *s, mw_iir_state_q15 *state, const int16_t *x,
                                   int16_t *out, size_t n, size_t stride, uint_fast8_t out_shift)
{
    mw_steps_q15 steps;
    const size_t before = n < 4 ? n : n & 1;
    if (before != 0) {
        mw_plain_section_q15(s, state, x, out, before, stride, out_shift);
        n -= before;
        if (n == 0) {
            return;
        }
        x += before * stride;
        out += before * stride;
    }
    steps.out = out;
    steps.x_from_out = (uint32_t) x - (uint32_t) out;
    steps.x1 = state->x[0];
    steps.x2 = state->x[1];
    steps.y1 = state->y[0];
    steps.y2 = state->y[1];
    steps.b_shift = s->b_shift;
    steps.d_shift = s->d_shift;
    steps.end = out + n * stride;
    steps.stride = (uint32_t) stride * 2;
    steps.bias = s->bias;
    steps.b2 = s->b[2];
    steps.b0 = s->b[0];
    steps.b1 = s->b[1];
    steps.d0 = s->d[0];
    steps.d1 = mw_d1_q15(s);
    steps.k0 = s->k[0];
    steps.k1 = mw_k1_q15(s);
    steps.out_shift = out_shift;
    (out_shift != 0 ? mw_steps_last_q15 : mw_steps_inner_q15)(&steps);
    state->x[0] = (int16_t) steps.x1;
    state->x[1] = (int16_t) steps.x2;
    state->y[0] = steps.y1;
    state->y[1] = steps.y2;
}

#endif
