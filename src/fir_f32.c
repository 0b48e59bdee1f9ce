/* SPDX-License-Identifier: MIT */
#include <milliwatt/fir.h>
#include <milliwatt/trees.h>

#include "in_reach.h"
#include "multiply_add.h"

static float mw_fir_one_f32(const mw_fir_f32 *filter, const float *x)
{
    const float *tap = filter->taps;
    float sum = 0.0f;
    uint_fast16_t left = filter->n_taps;
    do {
        sum = mw_plus_product(sum, mw_read_float(tap), *x);
        ++tap;
        ++x;
    } while (--left != 0);
    return sum;
}

/* One tap of four results; the numbers move up by one name, which costs nothing in code written out. */
#define MW_FIR_TAP_(i, p, q, r, s)              \
    do {                                        \
        const float tap = mw_read_float(h + i); \
        s = x[3 + i];                           \
        a = mw_plus_product(a, tap, p);         \
        b = mw_plus_product(b, tap, q);         \
        c = mw_plus_product(c, tap, r);         \
        d = mw_plus_product(d, tap, s);         \
    } while (0)

/* Four results next to each other: taps and numbers are loaded once for all of them. */
static void mw_fir_four_f32(const mw_fir_f32 *filter, const float *x, float *out)
{
    const float *h = filter->taps;
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    float p = x[0], q = x[1], r = x[2], s;
    uint_fast16_t left = filter->n_taps;
    for (; left >= 4; left -= 4) {
        MW_FIR_TAP_(0, p, q, r, s);
        MW_FIR_TAP_(1, q, r, s, p);
        MW_FIR_TAP_(2, r, s, p, q);
        MW_FIR_TAP_(3, s, p, q, r);
        x += 4;
        h += 4;
    }
    for (; left != 0; --left) {
        MW_FIR_TAP_(0, p, q, r, s);
        p = q;
        q = r;
        r = s;
        ++x;
        ++h;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}
#undef MW_FIR_TAP_

static void mw_fir_results_f32(const mw_fir_f32 *filter, const float *from, size_t step, float *out, size_t n)
{
    for (; step == 1 && n >= 4; n -= 4) {
        mw_fir_four_f32(filter, from, out);
        from += 4;
        out += 4;
    }
    for (; n != 0; --n) {
        *out++ = mw_fir_one_f32(filter, from);
        from += step;
    }
}

#define MW_NUMBER float
#define MW_OF(name) name##_f32
#define MW_RESULTS mw_fir_results_f32
#include "fir_body.h"
