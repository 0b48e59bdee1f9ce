/* SPDX-License-Identifier: MIT */
/** @file
 * The loop of iir_q15.h for Armv7E-M and other Arm CPUs that multiply pairs of halfwords: samples next to
 * each other, in place, four a turn.
 *
 * Two inputs come in a word. SMLAD multiplies a pair of them, SMLATB and SMLATT multiply high halves of
 * results. A result takes the register of the one before the last, so nothing moves.
 */
#ifndef MILLIWATT_IIR_Q15_ARMV7EM_H
#define MILLIWATT_IIR_Q15_ARMV7EM_H

/* What the loop begins with, in the order of registers r2 to r12 and lr; then what it finds on the stack. */
typedef struct {
    uint32_t x;                  /* r2: the last input (high half) and the one before */
    const void *end;             /* r3: of the samples */
    int32_t y1, y2;              /* r4, r5 */
    uint32_t b_early, b_late, d; /* r6: b2, b1; r7: b1, b0; r8: d0, d1; low half first */
    int32_t k0, k1;              /* r9, r10 */
    uint32_t b_shift, shift;     /* r11; r12: of d, or of results if that is 0 */
    int32_t bias;                /* lr */
    uint32_t out_shift;
} mw_loop_q15;

#define MW_LOOP_BEGIN_           \
    ".syntax unified\n\t"        \
    "push {r0, r4-r11, lr}\n\t"  \
    "ldr r3, [r0, #48]\n\t"      \
    "push {r2, r3}\n\t"          \
    "ldmia r0, {r2-r12, lr}\n\t" \
    "str r3, [sp]\n"             \
    "1:\n\t"

/* The newer of two results ends up in r4. */
#define MW_LOOP_END_            \
    "ldr r0, [sp]\n\t"          \
    "cmp r1, r0\n\t"            \
    "bne 1b\n\t"                \
    "pop {r2, r3}\n\t"          \
    "pop {r0}\n\t"              \
    "strd r4, r5, [r0, #8]\n\t" \
    "pop {r4-r11, pc}\n"

/* Results of a pair of inputs: `after` is done to each sum of products of inputs and results. */
#define MW_NONE_(older) ""
#define MW_CUT_(older) "bfc " older ", #0, #16\n\t"
#define MW_RESULT_(old, older, after)                                             \
    "asr r0, r0, r11\n\t"                                                         \
    "smlatb r0, " old ", r8, r0\n\t"                                              \
    "smlatt r0, " older ", r8, r0\n\t" after(older) "mla r0, r9, " old ", r0\n\t" \
                                                    "mla " older ", r10, " older ", r0\n\t"
#define MW_FIRST_(x, now, after)  \
    "ldr " now ", [r1]\n\t"       \
    "smlad r0, " x ", r6, lr\n\t" \
    "smlabt r0, " now ", r7, r0\n\t" MW_RESULT_("r4", "r5", after)
#define MW_SECOND_(x, now, after)   \
    "smlad r0, " now ", r7, lr\n\t" \
    "smlatb r0, " x ", r6, r0\n\t" MW_RESULT_("r5", "r4", after)

#define MW_INNER_PAIR_(x, now)      \
    MW_FIRST_(x, now, MW_NONE_)     \
    MW_SECOND_(x, now, MW_NONE_)    \
    "pkhtb r0, r4, r5, asr #16\n\t" \
    "str r0, [r1], #4\n\t"

#define MW_PUT_(y, shift)          \
    "asr r0, " y ", " shift "\n\t" \
    "ssat r0, #16, r0\n\t"         \
    "strh r0, [r1], #2\n\t"
#define MW_LAST_PAIR_(x, now) \
    MW_FIRST_(x, now, MW_NONE_) MW_PUT_("r5", "r12") MW_SECOND_(x, now, MW_NONE_) MW_PUT_("r4", "r12")
#define MW_CUT_INNER_PAIR_(x, now)  \
    MW_FIRST_(x, now, MW_CUT_)      \
    MW_SECOND_(x, now, MW_CUT_)     \
    "pkhtb r0, r4, r5, asr #16\n\t" \
    "str r0, [r1], #4\n\t"
#define MW_CUT_LAST_PAIR_(x, now) \
    MW_FIRST_(x, now, MW_CUT_) MW_PUT_("r5", "r12") MW_SECOND_(x, now, MW_CUT_) MW_PUT_("r4", "r12")

