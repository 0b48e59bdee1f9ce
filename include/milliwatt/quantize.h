/* SPDX-License-Identifier: MIT */
/** @file
 * Features as the bytes that a network reads: `clamp(round(x / scale) + zero)`.
 *
 * Networks that Milliwatt generates do this for themselves (`name_quantize`); these are for networks of
 * others, and for features that are kept as bytes. Inner kernels: nothing is checked; `out` may begin where
 * `x` does, else they do not overlap.
 */
#ifndef MILLIWATT_QUANTIZE_H
#define MILLIWATT_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Of floats: halves away from zero. The product is rounded to a float; NaN becomes the least byte.
 * @param inverse 1 / scale. @param zero any byte of that type. @{ */
void mw_quantize_u8_f32(const float *x, size_t n, float inverse, uint8_t zero, uint8_t *out);
void mw_quantize_i8_f32(const float *x, size_t n, float inverse, int8_t zero, int8_t *out);
/** @} */

/** @name Of 16 bits: `(x * factor + offset) >> shift`, clamped. `factor` / 2^shift is one unit of x by one
 * unit of the byte; `offset` holds `zero << shift`, and half of `1 << shift` for rounding.
 * @param offset less than 2^30 in size, so that nothing overflows. @param shift 0 to 30. @{ */
void mw_quantize_u8_i16(const int16_t *x, size_t n, int16_t factor, int32_t offset, uint8_t shift,
                        uint8_t *out);
void mw_quantize_i8_i16(const int16_t *x, size_t n, int16_t factor, int32_t offset, uint8_t shift,
                        int8_t *out);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
