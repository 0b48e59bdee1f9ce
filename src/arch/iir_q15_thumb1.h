/* SPDX-License-Identifier: MIT */
/** @file
 * The loop of iir_q15.h for Cortex-M0: 36 instructions a sample, of the last section 41.
 *
 * Products of a number are all formed while it is in a register that MULS can take, so what later samples
 * need of it is kept as sums, in registers that only ADD and MOV can reach: r8 and r9 what inputs add to the
 * next two sums, r10 and r11 what the result before adds to the next. All are modulo 2^32, so the results are
 * the same.
 */
#ifndef MILLIWATT_IIR_Q15_THUMB1_H
#define MILLIWATT_IIR_Q15_THUMB1_H

/* What the loop works on; offsets are below. */
typedef struct {
    int32_t b0, b1, b2, b_shift; /* 0, 4, 8, 12 */
    int32_t d0, d1, d_shift;     /* 16, 20, 24 */
    int32_t k0, k1;              /* 28, 32 */
    int32_t bias, out_shift;     /* 36, 40 */
    int16_t *out;                /* 44: the first one to write */
    uint32_t x_from_out;         /* 48: bytes from there to the first one to read */
    const int16_t *end;          /* 52: of `out` */
    uint32_t stride;             /* 56: bytes */
    uint32_t ahead, ahead_2;     /* 60, 64: r8, r9 */
    uint32_t after_d, after_k;   /* 68, 72: r10, r11 */
    int32_t y1, y2;              /* 76, 80 */
} mw_loop_q15;

/* r0 loop, r1 out, r2 x_from_out, r4 y1, r7 its high half; r12 end, lr stride */
#define MW_LOOP_BEGIN_       \
    ".syntax unified\n\t"    \
    "push {r4-r7, lr}\n\t"   \
    "mov r4, r8\n\t"         \
    "mov r5, r9\n\t"         \
    "mov r6, r10\n\t"        \
    "mov r7, r11\n\t"        \
    "push {r4-r7}\n\t"       \
    "mov r1, r0\n\t"         \
    "adds r1, #44\n\t"       \
    "ldmia r1!, {r2-r7}\n\t" \
    "mov r12, r4\n\t"        \
    "mov lr, r5\n\t"         \
    "mov r8, r6\n\t"         \
    "mov r9, r7\n\t"         \
    "ldmia r1!, {r4-r6}\n\t" \
    "mov r10, r4\n\t"        \
    "mov r11, r5\n\t"        \
    "mov r4, r6\n\t"         \
    "asrs r7, r4, #16\n\t"   \
    "mov r1, r2\n\t"         \
    "mov r2, r3\n"           \
    "1:\n\t"

/* r4 becomes the new result, r7 its high half. */
#define MW_LOOP_SUM_         \
    "ldrsh r5, [r1, r2]\n\t" \
    "ldr r3, [r0, #0]\n\t"   \
    "muls r3, r5\n\t"        \
    "add r3, r8\n\t"         \
    "ldr r6, [r0, #4]\n\t"   \
    "muls r6, r5\n\t"        \
    "add r6, r9\n\t"         \
    "mov r8, r6\n\t"         \
    "ldr r6, [r0, #8]\n\t"   \
    "muls r5, r6\n\t"        \
    "ldr r6, [r0, #36]\n\t"  \
    "adds r5, r6\n\t"        \
    "mov r9, r5\n\t"         \
    "ldr r6, [r0, #12]\n\t"  \
    "asrs r3, r6\n\t"        \
    "ldr r6, [r0, #16]\n\t"  \
    "muls r6, r7\n\t"        \
    "adds r3, r6\n\t"        \
    "add r3, r10\n\t"        \
    "ldr r6, [r0, #20]\n\t"  \
    "muls r7, r6\n\t"        \
    "mov r10, r7\n\t"        \
    "ldr r6, [r0, #24]\n\t"  \
    "asrs r3, r6\n\t"        \
    "add r3, r11\n\t"        \
    "ldr r6, [r0, #28]\n\t"  \
    "muls r6, r4\n\t"        \
    "str r4, [r0, #80]\n\t"  \
    "ldr r5, [r0, #32]\n\t"  \
    "muls r5, r4\n\t"        \
    "mov r11, r5\n\t"        \
    "adds r4, r3, r6\n\t"    \
    "asrs r7, r4, #16\n\t"

