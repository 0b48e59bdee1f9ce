/* SPDX-License-Identifier: MIT */
#include <milliwatt/config.h>
#include <milliwatt/status.h>
#include <milliwatt/windows.h>

#include "sine.h"

/* What cosines of 0, 1, 2, ... turns a window weigh, with signs in turn, in 2^-30. */
#define MW_WINDOW_TERMS 5
static const uint32_t mw_window_factors[6][MW_WINDOW_TERMS] MW_FLASH = {
    {UINT32_C(1073741824), 0, 0, 0, 0},
    {UINT32_C(536870912), UINT32_C(536870912), 0, 0, 0},
    {UINT32_C(579820585), UINT32_C(493921239), 0, 0, 0},
    {UINT32_C(450971566), UINT32_C(536870912), UINT32_C(85899346), 0, 0},
    {UINT32_C(385204879), UINT32_C(524297395), UINT32_C(151698245), UINT32_C(12541305), 0},
    {UINT32_C(231476135), UINT32_C(447354753), UINT32_C(297709049), UINT32_C(89742211), UINT32_C(7459676)}};

/* In 2^-60. */
static int64_t mw_window_at(mw_window_kind window, uint32_t turns)
{
    const uint32_t *const factors = mw_window_factors[(unsigned) window];
    uint32_t angle = 0;
    int64_t sum = 0;
    for (uint_fast8_t i = 0; i < MW_WINDOW_TERMS; ++i) {
        const int64_t factor = (int64_t) MW_READ_32(factors + i);
        if (factor != 0) {
            const int64_t term = factor * (mw_cosine_turns(angle) >> 30);
            sum += (i & 1U) != 0 ? -term : term;
        }
        angle += turns;
    }
    return sum;
}

/* `i` of `period` parts of a turn. */
static uint32_t mw_window_turns(size_t i, size_t period)
{
    return (uint32_t) ((((uint64_t) i << 32) + period / 2) / period);
}

static int mw_window_check(const void *out, size_t n, mw_window_kind window, mw_window_ends ends)
{
    if (out == NULL || (unsigned) window > (unsigned) MW_WINDOW_FLAT_TOP ||
        (unsigned) ends > (unsigned) MW_WINDOW_SYMMETRIC) {
        return MW_ERROR_ARGUMENT;
    }
    return n >= 1 && n <= 32768U ? MW_OK : MW_ERROR_LENGTH;
}

static float mw_window_to_f32(int64_t value)
{
    return mw_sine_to_f32(value);
}

static int16_t mw_window_to_q15(int64_t value)
{
    const int32_t rounded = (int32_t) ((value + (INT64_C(1) << 44)) >> 45);
    return (int16_t) (rounded < 32767 ? rounded : 32767);
}

/* The second half is the mirror image of the first. */
#define MW_DEFINE_WINDOW(family, type)                                                      \
    int mw_window_##family(type *out, size_t n, mw_window_kind window, mw_window_ends ends) \
    {                                                                                       \
        const int status = mw_window_check(out, n, window, ends);                           \
        const size_t period = ends == MW_WINDOW_SYMMETRIC ? n - 1 : n;                      \
        if (status != MW_OK) {                                                              \
            return status;                                                                  \
        }                                                                                   \
        if (n == 1) {                                                                       \
            window = MW_WINDOW_RECTANGULAR;                                                 \
        }                                                                                   \
        for (size_t i = 0; i <= period / 2; ++i) {                                          \
            const uint32_t turns = n == 1 ? 0 : mw_window_turns(i, period);                 \
            const type value = mw_window_to_##family(mw_window_at(window, turns));          \
            out[i] = value;                                                                 \
            if (period - i < n) {                                                           \
                out[period - i] = value;                                                    \
            }                                                                               \
        }                                                                                   \
        return MW_OK;                                                                       \
    }
MW_DEFINE_WINDOW(f32, float)
MW_DEFINE_WINDOW(q15, int16_t)
