/* SPDX-License-Identifier: MIT */
/** @file
 * Features of a window of one channel in the time domain, and of two or three channels together.
 *
 * Windows are read where they lie, strided and in up to two parts: views.h. A window is gone through once for
 * each struct below, and features are made of structs:
 *
 *     mw_view_i16 x = mw_channel_i16(&window, 0);
 *     mw_sums_i16 sums;
 *     mw_shape_i16 shape;
 *     mw_sum_i16(&x, &sums);             // mean, RMS, energy, variance, standard deviation
 *     mw_shape_of_i16(&x, &sums, &shape); // skewness, kurtosis
 *     features[0] = mw_mean_q8(&sums);
 *
 * Functions that read windows return ::MW_OK; ::MW_ERROR_LENGTH for less samples than the feature needs or
 * more than 65535, and then write nothing; ::MW_ERROR_ARGUMENT where a view's `first` is NULL. Functions of
 * structs do not check. Nothing is kept between calls; only caller's structs and scratch are written to.
 *
 * Integers: all sums are exact, so `_q8` results (in 1/256, rounded half up) are the same bits on every CPU.
 * They are within 0.6 of 256 times the exact value; results in float of integers are
 * within 2^-21 of the exact value, relatively. Floats: bounds stand with the functions, u is 2^-24 and n the
 * number of samples; a NaN or infinite sample makes the result of sums, shapes and slopes NaN or infinite.
 */
#ifndef MILLIWATT_TIME_FEATURES_H
#define MILLIWATT_TIME_FEATURES_H

#include <stdint.h>

#include <milliwatt/status.h>
#include <milliwatt/views.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Sums: one pass of integers, two of floats. @{ */

/** Of at most 65535 samples: |sum| <= 65535 * 2^15 < 2^31, squares <= 65535 * 2^30 < 2^46. */
typedef struct {
    uint64_t squares; /**< Σx² */
    int32_t sum;      /**< Σx */
    uint16_t n;
} mw_sums_i16;

/** The second pass sums differences from the mean, so that nothing cancels. */
typedef struct {
    float mean;
    float rest;   /**< what rounding took from `mean` */
    float second; /**< Σ(x - mean)² */
    uint16_t n;
} mw_sums_f32;

int mw_sum_i16(const mw_view_i16 *x, mw_sums_i16 *sums);
/** `mean` within 2u|mean| + (n + 2)u times the mean of |x - mean|; `second` within (n + 4)u, relatively. */
int mw_sum_f32(const mw_view_f32 *x, mw_sums_f32 *sums);
/** @} */

/** @name Mean, root mean square, energy Σx². @{ */
float mw_mean_i16(const mw_sums_i16 *sums);
int32_t mw_mean_q8(const mw_sums_i16 *sums);
float mw_rms_i16(const mw_sums_i16 *sums);
uint32_t mw_rms_q8(const mw_sums_i16 *sums);
/** Exact: mw_sums_i16::squares. */
float mw_energy_i16(const mw_sums_i16 *sums);
/** This and the energy within (n + 8)u, relatively. */
float mw_rms_f32(const mw_sums_f32 *sums);
float mw_energy_f32(const mw_sums_f32 *sums);
/** @} */

/**
 * @name Variance and standard deviation as numpy's `var` and `std`.
 * `ddof` as there: 0 of the window itself (numpy's default), 1 for the estimate of what it was drawn from.
 * 0 where n <= ddof.
 * @{ */
float mw_variance_i16(const mw_sums_i16 *sums, uint8_t ddof);
float mw_std_i16(const mw_sums_i16 *sums, uint8_t ddof);
float mw_variance_f32(const mw_sums_f32 *sums, uint8_t ddof);
float mw_std_f32(const mw_sums_f32 *sums, uint8_t ddof);
/** With ddof 0. */
uint32_t mw_std_q8(const mw_sums_i16 *sums);
/** n² times the variance with ddof 0, exact: n·Σx² - (Σx)² < 2^62. */
uint64_t mw_scatter_i16(const mw_sums_i16 *sums);
/** @} */

/**
 * @name Skewness and kurtosis, as scipy.stats' `skew` and `kurtosis` with their defaults.
 *
 * Those are biased (the window is the population), and of kurtosis 3 is taken off (Fisher's). 0 and -3 where
 * all samples are equal, of which scipy makes NaN. Without bias: `G1 = sqrt(n (n - 1)) / (n - 2) * skewness`,
 * `G2 = (n - 1) / ((n - 2) (n - 3)) * ((n + 1) * kurtosis + 6)`.
 * @{ */

