/* SPDX-License-Identifier: MIT */
#include <milliwatt/iir.h>

#include "in_reach.h"
#include "noinline.h"
#include "iir_q15.h"

static int16_t mw_saturated_q15(int32_t value)
{
    if (value > 32767) {
        return 32767;
    }
    return value < -32768 ? -32768 : (int16_t) value;
}

int16_t mw_iir_one_q15(const mw_iir_q15 *flash, mw_iir_state_q15 *state, int16_t x0)
{
    MW_IN_REACH(mw_iir_q15, filter, flash);
    const mw_iir_section_q15 *at = filter->sections;
    uint_fast8_t left = filter->n_sections;
    int32_t x = x0;
    for (;;) {
        MW_IN_REACH(mw_iir_section_q15, section, at);
        const int32_t y1 = state->y[0], x1 = state->x[0];
        const int32_t y = mw_step_q15(section, x, x1, state->x[1], y1, state->y[1]);
        state->x[0] = (int16_t) x;
        state->x[1] = (int16_t) x1;
        state->y[0] = y;
        state->y[1] = y1;
        if (--left == 0) {
            return mw_saturated_q15(y >> filter->out_shift);
        }
        x = y >> 16;
        ++at;
        ++state;
    }
}

/* All sections of one channel. */
MW_NOINLINE static void mw_channel_q15(const mw_iir_q15 *filter, mw_iir_state_q15 *state, const int16_t *x,
                                       int16_t *out, size_t n, size_t stride)
{
    const mw_iir_section_q15 *at = filter->sections;
    for (uint_fast8_t left = filter->n_sections; left != 0; --left) {
        MW_IN_REACH(mw_iir_section_q15, section, at);
        mw_section_q15(section, state, x, out, n, stride, left == 1 ? filter->out_shift : 0);
        x = out;
        ++at;
        ++state;
    }
}

int mw_iir_run_q15(const mw_iir_q15 *flash, mw_iir_state_q15 *state, size_t n_channels, const int16_t *x,
                   int16_t *out, size_t n)
{
    if (flash == NULL || state == NULL || x == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q15, filter, flash);
    for (size_t channel = 0; channel < n_channels && n != 0; ++channel) {
        if (n == 1) {
            out[channel] = mw_iir_one_q15(flash, state, x[channel]);
        } else {
            mw_channel_q15(filter, state, x + channel, out + channel, n, n_channels);
        }
        state += filter->n_sections;
    }
    return MW_OK;
}

int mw_iir_reset_q15(const mw_iir_q15 *flash, mw_iir_state_q15 *state, size_t n_channels)
{
    const mw_iir_state_q15 zero = {{0, 0}, {0, 0}};
    if (flash == NULL || state == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q15, filter, flash);
    for (size_t left = filter->n_sections * n_channels; left != 0; --left) {
        *state++ = zero;
    }
    return MW_OK;
}

int mw_iir_settle_q15(const mw_iir_q15 *flash, mw_iir_state_q15 *state, size_t n_channels, const int16_t *x0)
{
    if (flash == NULL || state == NULL || x0 == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(mw_iir_q15, filter, flash);
    for (size_t channel = 0; channel < n_channels; ++channel) {
        int32_t x = x0[channel];
        for (uint_fast8_t i = 0; i < filter->n_sections; ++i) {
            MW_IN_REACH(mw_iir_section_q15, section, filter->sections + i);
            const uint_fast8_t shift = i + 1 == filter->n_sections ? filter->out_shift : 16;
            /* Half a unit of what is handed on: where `bias` puts results. */
            const int32_t y = section->gain * x + (int32_t) (UINT32_C(1) << (shift - 1));
            state->x[0] = state->x[1] = (int16_t) x;
            state->y[0] = state->y[1] = y;
            ++state;
            x = y >> 16;
        }
    }
    return MW_OK;
}
