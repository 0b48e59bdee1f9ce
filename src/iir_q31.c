/* SPDX-License-Identifier: MIT */
#include <milliwatt/iir.h>

#include "in_reach.h"
#include "iir_long.h"
#include "noinline.h"

static int32_t mw_saturated_q31(int64_t value)
{
    if (value > INT32_MAX) {
        return INT32_MAX;
    }
    return value < INT32_MIN ? INT32_MIN : (int32_t) value;
}

/* The sum of one sample, of which the result is `>> 30`. */
static inline uint64_t mw_step_q31(const mw_iir_section_q31 *s, int32_t x0, int32_t x1, int32_t x2,
                                   int32_t y1, int32_t y2, uint32_t *in_rest, uint32_t rest)
{
    uint64_t sum = mw_add_product_64(*in_rest, s->b[0], x0);
    sum = mw_add_product_64(sum, s->b[1], x1);
    sum = mw_add_product_64(sum, s->b[2], x2);
    *in_rest = (uint32_t) sum;
    sum = mw_add_shifted_64(rest, (int32_t) (uint32_t) (sum >> 32), s->b_shift);
    sum = mw_add_product_64(sum, s->a[0], y1);
    return mw_add_product_64(sum, s->a[1], y2);
}

static inline int32_t mw_result_q31(uint64_t sum)
{
    return (int32_t) (uint32_t) (sum >> 30);
}

static inline uint32_t mw_rest_q31(uint64_t sum)
{
    return (uint32_t) sum & UINT32_C(0x3fffffff);
}

/* One section; gives its results, or, if `out_shift` is not 0, saturated ones. */
MW_NOINLINE static void mw_plain_section_q31(const mw_iir_section_q31 *from, mw_iir_state_q31 *state,
                                             const int32_t *x, int32_t *out, size_t n, size_t stride,
                                             uint_fast8_t out_shift)
{
    const mw_iir_section_q31 section = *from; /* which no result can change */
    int32_t x1 = state->x[0], x2 = state->x[1], y1 = state->y[0], y2 = state->y[1];
    uint32_t in_rest = state->in_rest, rest = state->rest;
    do {
        const int32_t x0 = *x;
        const uint64_t sum = mw_step_q31(&section, x0, x1, x2, y1, y2, &in_rest, rest);
        x2 = x1;
        x1 = x0;
        y2 = y1;
        y1 = mw_result_q31(sum);
        rest = mw_rest_q31(sum);
        *out = out_shift != 0 ? mw_saturated_q31((int64_t) sum >> out_shift) : y1;
        x += stride;
        out += stride;
    } while (--n != 0);
    state->x[0] = x1;
    state->x[1] = x2;
    state->y[0] = y1;
    state->y[1] = y2;
    state->in_rest = in_rest;
    state->rest = rest;
}

#if defined(__thumb2__) && defined(__GNUC__) && !defined(__ARM_BIG_ENDIAN)
#include "arch/iir_q31_thumb2.h"
#else
#define mw_section_q31 mw_plain_section_q31
#endif

int32_t mw_iir_one_q31(const mw_iir_q31 *flash, mw_iir_state_q31 *state, int32_t x)
{
    MW_IN_REACH(mw_iir_q31, filter, flash);
    const mw_iir_section_q31 *at = filter->sections;
    uint_fast8_t left = filter->n_sections;
    for (;;) {
        MW_IN_REACH(mw_iir_section_q31, section, at);
        const int32_t y1 = state->y[0], x1 = state->x[0];
        const uint64_t sum =
            mw_step_q31(section, x, x1, state->x[1], y1, state->y[1], &state->in_rest, state->rest);
        state->x[0] = x;
        state->x[1] = x1;
        state->y[0] = mw_result_q31(sum);
        state->y[1] = y1;
        state->rest = mw_rest_q31(sum);
        if (--left == 0) {
            return mw_saturated_q31((int64_t) sum >> filter->out_shift);
        }
        x = state->y[0];
        ++at;
        ++state;
    }
}

int mw_iir_run_q31(const mw_iir_q31 *flash, mw_iir_state_q31 *state, size_t n_channels, const int32_t *x,
                   int32_t *out, size_t n)
{
    if (flash == NULL || state == NULL || x == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q31, filter, flash);
    for (size_t channel = 0; channel < n_channels && n != 0; ++channel) {
        const int32_t *from = x + channel;
        if (n == 1) {
            out[channel] = mw_iir_one_q31(flash, state, *from);
            state += filter->n_sections;
            continue;
        }
        for (uint_fast8_t left = filter->n_sections; left != 0; --left) {
            MW_IN_REACH(mw_iir_section_q31, section, filter->sections + (filter->n_sections - left));
            mw_section_q31(section, state, from, out + channel, n, n_channels,
                           left == 1 ? filter->out_shift : 0);
            from = out + channel;
            ++state;
        }
    }
    return MW_OK;
}

int mw_iir_reset_q31(const mw_iir_q31 *flash, mw_iir_state_q31 *state, size_t n_channels)
{
    const mw_iir_state_q31 zero = {{0, 0}, {0, 0}, 0, 0};
    if (flash == NULL || state == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q31, filter, flash);
    for (size_t left = filter->n_sections * n_channels; left != 0; --left) {
        *state++ = zero;
    }
    return MW_OK;
}

int mw_iir_settle_q31(const mw_iir_q31 *flash, mw_iir_state_q31 *state, size_t n_channels, const int32_t *x0)
{
    if (flash == NULL || state == NULL || x0 == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q31, filter, flash);
    for (size_t channel = 0; channel < n_channels; ++channel) {
        int32_t x = x0[channel];
        for (uint_fast8_t i = 0; i < filter->n_sections; ++i) {
            MW_IN_REACH(mw_iir_section_q31, section, filter->sections + i);
            const uint64_t y = mw_product_64(section->gain, x) + (UINT32_C(1) << 29);
            state->x[0] = state->x[1] = x;
            x = (int32_t) (uint32_t) (y >> 30);
            state->y[0] = state->y[1] = x;
            state->in_rest = state->rest = 0;
            ++state;
        }
    }
    return MW_OK;
}
