/* SPDX-License-Identifier: MIT */
#include <milliwatt/decisions.h>

#include <stddef.h>

int mw_vote_init(mw_vote *vote, int16_t *last, uint8_t room, uint8_t needed)
{
    if (last == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (needed == 0 || needed > room) {
        return MW_ERROR_LENGTH;
    }
    vote->last = last;
    vote->room = room;
    vote->needed = needed;
    vote->label = MW_UNDECIDED;
    vote->held = vote->at = 0;
    return MW_OK;
}

static uint8_t mw_votes_for(const mw_vote *vote, int16_t label)
{
    uint8_t votes = 0;
    for (uint_fast8_t i = 0; i < vote->held; ++i) {
        votes = (uint8_t) (votes + (vote->last[i] == label));
    }
    return votes;
}

int mw_vote_push(mw_vote *vote, int label)
{
    int16_t best = MW_UNDECIDED;
    uint8_t most, at;
    vote->last[vote->at] = (int16_t) label;
    vote->at = (uint8_t) (vote->at + 1 == vote->room ? 0 : vote->at + 1);
    vote->held = (uint8_t) (vote->held + (vote->held < vote->room));
    most = (uint8_t) (vote->needed - 1);
    if (vote->label >= 0) {
        const uint8_t votes = mw_votes_for(vote, vote->label);
        if (votes > most) {
            most = votes;
            best = vote->label;
        }
    }
    /* From the last prediction back: only more votes than a later one had win. */
    at = vote->at;
    for (uint_fast8_t i = 0; i < vote->held; ++i) {
        uint8_t votes;
        at = (uint8_t) (at == 0 ? vote->room - 1 : at - 1);
        if (vote->last[at] < 0) {
            continue;
        }
        votes = mw_votes_for(vote, vote->last[at]);
        if (votes > most) {
            most = votes;
            best = vote->last[at];
        }
    }
    vote->label = best;
    return best;
}

static uint16_t mw_smoothed(uint16_t state, uint16_t p, uint16_t alpha)
{
    const int32_t step = (int32_t) p - state;
    /* Rounded half up, shifted as unsigned: 2^16 is added before and taken off after. */
    const uint32_t moved = (uint32_t) (step * (int32_t) alpha) + (UINT32_C(1) << 31) + (UINT32_C(1) << 14);
    return (uint16_t) (state + (moved >> 15) - (UINT32_C(1) << 16));
}

static uint16_t mw_wide_u8(uint8_t p)
{
    return (uint16_t) (p * 257U);
}

/* 32767 becomes 65535. */
static uint16_t mw_wide_q15(int16_t p)
{
    return (uint16_t) (p < 0 ? 0U : 2U * (uint16_t) p + ((uint16_t) p >> 14));
}

void mw_smooth_scores_begin_u8(uint16_t *state, const uint8_t *p, uint16_t n)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        state[i] = mw_wide_u8(p[i]);
    }
}

void mw_smooth_scores_u8(uint16_t *state, const uint8_t *p, uint16_t n, uint16_t alpha)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        state[i] = mw_smoothed(state[i], mw_wide_u8(p[i]), alpha);
    }
}

void mw_smooth_scores_begin_q15(uint16_t *state, const int16_t *p, uint16_t n)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        state[i] = mw_wide_q15(p[i]);
    }
}

void mw_smooth_scores_q15(uint16_t *state, const int16_t *p, uint16_t n, uint16_t alpha)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        state[i] = mw_smoothed(state[i], mw_wide_q15(p[i]), alpha);
    }
}

void mw_smooth_scores_f32(float *state, const float *p, uint16_t n, float alpha)
{
    for (uint_fast16_t i = 0; i < n; ++i) {
        state[i] += alpha * (p[i] - state[i]);
    }
}

int mw_highest_u16(const uint16_t *state, uint16_t n, uint16_t least)
{
    int best = MW_UNDECIDED;
    for (uint_fast16_t i = 0; i < n; ++i) {
        if (best < 0 ? state[i] >= least : state[i] > least) {
            least = state[i];
            best = (int) i;
        }
    }
    return best;
}

int mw_highest_f32(const float *state, uint16_t n, float least)
{
    int best = MW_UNDECIDED;
    for (uint_fast16_t i = 0; i < n; ++i) {
        if (best < 0 ? state[i] >= least : state[i] > least) {
            least = state[i];
            best = (int) i;
        }
    }
    return best;
}