/** Sums of powers of differences from the mean, exact integers of 64 or 128 bits, in words from the lowest
 * on, two's complement. V = Σ(x - mean)^k * n^(k - 1). As |x - mean| < 2^16: V2 < 2^62, |V3| < 2^94, V4 <
 * 2^125. */
typedef struct {
    uint64_t second;
    uint32_t third[4], fourth[4];
} mw_shape_i16;

typedef struct {
    float second, third, fourth;
    uint16_t n;
} mw_shape_f32;

/** A second pass; `sums` are those of the same samples. */
int mw_shape_of_i16(const mw_view_i16 *x, const mw_sums_i16 *sums, mw_shape_i16 *shape);
/** A third pass. |x - mean| < 2^28, else infinite or NaN results. */
int mw_shape_of_f32(const mw_view_f32 *x, const mw_sums_f32 *sums, mw_shape_f32 *shape);
float mw_skewness_i16(const mw_shape_i16 *shape);
float mw_kurtosis_i16(const mw_shape_i16 *shape);
int32_t mw_skewness_q8(const mw_shape_i16 *shape);
int32_t mw_kurtosis_q8(const mw_shape_i16 *shape);
/** Within (3n + 32)u of max(1, Σ|x - mean|³ / n std³), if the mean is less than 2^12 standard deviations. */
float mw_skewness_f32(const mw_shape_f32 *shape);
/** Within (4n + 32)u of (3 + kurtosis). */
float mw_kurtosis_f32(const mw_shape_f32 *shape);
/** @} */

/**
 * @name Least and greatest sample, and their distance: peak to peak.
 * Floats: NaN is above infinity, or below -infinity if its sign bit is set; -0 may come out as 0.
 * @{ */
typedef struct {
    int16_t low, high;
} mw_range_i16;

typedef struct {
    float low, high;
} mw_range_f32;

int mw_range_of_i16(const mw_view_i16 *x, mw_range_i16 *range);
int mw_range_of_f32(const mw_view_f32 *x, mw_range_f32 *range);

static inline uint16_t mw_peak_to_peak_i16(const mw_range_i16 *range)
{
    return (uint16_t) ((uint16_t) range->high - (uint16_t) range->low);
}

static inline float mw_peak_to_peak_f32(const mw_range_f32 *range)
{
    return range->high - range->low;
}
/** @} */

/** @name Σ|x|: at most 65535 * 2^15 < 2^31; in float within n u, relatively. @{ */
int mw_absolute_sum_i16(const mw_view_i16 *x, uint32_t *sum);
int mw_absolute_sum_f32(const mw_view_f32 *x, float *sum);
/** @} */

/**
 * `sum / n` in 1/256, rounded half up: mean absolute value of mw_absolute_sum_i16, mean absolute jerk of
 * mw_slopes_i16::length. @param sum below 2^24 * n. @param n not 0.
 */
uint32_t mw_per_sample_q8(uint32_t sum, uint16_t n);

/**
 * `sqrt(squares / n)` in 1/256: RMS of jerk of mw_slopes_i16::squares. @param squares at most 2^32 * n.
 */
uint32_t mw_root_mean_q8(uint64_t squares, uint16_t n);

/**
 * @name Signal magnitude area of three axes: the mean of |x| + |y| + |z|, of three mw_absolute_sum_*.
 * n is not 0.
 * @{ */
uint32_t mw_magnitude_area_q8(uint32_t x, uint32_t y, uint32_t z, uint16_t n);

static inline float mw_magnitude_area_f32(float x, float y, float z, uint16_t n)
{
    return (x + y + z) / (float) n;
}
/** @} */

/**
 * @name How often a window crosses a level: neighbours of which just one is below it.
 *
 * Level 0 gives zero crossings: as `np.count_nonzero(np.diff(x < 0))`. Mean crossings, `np.diff(x <
 * np.mean(x))`: with `level = mw_mean_level(&sums)`, which is exact, or the float mean. NaN as above.
 * @{ */
int mw_crossings_i16(const mw_view_i16 *x, int16_t level, uint16_t *count);
int mw_crossings_f32(const mw_view_f32 *x, float level, uint16_t *count);
/** The least integer that is not below the mean: the same samples are below both. */
int16_t mw_mean_level(const mw_sums_i16 *sums);
/** @} */

/**
 * @name Slopes: differences of neighbours, x[i + 1] - x[i]; at least two samples.
 * Waveform length is `length`. Jerk, in units a second: mean `length / n * rate`, root of the mean square
 * `sqrt(squares / n) * rate`, by mw_per_sample_q8 and mw_root_mean_q8, or in float.
 * Exact: length <= 65534 * 65535 < 2^32, squares <= 65534 * 65535² < 2^48. Floats: within n u, relatively.
 * @{ */
