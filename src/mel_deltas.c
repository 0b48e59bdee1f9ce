/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <milliwatt/cepstrum.h>

int mw_deltas_begin(mw_deltas *state, float *history, size_t size, uint16_t n, uint8_t reach, uint8_t order)
{
    if (n == 0 || reach < 1 || reach > 16 || order < 1 || order > 2 || size != MW_DELTAS_SIZE(n, reach)) {
        return MW_ERROR_LENGTH;
    }
    state->history = history;
    state->n = n;
    state->reach = reach;
    state->order = order;
    state->place = 0;
    state->frames = 0;
    return MW_OK;
}

/* The frame that came `back` frames ago. */
static const float *mw_deltas_frame(const mw_deltas *state, unsigned back)
{
    const unsigned frames = 2U * state->reach + 1U;
    const unsigned place = state->place >= back ? state->place - back : state->place + frames - back;
    return state->history + (size_t) place * state->n;
}

/* out += the products of weights 1, 2, ... and differences (order 1) or sums of the frames that far away. */
static void mw_deltas_add(const mw_deltas *state, unsigned far, float weight, float *out)
{
    const float *after = mw_deltas_frame(state, state->reach - far);
    const float *before = mw_deltas_frame(state, state->reach + far);
    for (uint_fast16_t i = 0; i < state->n; ++i) {
        out[i] += weight * (state->order == 1 ? after[i] - before[i] : after[i] + before[i]);
    }
}

/* Least squares: the slope, or twice the factor of t^2 in the parabola, whose weights are t^2 less its mean.
 */
static void mw_deltas_centre(const mw_deltas *state, float *out)
{
    const int32_t m = state->reach;
    const int32_t squares = m * (m + 1) * (2 * m + 1) / 3;         /* sum of t^2, -m to m */
    const int32_t fourths = squares * (3 * m * m + 3 * m - 1) / 5; /* sum of t^4 */
    const int32_t frames = 2 * m + 1;
    /* In the second derivative all weights are multiplied by `frames`. */
    const float unit =
        state->order == 1 ? 1.0f / (float) squares : 2.0f / (float) (frames * fourths - squares * squares);
    const float *const middle = mw_deltas_frame(state, state->reach);
    for (uint_fast16_t i = 0; i < state->n; ++i) {
        out[i] = state->order == 1 ? 0.0f : -(float) squares * unit * middle[i];
    }
    for (int32_t t = 1; t <= m; ++t) {
        const int32_t weight = state->order == 1 ? t : frames * t * t - squares;
        mw_deltas_add(state, (unsigned) t, unit * (float) weight, out);
    }
}

int mw_deltas_push(mw_deltas *state, const float *frame, size_t n, float *out)
{
    const unsigned frames = 2U * state->reach + 1U;
    unsigned copies = state->frames == 0 ? state->reach + 1U : 1U;
    if (n != state->n) {
        return MW_ERROR_LENGTH;
    }
    while (copies-- != 0) {
        state->place = (uint8_t) (state->place + 1U == frames ? 0U : state->place + 1U);
        memcpy(state->history + (size_t) state->place * n, frame, n * sizeof *frame);
    }
    if (state->frames <= state->reach) {
        ++state->frames;
    }
    if (state->frames <= state->reach) {
        return 0;
    }
    mw_deltas_centre(state, out);
    return 1;
}
