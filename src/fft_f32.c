/* SPDX-License-Identifier: MIT */
#include "fft_f32.h"
#if MW_CMSIS_DSP
#include "signal_cmsis.h"
#endif

/* Two transforms of one element each to one of two. */
static void mw_fft_pairs(mw_fft_pair *x, const mw_fft_pair *end)
{
    do {
        const mw_fft_pair a = x[0];
        const mw_fft_pair b = x[1];
        x[0].re = a.re + b.re;
        x[0].im = a.im + b.im;
        x[1].re = a.re - b.re;
        x[1].im = a.im - b.im;
        x += 2;
    } while (x != end);
}

/* mw_fft_first: of all blocks, the first element of each of the four transforms: nothing to turn.
 * mw_fft_other: of all blocks, one other element. */
#if defined(__ARM_FEATURE_FMA) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
    (__ARM_FP & 4) != 0
#include "arch/fft_f32_fpv4.h"
#else
/* Joins elements 0, 2, 1, 3 modulo 4, already turned: x[0], x[m], ... */
static inline void mw_fft_join(mw_fft_pair *x, size_t m, mw_fft_pair b, mw_fft_pair c, mw_fft_pair d)
{
    const mw_fft_pair a = x[0];
    const float even_re = a.re + b.re;
    const float even_im = a.im + b.im;
    const float even_less_re = a.re - b.re;
    const float even_less_im = a.im - b.im;
    const float odd_re = c.re + d.re;
    const float odd_im = c.im + d.im;
    const float odd_less_re = c.re - d.re;
    const float odd_less_im = c.im - d.im;
    x[0].re = even_re + odd_re;
    x[0].im = even_im + odd_im;
    x[m].re = even_less_re + odd_less_im;
    x[m].im = even_less_im - odd_less_re;
    x[2 * m].re = even_re - odd_re;
    x[2 * m].im = even_im - odd_im;
    x[3 * m].re = even_less_re - odd_less_im;
    x[3 * m].im = even_less_im + odd_less_re;
}

static inline void mw_fft_first(mw_fft_pair *x, const mw_fft_pair *end, size_t m)
{
    for (; x < end; x += 4 * m) {
        mw_fft_join(x, m, x[m], x[2 * m], x[3 * m]);
    }
}

static inline void mw_fft_other(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turn once,
                                mw_fft_turn twice, mw_fft_turn thrice)
{
    for (; x < end; x += 4 * m) {
        const mw_fft_pair b = mw_fft_turned(x[m], twice);
        const mw_fft_pair c = mw_fft_turned(x[2 * m], once);
        const mw_fft_pair d = mw_fft_turned(x[3 * m], thrice);
        mw_fft_join(x, m, b, c, d);
    }
}
#endif

void mw_fft_run_f32(mw_fft_pair *x, size_t n, const float *table)
{
    const mw_fft_pair *const end = x + n;
    const size_t quarter = mw_fft_length_f32(table) / 4;
    const float *const cosine = table + 1;
    size_t m = 1;
#if MW_CMSIS_DSP
    if (mw_fft_by_cmsis(&x->re, n, table)) {
        return;
    }
#endif
    mw_fft_reverse_bits(x, n);
    if (mw_fft_odd(n)) {
        mw_fft_pairs(x, end);
        m = 2;
    }
    for (; m < n; m *= 4) {
        const size_t step = quarter / m;
        mw_fft_first(x, end, m);
        for (size_t k = 1; k < m; ++k) {
            size_t i = k * step;
            MW_FFT_OPAQUE(i);
            mw_fft_other(x + k, end, m, mw_fft_turn_once(cosine, quarter, i),
                         mw_fft_turn_twice(cosine, quarter, 2 * i),
                         mw_fft_turn_thrice(cosine, quarter, 3 * i));
        }
    }
}

int mw_fft_f32(float *x, size_t n, const float *table)
{
    const int status = mw_fft_check_f32(x, n, table);
    if (status == MW_OK) {
        mw_fft_run_f32((mw_fft_pair *) x, n, table);
    }
    return status;
}
