/* SPDX-License-Identifier: MIT */
#include "fft_q15.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
    defined(__GNUC__)
#include "arch/fft_q15_armv7em.h"
#else
#include "fft_q15_passes.h"
#endif

static int mw_fft_bits(uint32_t x)
{
    int n = 0;
    for (; x != 0; x >>= 1) {
        ++n;
    }
    return n;
}

static void mw_fft_scale(mw_fft_pair *x, size_t n, int up)
{
    const int32_t factor = up > 0 ? INT32_C(1) << up : 1;
    const unsigned down = up < 0 ? (unsigned) -up : 0;
    const int32_t half = (INT32_C(1) << down) >> 1;
    const mw_fft_pair *const end = x + n;
    for (; x != end; ++x) {
        *x = mw_fft_pair_of((x->re * factor + half) >> down, (x->im * factor + half) >> down);
    }
}

void mw_fft_halve_q15(mw_fft_pair *x, size_t n)
{
    mw_fft_scale(x, n, -1);
}

/* By what power of two to multiply, so that no number is longer than 8188, and the longest at least 2048.
 * Both margins leave room for the rounding of all passes. */
static int mw_fft_room(const mw_fft_pair *x, size_t n)
{
    const uint32_t margin = UINT32_C(1) << 22;
    uint32_t power = mw_fft_powers(x, n, margin);
    if (power >= 2 * margin) {
        const int bits = mw_fft_bits(power);
        return bits > 26 ? -((bits - 25) / 2) : (26 - bits) / 2;
    }
    power = mw_fft_powers(x, n, 0);
    return power == 0 ? 0 : (25 - mw_fft_bits(power)) / 2;
}

int mw_fft_normalize_q15(mw_fft_pair *x, size_t n)
{
    const int up = mw_fft_room(x, n);
    if (up != 0) {
        mw_fft_scale(x, n, up);
    }
    return -up;
}

/* Two transforms of one element each to one of two, divided by 2^shift. */
static void mw_fft_pairs(mw_fft_pair *x, const mw_fft_pair *end, int shift)
{
    const int32_t half = (INT32_C(1) << shift) >> 1;
    for (; x != end; x += 2) {
        const int32_t re = (x[0].re + half) >> shift;
        const int32_t im = (x[0].im + half) >> shift;
        const int32_t other_re = (x[1].re + half) >> shift;
        const int32_t other_im = (x[1].im + half) >> shift;
        x[0] = mw_fft_pair_of(re + other_re, im + other_im);
        x[1] = mw_fft_pair_of(re - other_re, im - other_im);
    }
}

int mw_fft_run_q15(mw_fft_pair *x, size_t n, const int16_t *table, int *is_long)
{
    const mw_fft_pair *const end = x + n;
    const size_t quarter = (size_t) mw_fft_read_q15(table) / 4;
    const int16_t *const cosine = table + 1;
    const int up = mw_fft_room(x, n);
    int exponent = -up;
    int shift = up < 0 ? -up : 0; /* of what the pass takes */
    size_t m = 1;
    if (up > 0) {
        mw_fft_scale(x, n, up);
    }
    mw_fft_reverse_bits(x, n);
    if (mw_fft_odd(n)) {
        mw_fft_pairs(x, end, shift);
        shift = 1; /* of twice 8188 half is enough */
        exponent += 1;
        m = 2;
    }
    for (;;) {
        *is_long = mw_fft_pass(x, end, m, cosine, quarter, shift);
        m *= 4;
        if (m >= n) {
            return exponent;
        }
        shift = 1 + *is_long;
        exponent += shift;
    }
}

int mw_fft_q15(int16_t *x, size_t n, const int16_t *table, int *exponent)
{
    const int status = mw_fft_check_q15(x, n, table, exponent);
    int is_long;
    if (status == MW_OK) {
        *exponent = mw_fft_run_q15((mw_fft_pair *) (void *) x, n, table, &is_long);
    }
    return status;
}
