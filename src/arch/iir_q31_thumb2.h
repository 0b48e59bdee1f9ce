/* SPDX-License-Identifier: MIT */
/** @file
 * The loop of iir_q31.c for Armv7-M and other CPUs with Thumb-2: 18 instructions a sample, of the last
 * section 25; two samples a turn.
 *
 * SMLAL adds a product to 64 bits in two registers. The low one of a sum is what it leaves for the next, so
 * it stays where it is. New numbers take the registers of the oldest ones.
 */
#ifndef MILLIWATT_IIR_Q31_THUMB2_H
#define MILLIWATT_IIR_Q31_THUMB2_H

/* What the loop works on; offsets are below. */
typedef struct {
    int32_t *out;         /* 0: r2 */
    uint32_t x_from_out;  /* 4: r3, bytes */
    int32_t x1, x2;       /* 8: r4, r5 */
    int32_t y1, y2;       /* 16: r6, r7 */
    uint32_t in_rest;     /* 24: r8 */
    uint32_t rest;        /* 28: r9 */
    const int32_t *end;   /* 32: r10, of `out` */
    uint32_t stride;      /* 36: lr, bytes */
    int32_t b0, b1;       /* 40 */
    int32_t b2, scale;    /* 48 */
    int32_t a0, a1;       /* 56 */
    uint32_t shift, left; /* 64: of the output, and 32 less that */
} mw_loop_q31;

/* r0 stays on the stack, below it the constants from offset 40 on. */
#define MW_LOOP_BEGIN_           \
    ".syntax unified\n\t"        \
    "push {r0, r4-r11, lr}\n\t"  \
    "ldrd r4, r5, [r0, #64]\n\t" \
    "push {r4, r5}\n\t"          \
    "add r1, r0, #40\n\t"        \
    "ldmia r1, {r4-r9}\n\t"      \
    "push {r4-r9}\n\t"           \
    "ldr lr, [r0, #36]\n\t"      \
    "ldmia r0, {r2-r10}\n"       \
    "1:\n\t"

/* `y2` becomes the result, `x2` the input. */
#define MW_LOOP_SUM_(x1, x2, y1, y2) \
    "mov r1, #0\n\t"                 \
    "ldrd r11, r12, [sp, #8]\n\t"    \
    "smlal r8, r1, r11, " x2 "\n\t"  \
    "ldr " x2 ", [r2, r3]\n\t"       \
    "ldrd r11, r0, [sp]\n\t"         \
    "smlal r8, r1, r11, " x2 "\n\t"  \
    "smlal r8, r1, r0, " x1 "\n\t"   \
    "mov r0, #0\n\t"                 \
    "smlal r9, r0, r1, r12\n\t"      \
    "ldrd r11, r12, [sp, #16]\n\t"   \
    "smlal r9, r0, r11, " y1 "\n\t"  \
    "smlal r9, r0, r12, " y2 "\n\t"  \
    "lsl " y2 ", r0, #2\n\t"         \
    "orr " y2 ", " y2 ", r9, lsr #30\n\t"

#define MW_LOOP_INNER_(x1, x2, y1, y2, back, beyond) \
    MW_LOOP_SUM_(x1, x2, y1, y2)                     \
    "bic r9, r9, #0xc0000000\n\t"                    \
    "str " y2 ", [r2]\n\t"                           \
    "add r2, r2, lr\n\t"

#define MW_LOOP_LAST_(x1, x2, y1, y2, back, beyond) \
    MW_LOOP_SUM_(x1, x2, y1, y2)                    \
    "ldrd r11, r12, [sp, #24]\n\t"                  \
    "lsr r1, r9, r11\n\t"                           \
    "lsl r12, r0, r12\n\t"                          \
    "orr r1, r1, r12\n\t"                           \
    "asr r0, r0, r11\n\t"                           \
    "cmp r0, r1, asr #31\n\t"                       \
    "bne " beyond "f\n" back ":\n\t"                \
    "bic r9, r9, #0xc0000000\n\t"                   \
    "str r1, [r2]\n\t"                              \
    "add r2, r2, lr\n\t"

#define MW_LOOP_END_        \
    "cmp r2, r10\n\t"       \
    "bne 1b\n\t"            \
    "add sp, sp, #32\n\t"   \
    "pop {r0}\n\t"          \
    "add r0, r0, #8\n\t"    \
    "stmia r0, {r4-r9}\n\t" \
    "pop {r4-r11, pc}\n"

/* 2^31 - 1 if it is positive, else -2^31 */
#define MW_LOOP_BEYOND_(back, beyond)    \
    beyond ":\n\t"                       \
           "mvn r1, #0x80000000\n\t"     \
           "eor r1, r1, r0, asr #31\n\t" \
           "b " back "b\n"

__attribute__((naked, noinline)) static void mw_loop_inner_q31(__attribute__((unused)) mw_loop_q31 *loop)
{
    __asm__(MW_LOOP_BEGIN_ MW_LOOP_INNER_("r4", "r5", "r6", "r7", "", "")
                MW_LOOP_INNER_("r5", "r4", "r7", "r6", "", "") MW_LOOP_END_);
}

__attribute__((naked, noinline)) static void mw_loop_last_q31(__attribute__((unused)) mw_loop_q31 *loop)
{
    __asm__(MW_LOOP_BEGIN_ MW_LOOP_LAST_("r4", "r5", "r6", "r7", "2", "3") MW_LOOP_LAST_(
        "r5", "r4", "r7", "r6", "4", "5") MW_LOOP_END_ MW_LOOP_BEYOND_("2", "3") MW_LOOP_BEYOND_("4", "5"));
}

#undef MW_LOOP_BEYOND_
#undef MW_LOOP_END_
#undef MW_LOOP_LAST_
#undef MW_LOOP_INNER_
#undef MW_LOOP_SUM_
#undef MW_LOOP_BEGIN_

static void mw_section_q31(const mw_iir_section_q31 *s, mw_iir_state_q31 *state, const int32_t *x,
                           int32_t *out, size_t n, size_t stride, uint_fast8_t out_shift)
{
    mw_loop_q31 loop;
    const size_t before = n < 4 || out_shift > 31 ? n : n & 1;
    if (before != 0) {
        mw_plain_section_q31(s, state, x, out, before, stride, out_shift);
        n -= before;
        if (n == 0) {
            return;
        }
        x += before * stride;
        out += before * stride;
    }
    loop.out = out;
    loop.x_from_out = (uint32_t) x - (uint32_t) out;
    loop.x1 = state->x[0];
    loop.x2 = state->x[1];
    loop.y1 = state->y[0];
    loop.y2 = state->y[1];
    loop.in_rest = state->in_rest;
    loop.rest = state->rest;
    loop.end = out + n * stride;
    loop.stride = (uint32_t) stride * 4;
    loop.b0 = s->b[0];
    loop.b1 = s->b[1];
    loop.b2 = s->b[2];
    loop.scale = (int32_t) (UINT32_C(1) << s->b_shift);
    loop.a0 = s->a[0];
    loop.a1 = s->a[1];
    loop.shift = out_shift;
    loop.left = 32U - out_shift;
    (out_shift != 0 ? mw_loop_last_q31 : mw_loop_inner_q31)(&loop);
    state->x[0] = loop.x1;
    state->x[1] = loop.x2;
    state->y[0] = loop.y1;
    state->y[1] = loop.y2;
    state->in_rest = loop.in_rest;
    state->rest = loop.rest;
}

#endif
