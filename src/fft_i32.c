/* SPDX-License-Identifier: MIT */
#include "fft_i32.h"

/* Two transforms of one element each to one of two. */
static void mw_fft_pairs(mw_fft_pair *x, const mw_fft_pair *end, unsigned shift)
{
    do {
        const int32_t re = x[0].re >> shift;
        const int32_t im = x[0].im >> shift;
        const int32_t other_re = x[1].re >> shift;
        const int32_t other_im = x[1].im >> shift;
        x[0].re = re + other_re;
        x[0].im = im + other_im;
        x[1].re = re - other_re;
        x[1].im = im - other_im;
        x += 2;
    } while (x != end);
}

/* Joins elements 0, 2, 1, 3 modulo 4, already turned and divided. */
static inline void mw_fft_join(mw_fft_pair *x, size_t m, mw_fft_pair a, mw_fft_pair b, mw_fft_pair c,
                               mw_fft_pair d)
{
    const int32_t even_re = a.re + b.re;
    const int32_t even_im = a.im + b.im;
    const int32_t even_less_re = a.re - b.re;
    const int32_t even_less_im = a.im - b.im;
    const int32_t odd_re = c.re + d.re;
    const int32_t odd_im = c.im + d.im;
    const int32_t odd_less_re = c.re - d.re;
    const int32_t odd_less_im = c.im - d.im;
    x[0].re = even_re + odd_re;
    x[0].im = even_im + odd_im;
    x[m].re = even_less_re + odd_less_im;
    x[m].im = even_less_im - odd_less_re;
    x[2 * m].re = even_re - odd_re;
    x[2 * m].im = even_im - odd_im;
    x[3 * m].re = even_less_re - odd_less_im;
    x[3 * m].im = even_less_im + odd_less_re;
}

static inline mw_fft_pair mw_fft_part(mw_fft_pair x, unsigned shift)
{
    x.re >>= shift;
    x.im >>= shift;
    return x;
}

/* Of all blocks, the first element of each of the four transforms: nothing to turn. */
static void mw_fft_first(mw_fft_pair *x, const mw_fft_pair *end, size_t m, unsigned shift)
{
    for (; x < end; x += 4 * m) {
        mw_fft_join(x, m, mw_fft_part(x[0], shift), mw_fft_part(x[m], shift), mw_fft_part(x[2 * m], shift),
                    mw_fft_part(x[3 * m], shift));
    }
}

/* Of all blocks, one other element. */
static void mw_fft_other(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turn once,
                         mw_fft_turn twice, mw_fft_turn thrice)
{
    for (; x < end; x += 4 * m) {
        const mw_fft_pair b = mw_fft_turned(x[m], twice, 18);
        const mw_fft_pair c = mw_fft_turned(x[2 * m], once, 18);
        const mw_fft_pair d = mw_fft_turned(x[3 * m], thrice, 18);
        mw_fft_join(x, m, mw_fft_part(x[0], 2), b, c, d);
    }
}

void mw_fft_run_i32(mw_fft_pair *x, size_t n, const uint16_t *table, unsigned down)
{
    const mw_fft_pair *const end = x + n;
    const size_t quarter = (size_t) MW_READ_16(table) / 4;
    const uint16_t *const cosine = table + 1;
    unsigned shift = 2 + down;
    size_t m = 1;
    mw_fft_reverse_bits(x, n);
    if (mw_fft_odd(n)) {
        mw_fft_pairs(x, end, 1 + down);
        shift = 2;
        m = 2;
    }
    for (; m < n; m *= 4) {
        const size_t step = quarter / m;
        mw_fft_first(x, end, m, shift);
        shift = 2;
        for (size_t k = 1; k < m; ++k) {
            size_t i = k * step;
            MW_FFT_OPAQUE(i);
            mw_fft_other(x + k, end, m, mw_fft_turn_once(cosine, quarter, i),
                         mw_fft_turn_twice(cosine, quarter, 2 * i),
                         mw_fft_turn_thrice(cosine, quarter, 3 * i));
        }
    }
}

int mw_fft_i32(int32_t *x, size_t n, const uint16_t *table)
{
    const int status = mw_fft_check_i32(x, n, table);
    if (status == MW_OK) {
        mw_fft_run_i32((mw_fft_pair *) x, n, table, 3);
    }
    return status;
}
