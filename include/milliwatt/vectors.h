/* SPDX-License-Identifier: MIT */
/** @file
 * What is done to a vector of features: affine maps, division by a norm, logarithms.
 *
 * Inner kernels: nothing is checked. NaN and infinity go where they would in the formula.
 */
#ifndef MILLIWATT_VECTORS_H
#define MILLIWATT_VECTORS_H

#include <stddef.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * `out = offset + x weights`: products are added in the order of inputs, from the offset on. The error is at
 * most `(n + 1) * 2^-24 * (|offset| + Σ|x weight|)`.
 *
 * @param x       n numbers.
 * @param weights by rows, one an input, n_out numbers each; in ::MW_FLASH, as is `offset`.
 * @param out     n_out numbers, which do not overlap x.
 */
void mw_affine_f32(const float *x, size_t n, const float *weights, const float *offset, float *out,
                   size_t n_out);

/** `(x - centre) / scale` of n numbers, each with its own; in ::MW_FLASH. Error: 2^-23 of |x| + |centre|,
 * over |scale|. */
void mw_scale_each_f32(float *x, size_t n, const float *centre, const float *scale);

/**
 * @name Divides n numbers by their norm; zeros stay, whose norm is 0. As scikit-learn's `normalize`.
 * Relative error at most (n / 2 + 3) * 2^-23 where no square overflows or underflows.
 * @{
 */
void mw_normalize_l1_f32(float *x, size_t n);  /**< Σ|x| */
void mw_normalize_l2_f32(float *x, size_t n);  /**< the root of Σx² */
void mw_normalize_max_f32(float *x, size_t n); /**< the greatest |x| */
/** @} */

/**
 * n numbers become ln(1 + x): the error is at most 3 ulp, 1 from 0 on. -1 gives -103.97 (as ln(0) of
 * logarithm.h), what is less NaN.
 */
void mw_log1p_f32(float *x, size_t n);

#ifdef __cplusplus
}
#endif

#endif