#define MW_SHIFT_D_(older) "asr r0, r0, r12\n\t"
#define MW_PUT_SHIFTED_(y) "ldr r0, [sp, #4]\n\t" MW_PUT_(y, "r0")
#define MW_SHIFTED_PAIR_(x, now)    \
    MW_FIRST_(x, now, MW_SHIFT_D_)  \
    MW_PUT_SHIFTED_("r5")           \
    MW_SECOND_(x, now, MW_SHIFT_D_) \
    MW_PUT_SHIFTED_("r4")

#define MW_DEFINE_LOOP_(name, pair)                                                          \
    __attribute__((naked, noinline)) static void mw_loop_##name##_q15(                       \
        __attribute__((unused)) mw_loop_q15 *loop, __attribute__((unused)) int16_t *samples) \
    {                                                                                        \
        __asm__(MW_LOOP_BEGIN_ pair("r2", "r3") pair("r3", "r2") MW_LOOP_END_);              \
    }
MW_DEFINE_LOOP_(inner, MW_INNER_PAIR_)
MW_DEFINE_LOOP_(last, MW_LAST_PAIR_)
MW_DEFINE_LOOP_(shifted, MW_SHIFTED_PAIR_)
MW_DEFINE_LOOP_(cut_inner, MW_CUT_INNER_PAIR_)
MW_DEFINE_LOOP_(cut_last, MW_CUT_LAST_PAIR_)
#undef MW_DEFINE_LOOP_
#undef MW_SHIFTED_PAIR_
#undef MW_PUT_SHIFTED_
#undef MW_SHIFT_D_
#undef MW_CUT_LAST_PAIR_
#undef MW_CUT_INNER_PAIR_
#undef MW_CUT_
#undef MW_NONE_
#undef MW_LAST_PAIR_
#undef MW_PUT_
#undef MW_INNER_PAIR_
#undef MW_SECOND_
#undef MW_FIRST_
#undef MW_RESULT_
#undef MW_LOOP_END_
#undef MW_LOOP_BEGIN_

static inline uint32_t mw_halves(int16_t low, int16_t high)
{
    return (uint32_t) (uint16_t) low | (uint32_t) (uint16_t) high << 16;
}

/* `n` is a multiple of 4, not 0. */
static void mw_fours_q15(const mw_iir_section_q15 *s, mw_iir_state_q15 *state, int16_t *samples, size_t n,
                         uint_fast8_t out_shift)
{
    mw_loop_q15 loop;
    const int16_t x1 = samples[n - 1], x2 = samples[n - 2];
    loop.x = mw_halves(state->x[1], state->x[0]);
    loop.end = samples + n;
    loop.y1 = state->y[0];
    loop.y2 = state->y[1];
    loop.b_early = mw_halves(s->b[2], s->b[1]);
    loop.b_late = mw_halves(s->b[1], s->b[0]);
    loop.d = mw_halves(s->d[0], s->d[1]);
    loop.k0 = s->k[0];
    loop.k1 = s->k[1];
    loop.b_shift = s->b_shift;
    loop.shift = s->d_shift;
    loop.bias = s->bias;
    loop.out_shift = out_shift != 0 ? out_shift : 16; /* what is saturated to 16 bits then has no more */
    if (loop.shift != 0) {
        mw_loop_shifted_q15(&loop, samples);
    } else if (out_shift != 0) {
        loop.shift = out_shift;
        (s->cut != 0 ? mw_loop_cut_last_q15 : mw_loop_last_q15)(&loop, samples);
    } else {
        (s->cut != 0 ? mw_loop_cut_inner_q15 : mw_loop_inner_q15)(&loop, samples);
    }
    state->x[0] = x1;
    state->x[1] = x2;
    state->y[0] = loop.y1;
    state->y[1] = loop.y2;
}

static void mw_section_q15(const mw_iir_section_q15 *section, mw_iir_state_q15 *state, const int16_t *x,
                           int16_t *out, size_t n, size_t stride, uint_fast8_t out_shift)
{
    if (stride == 1 && n >= 8) {
        const size_t fours = n & ~(size_t) 3;
        if (x != out) {
            memcpy(out, x, fours * sizeof *out);
        }
        mw_fours_q15(section, state, out, fours, out_shift);
        x += fours;
        out += fours;
        n -= fours;
    }
    if (n != 0) {
        mw_stepped_section_q15(section, state, x, out, n, stride, out_shift);
    }
}

#endif