#define MW_LOOP_NEXT_       \
    "add r1, lr\n\t"        \
    "cmp r1, r12\n\t"       \
    "bne 1b\n\t"            \
    "str r4, [r0, #76]\n\t" \
    "pop {r4-r7}\n\t"       \
    "mov r8, r4\n\t"        \
    "mov r9, r5\n\t"        \
    "mov r10, r6\n\t"       \
    "mov r11, r7\n\t"       \
    "pop {r4-r7, pc}\n"

#define MW_LOOP_INNER_ MW_LOOP_SUM_ "strh r7, [r1]\n\t"

#define MW_LOOP_LAST_(back, beyond)  \
    MW_LOOP_SUM_                     \
    "ldr r6, [r0, #40]\n\t"          \
    "mov r3, r4\n\t"                 \
    "asrs r3, r6\n\t"                \
    "sxth r5, r3\n\t"                \
    "cmp r5, r3\n\t"                 \
    "bne " beyond "f\n" back ":\n\t" \
    "strh r5, [r1]\n\t"

/* 32767 if it is positive, else -32768 */
#define MW_LOOP_BEYOND_(back, beyond) \
    beyond ":\n\t"                    \
           "asrs r5, r3, #31\n\t"     \
           "movs r6, #1\n\t"          \
           "lsls r6, r6, #15\n\t"     \
           "subs r6, #1\n\t"          \
           "eors r5, r6\n\t"          \
           "b " back "b\n\t"

/* Two samples a turn. */
__attribute__((naked, noinline)) static void mw_loop_inner_q15(__attribute__((unused)) mw_loop_q15 *loop)
{
    __asm__(MW_LOOP_BEGIN_ MW_LOOP_INNER_ "add r1, lr\n\t" MW_LOOP_INNER_ MW_LOOP_NEXT_);
}

__attribute__((naked, noinline)) static void mw_loop_last_q15(__attribute__((unused)) mw_loop_q15 *loop)
{
    __asm__(MW_LOOP_BEGIN_ MW_LOOP_LAST_("2", "3") "add r1, lr\n\t" MW_LOOP_LAST_("4", "5")
                MW_LOOP_NEXT_ MW_LOOP_BEYOND_("2", "3") MW_LOOP_BEYOND_("4", "5"));
}

#undef MW_LOOP_INNER_
#undef MW_LOOP_LAST_
#undef MW_LOOP_BEYOND_
#undef MW_LOOP_BEGIN_
#undef MW_LOOP_SUM_
#undef MW_LOOP_NEXT_

static void mw_section_q15(const mw_iir_section_q15 *s, mw_iir_state_q15 *state, const int16_t *x,
                           int16_t *out, size_t n, size_t stride, uint_fast8_t out_shift)
{
    const size_t before = n < 4 ? n : n & 1; /* of few samples the loop takes longer to prepare */
    if (before != 0) {
        mw_plain_section_q15(s, state, x, out, before, stride, out_shift);
        n -= before;
        if (n == 0) {
            return;
        }
        x += before * stride;
        out += before * stride;
    }
    /* `out` may be `x`, so the last inputs are read first. */
    const int16_t *const last = x + (n - 1) * stride;
    const int16_t x1 = *last, x2 = *(last - stride);
    const uint32_t ahead_2 = (uint32_t) s->bias + MW_PRODUCT_(s->b[2], state->x[0]);
    mw_loop_q15 loop = {s->b[0],
                        s->b[1],
                        s->b[2],
                        s->b_shift,
                        s->d[0],
                        mw_d1_q15(s),
                        s->d_shift,
                        s->k[0],
                        mw_k1_q15(s),
                        s->bias,
                        (int32_t) out_shift,
                        out,
                        0,
                        out + n * stride,
                        (uint32_t) stride * 2,
                        0,
                        ahead_2,
                        0,
                        0,
                        state->y[0],
                        0};
    loop.x_from_out = (uint32_t) x - (uint32_t) out;
    loop.ahead = (uint32_t) s->bias + MW_PRODUCT_(s->b[1], state->x[0]) + MW_PRODUCT_(s->b[2], state->x[1]);
    loop.after_d = (uint32_t) loop.d1 * (uint32_t) (state->y[1] >> 16);
    loop.after_k = (uint32_t) loop.k1 * (uint32_t) state->y[1];
    (out_shift != 0 ? mw_loop_last_q15 : mw_loop_inner_q15)(&loop);
    state->x[0] = x1;
    state->x[1] = x2;
    state->y[0] = loop.y1;
    state->y[1] = loop.y2;
}

#endif
