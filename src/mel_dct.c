/* SPDX-License-Identifier: MIT */
#include <milliwatt/cepstrum.h>

#include "mel_floats.h"

int mw_dct_f32(const mw_dct_float *flash, const float *x, size_t n, float *out, size_t n_out)
{
    mw_dct_float dct;
    mw_dct_floats at;
    MW_READ_BYTES(&dct, flash, sizeof dct);
    if (n != dct.n_in || n_out != dct.n_out) {
        return MW_ERROR_LENGTH;
    }
    at.factors = dct.factors;
    for (;;) {
        at.left = x;
        at.right = x + n;
        at.even = 0.0f;
        at.odd = 0.0f;
        at = mw_dct_steps(at, (uint_fast16_t) (n + 1) / 2);
        *out++ = at.even;
        if (n_out == 1) {
            return MW_OK;
        }
        *out++ = at.odd;
        n_out -= 2;
        if (n_out == 0) {
            return MW_OK;
        }
    }
}

static inline int16_t mw_dct_end(int32_t sum, uint_fast8_t shift)
{
    const int32_t rounded = ((sum >> (shift - 1)) + 1) >> 1;
    const int32_t low = rounded < INT16_MIN ? INT16_MIN : rounded;
    return (int16_t) (low > INT16_MAX ? INT16_MAX : low);
}

int mw_dct_i16(const mw_dct_integer *flash, const int16_t *x, size_t n, int16_t *out, size_t n_out)
{
    mw_dct_integer dct;
    const int16_t *factors;
    const int16_t *const last = x + n;
    MW_READ_BYTES(&dct, flash, sizeof dct);
    if (n != dct.n_in || n_out != dct.n_out) {
        return MW_ERROR_LENGTH;
    }
    factors = dct.factors;
    for (;;) {
        const int16_t *left = x;
        const int16_t *right = last;
        int32_t even = 0, odd = 0;
        do {
            const int32_t a = *left++;
            const int32_t b = *--right;
            even += ((a + b) * (int16_t) MW_READ_16(factors)) >> 4;
            odd += ((a - b) * (int16_t) MW_READ_16(factors + 1)) >> 4;
            factors += 2;
        } while (left < right);
        *out++ = mw_dct_end(even, dct.shift);
        if (n_out == 1) {
            return MW_OK;
        }
        *out++ = mw_dct_end(odd, dct.shift);
        n_out -= 2;
        if (n_out == 0) {
            return MW_OK;
        }
    }
}
