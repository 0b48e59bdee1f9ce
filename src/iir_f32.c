/* SPDX-License-Identifier: MIT */
#include <milliwatt/iir.h>
#include <milliwatt/trees.h>

#include "in_reach.h"
#include "multiply_add.h"
#if MW_CMSIS_DSP
#include "signal_cmsis.h"
#endif

typedef struct {
    float b0, b1, b2, a1, a2, s1, s2;
} mw_live_f32;

static mw_live_f32 mw_begin_f32(const mw_iir_section_f32 *section, const float *state)
{
    mw_live_f32 live;
    live.b0 = mw_read_float(section->b);
    live.b1 = mw_read_float(section->b + 1);
    live.b2 = mw_read_float(section->b + 2);
    live.a1 = mw_read_float(section->a);
    live.a2 = mw_read_float(section->a + 1);
    live.s1 = state[0];
    live.s2 = state[1];
    return live;
}

static inline float mw_step_f32(mw_live_f32 *live, float x)
{
    const float y = mw_plus_product(live->s1, live->b0, x);
    live->s1 = mw_less_product(mw_plus_product(live->s2, live->b1, x), live->a1, y);
    live->s2 = mw_less_product(live->b2 * x, live->a2, y);
    return y;
}

/* One section; `stride` is the number of channels. */
static void mw_one_f32(const mw_iir_section_f32 *section, float *state, size_t stride, const float *x,
                       float *out, size_t n)
{
    mw_live_f32 live = mw_begin_f32(section, state);
    do {
        *out = mw_step_f32(&live, *x);
        x += stride;
        out += stride;
    } while (--n != 0);
    state[0] = live.s1;
    state[1] = live.s2;
}

/* Two sections at once: what goes from one to the other stays in a register. */
static void mw_two_f32(const mw_iir_section_f32 *section, float *state, size_t stride, const float *x,
                       float *out, size_t n)
{
    mw_live_f32 first = mw_begin_f32(section, state);
    mw_live_f32 second = mw_begin_f32(section + 1, state + 2);
    for (; n >= 2; n -= 2) {
        const float x0 = *x, x1 = x[stride];
        x += 2 * stride;
        *out = mw_step_f32(&second, mw_step_f32(&first, x0));
        out[stride] = mw_step_f32(&second, mw_step_f32(&first, x1));
        out += 2 * stride;
    }
    if (n != 0) {
        *out = mw_step_f32(&second, mw_step_f32(&first, *x));
    }
    state[0] = first.s1;
    state[1] = first.s2;
    state[2] = second.s1;
    state[3] = second.s2;
}

float mw_iir_one_f32(const mw_iir_f32 *flash, float *state, float x)
{
    MW_IN_REACH(mw_iir_f32, filter, flash);
    const mw_iir_section_f32 *at = filter->sections;
    for (uint_fast8_t left = filter->n_sections; left != 0; --left) {
        MW_IN_REACH(mw_iir_section_f32, section, at);
        const float y = mw_plus_product(state[0], section->b[0], x);
        state[0] = mw_less_product(mw_plus_product(state[1], section->b[1], x), section->a[0], y);
        state[1] = mw_less_product(section->b[2] * x, section->a[1], y);
        x = y;
        state += 2;
        ++at;
    }
    return x;
}

int mw_iir_run_f32(const mw_iir_f32 *flash, float *state, size_t n_channels, const float *x, float *out,
                   size_t n)
{
    if (flash == NULL || state == NULL || x == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_f32, filter, flash);
    if (n == 0) {
        return MW_OK;
    }
#if MW_CMSIS_DSP
    if (n_channels == 1) {
        mw_iir_by_cmsis(filter, state, x, out, n);
        return MW_OK;
    }
#endif
    for (size_t channel = 0; channel < n_channels; ++channel) {
        const mw_iir_section_f32 *section = filter->sections;
        const float *from = x + channel;
        if (n == 1) {
            out[channel] = mw_iir_one_f32(flash, state, *from);
            state += (size_t) 2 * filter->n_sections;
            continue;
        }
        uint_fast8_t left = filter->n_sections;
        for (; left >= 2; left = (uint_fast8_t) (left - 2U)) {
            mw_two_f32(section, state, n_channels, from, out + channel, n);
            from = out + channel;
            section += 2;
            state += 4;
        }
        if (left != 0) {
            mw_one_f32(section, state, n_channels, from, out + channel, n);
            state += 2;
        }
    }
    return MW_OK;
}

int mw_iir_reset_f32(const mw_iir_f32 *flash, float *state, size_t n_channels)
{
    if (flash == NULL || state == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_f32, filter, flash);
    for (size_t left = (size_t) 2 * filter->n_sections * n_channels; left != 0; --left) {
        *state++ = 0.0f;
    }
    return MW_OK;
}

int mw_iir_settle_f32(const mw_iir_f32 *flash, float *state, size_t n_channels, const float *x0)
{
    if (flash == NULL || state == NULL || x0 == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_f32, filter, flash);
    for (size_t channel = 0; channel < n_channels; ++channel) {
        float x = x0[channel];
        for (uint_fast8_t i = 0; i < filter->n_sections; ++i) {
            const mw_live_f32 live = mw_begin_f32(filter->sections + i, state);
            /* a1 is close to -2 and a2 to 1 where it matters: in this order nothing is lost. */
            const float y = x * (((live.b0 + live.b1) + live.b2) / ((1.0f + live.a1) + live.a2));
            state[1] = live.b2 * x - live.a2 * y;
            state[0] = y - live.b0 * x;
            state += 2;
            x = y;
        }
    }
    return MW_OK;
}