typedef struct {
    uint64_t squares; /**< Σ of their squares */
    uint32_t length;  /**< Σ of their magnitudes */
    uint16_t n;       /**< how many: samples less one */
} mw_slopes_i16;

typedef struct {
    float squares, length;
    uint16_t n;
} mw_slopes_f32;

int mw_slopes_of_i16(const mw_view_i16 *x, mw_slopes_i16 *slopes);
int mw_slopes_of_f32(const mw_view_f32 *x, mw_slopes_f32 *slopes);
float mw_jerk_i16(const mw_slopes_i16 *slopes, float rate);
float mw_jerk_rms_i16(const mw_slopes_i16 *slopes, float rate);
float mw_jerk_f32(const mw_slopes_f32 *slopes, float rate);
float mw_jerk_rms_f32(const mw_slopes_f32 *slopes, float rate);
/** @} */

/**
 * @name Slope-sign changes: samples higher than both neighbours or lower than both.
 * By more than `threshold` (not negative; 0 counts all) on at least one side: Hudgins et al., "A new strategy
 * for multifunction myoelectric control", IEEE Trans. Biomed. Eng. 40(1), 1993. Equal neighbours are no
 * change, and a plateau hides one.
 * @{ */
int mw_turns_i16(const mw_view_i16 *x, uint16_t threshold, uint16_t *count);
int mw_turns_f32(const mw_view_f32 *x, float threshold, uint16_t *count);
/** @} */

/**
 * @name Percentiles, as np.percentile with its default, linear interpolation.
 *
 * `per_mille[i]` (0 to 1000, 500 is the median; ::MW_ERROR_LENGTH for more) gives `out[i]`, i below `count`.
 * The interquartile range is that of 750 less that of 250. Results of integers are in 1/256, within 1/2 and
 * a rounding of 1/1000; of floats within 3u of the greater of the two samples interpolated between.
 * NaN as above.
 *
 * mw_quantiles_* copies the samples to `scratch`, which has room for all, and selects there (Hoare's FIND,
 * median of three as pivot): about 3n steps for the first, less for the next if `per_mille` rises; there are
 * inputs that take n² / 4. mw_count_quantiles_* needs no scratch: it goes through the window once for each
 * bit of (greatest - least), at most 16 times for integers and 32 for floats, and twice more, for each.
 * @{ */
int mw_quantiles_i16(const mw_view_i16 *x, int16_t *scratch, const uint16_t *per_mille, uint8_t count,
                     int32_t *out);
int mw_quantiles_f32(const mw_view_f32 *x, int32_t *scratch, const uint16_t *per_mille, uint8_t count,
                     float *out);
int mw_count_quantiles_i16(const mw_view_i16 *x, const uint16_t *per_mille, uint8_t count, int32_t *out);
int mw_count_quantiles_f32(const mw_view_f32 *x, const uint16_t *per_mille, uint8_t count, float *out);
/** @} */

/**
 * @name Two channels: covariance and Pearson's correlation.
 *
 * Of the same window, so that both views break at the same sample, else ::MW_ERROR_LENGTH. `sums` are those
 * of mw_sum_i16 or mw_sum_f32 of either channel. Correlation is 0 where a channel does not vary, of which
 * numpy makes NaN, and is clamped to -1..1 (q15: -32767..32767, within 0.6 of 32768 times the exact value,
 * but for the clamp).
 * @{ */

/** Σxy, exact: at most 65535 * 2^30 < 2^46. */
int mw_products_i16(const mw_view_i16 *x, const mw_view_i16 *y, int64_t *products);
/** Σ(x - mean)(y - mean), within (n + 4)u of Σ|x - mean||y - mean|. */
int mw_products_f32(const mw_view_f32 *x, const mw_view_f32 *y, const mw_sums_f32 *x_sums,
                    const mw_sums_f32 *y_sums, float *products);
/** n² times the covariance with ddof 0, exact: nΣxy - ΣxΣy, at most 2^62. */
int64_t mw_coscatter_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products);
float mw_covariance_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products, uint8_t ddof);
float mw_correlation_i16(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products);
int16_t mw_correlation_q15(const mw_sums_i16 *x_sums, const mw_sums_i16 *y_sums, int64_t products);
float mw_covariance_f32(const mw_sums_f32 *x_sums, float products, uint8_t ddof);
/** Within (2n + 12)u. */
float mw_correlation_f32(const mw_sums_f32 *x_sums, const mw_sums_f32 *y_sums, float products);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
