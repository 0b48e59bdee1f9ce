/* SPDX-License-Identifier: MIT */
#include <milliwatt/fir.h>

#include "in_reach.h"

#if defined(__ARM_FEATURE_SIMD32) && MW_UNALIGNED && !defined(__ARM_BIG_ENDIAN)
#include "arch/fir_q15_armv7em.h"
#else
/* The products of `n` taps, not 0, with the numbers from `x` and from the one after, added modulo 2^32. */
static inline void mw_fir_sums_q15(uint32_t sums[2], const int16_t *tap, const int16_t *x, uint_fast16_t n)
{
    uint32_t first = sums[0], second = sums[1];
    int32_t now = *x;
    const int16_t *const end = tap + n;
    do {
        const int32_t h = (int16_t) MW_READ_16(tap);
        first += (uint32_t) (h * now);
        now = *++x;
        second += (uint32_t) (h * now);
    } while (++tap != end);
    sums[0] = first;
    sums[1] = second;
}

static inline uint32_t mw_fir_sum_q15(uint32_t sum, const int16_t *tap, const int16_t *x, uint_fast16_t n)
{
    const int16_t *const end = tap + n;
    do {
        sum += (uint32_t) ((int32_t) (int16_t) MW_READ_16(tap) * *x++);
    } while (++tap != end);
    return sum;
}
#endif

static inline int16_t mw_fir_result_q15(uint32_t sum, uint_fast8_t shift)
{
    const int32_t result = (int32_t) sum >> shift;
    return (int16_t) (result > 32767 ? 32767 : result < -32768 ? -32768 : result);
}

static void mw_fir_results_q15(const mw_fir_q15 *filter, const int16_t *from, size_t step, int16_t *out,
                               size_t n)
{
    const int16_t *const taps = filter->taps;
    const uint_fast16_t n_taps = filter->n_taps;
    const uint32_t bias = (uint32_t) filter->bias;
    const uint_fast8_t shift = filter->shift;
    for (; step == 1 && n >= 2; n -= 2) {
        uint32_t sums[2] = {bias, bias};
        mw_fir_sums_q15(sums, taps, from, n_taps);
        out[0] = mw_fir_result_q15(sums[0], shift);
        out[1] = mw_fir_result_q15(sums[1], shift);
        from += 2;
        out += 2;
    }
    for (; n != 0; --n) {
        *out++ = mw_fir_result_q15(mw_fir_sum_q15(bias, taps, from, n_taps), shift);
        from += step;
    }
}

#define MW_NUMBER int16_t
#define MW_OF(name) name##_q15
#define MW_RESULTS mw_fir_results_q15
#include "fir_body.h"
