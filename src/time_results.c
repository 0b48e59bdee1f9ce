/* SPDX-License-Identifier: MIT */
/* From sums to features. */
#include <milliwatt/roots.h>
#include <milliwatt/time_features.h>

#include "time_scaled.h"

/* sqrt(square) / n in 1/256. */
static uint32_t mw_root_over_q8(uint64_t square, uint16_t n)
{
    return mw_scaled_quotient(mw_scaled_root(mw_scaled_of(square)), mw_scaled_of(n), 8);
}

uint32_t mw_per_sample_q8(uint32_t sum, uint16_t n)
{
    return (sum / n << 8) + (((sum % n) << 8) + n / 2U) / n;
}

uint32_t mw_magnitude_area_q8(uint32_t x, uint32_t y, uint32_t z, uint16_t n)
{
    const uint32_t rests = x % n + y % n + z % n;
    return ((x / n + y / n + z / n) << 8) + ((rests << 8) + n / 2U) / n;
}

uint32_t mw_root_mean_q8(uint64_t squares, uint16_t n)
{
    return mw_root_over_q8(squares * n, n);
}

/* The sum of samples that are 2^15 greater: nothing negative is divided. */
static uint32_t mw_shifted_sum(const mw_sums_i16 *sums)
{
    return (uint32_t) sums->sum + ((uint32_t) sums->n << 15);
}

int32_t mw_mean_q8(const mw_sums_i16 *sums)
{
    return (int32_t) mw_per_sample_q8(mw_shifted_sum(sums), sums->n) - (INT32_C(1) << 23);
}

int16_t mw_mean_level(const mw_sums_i16 *sums)
{
    const uint32_t level = (mw_shifted_sum(sums) + sums->n - 1U) / sums->n;
    return (int16_t) ((int32_t) level - 32768);
}

uint32_t mw_rms_q8(const mw_sums_i16 *sums)
{
    return mw_root_mean_q8(sums->squares, sums->n);
}

uint64_t mw_scatter_i16(const mw_sums_i16 *sums)
{
    return sums->squares * sums->n - (uint64_t) ((int64_t) sums->sum * sums->sum);
}

uint32_t mw_std_q8(const mw_sums_i16 *sums)
{
    return mw_root_over_q8(mw_scatter_i16(sums), sums->n);
}

float mw_mean_i16(const mw_sums_i16 *sums)
{
    return (float) sums->sum / (float) sums->n;
}

float mw_energy_i16(const mw_sums_i16 *sums)
{
    return (float) sums->squares;
}

float mw_rms_i16(const mw_sums_i16 *sums)
{
    return mw_root_f32((float) sums->squares / (float) sums->n);
}

float mw_variance_i16(const mw_sums_i16 *sums, uint8_t ddof)
{
    const uint16_t n = sums->n;
    return n <= ddof ? 0.0f : (float) mw_scatter_i16(sums) / (float) ((uint32_t) n * (uint32_t) (n - ddof));
}

float mw_std_i16(const mw_sums_i16 *sums, uint8_t ddof)
{
    return mw_root_f32(mw_variance_i16(sums, ddof));
}

float mw_energy_f32(const mw_sums_f32 *sums)
{
    return sums->second + (float) sums->n * sums->mean * sums->mean;
}

float mw_rms_f32(const mw_sums_f32 *sums)
{
    return mw_root_f32(mw_energy_f32(sums) / (float) sums->n);
}

float mw_variance_f32(const mw_sums_f32 *sums, uint8_t ddof)
{
    return sums->n <= ddof ? 0.0f : sums->second / (float) (sums->n - ddof);
}

float mw_std_f32(const mw_sums_f32 *sums, uint8_t ddof)
{
    return mw_root_f32(mw_variance_f32(sums, ddof));
}

float mw_jerk_i16(const mw_slopes_i16 *slopes, float rate)
{
    return (float) slopes->length / (float) slopes->n * rate;
}

float mw_jerk_rms_i16(const mw_slopes_i16 *slopes, float rate)
{
    return mw_root_f32((float) slopes->squares / (float) slopes->n) * rate;
}

float mw_jerk_f32(const mw_slopes_f32 *slopes, float rate)
{
    return slopes->length / (float) slopes->n * rate;
}

float mw_jerk_rms_f32(const mw_slopes_f32 *slopes, float rate)
{
    return mw_root_f32(slopes->squares / (float) slopes->n) * rate;
}
