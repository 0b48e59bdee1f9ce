/* SPDX-License-Identifier: MIT */
/** @file
 * Window functions, as scipy.signal.windows has them: filled into the caller's memory, and multiplied.
 *
 * All are sums of cosines (Harris 1978; flat top: D'Antona and Ferrero 2006), computed in integers: the same
 * bits on every CPU, off by at most 2^-24 (float) or 0.51 of 2^-15 (q15).
 */
#ifndef MILLIWATT_WINDOWS_H
#define MILLIWATT_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which window; in scipy: boxcar, hann, hamming, blackman, blackmanharris, flattop. */
typedef enum mw_window_kind {
    MW_WINDOW_RECTANGULAR,
    MW_WINDOW_HANN,
    MW_WINDOW_HAMMING,
    MW_WINDOW_BLACKMAN,
    MW_WINDOW_BLACKMAN_HARRIS,
    MW_WINDOW_FLAT_TOP
} mw_window_kind;

/** Periodic windows, scipy's `sym=False`, are for spectra; symmetric ones for the design of filters. */
typedef enum mw_window_ends { MW_WINDOW_PERIODIC, MW_WINDOW_SYMMETRIC } mw_window_ends;

/**
 * Fills n numbers.
 *
 * @param out room for n; q15: 1 becomes 32767.
 * @param n 1 to 32768; a window of one number is 1.
 * @return ::MW_OK, ::MW_ERROR_ARGUMENT for NULL or a window that there is not, ::MW_ERROR_LENGTH.
 */
int mw_window_f32(float *out, size_t n, mw_window_kind window, mw_window_ends ends);
int mw_window_q15(int16_t *out, size_t n, mw_window_kind window, mw_window_ends ends); /**< the same */

/**
 * @name out[i] = x[i] * window[i]
 * q15: rounded; nothing overflows, since no window holds -32768 (which would saturate).
 * @param out may be x.
 * @return ::MW_OK, ::MW_ERROR_ARGUMENT for NULL, ::MW_ERROR_LENGTH if n is 0.
 * @{
 */
int mw_window_apply_f32(const float *x, const float *window, size_t n, float *out);
int mw_window_apply_q15(const int16_t *x, const int16_t *window, size_t n, int16_t *out);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
