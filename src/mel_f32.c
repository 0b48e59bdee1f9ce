/* SPDX-License-Identifier: MIT */
#include <milliwatt/logarithm.h>
#include <milliwatt/mel.h>

#include "mel_floats.h"

/* The bins between two centres. */
static inline mw_mel_floats mw_mel_between(mw_mel_floats at, const uint16_t *bins)
{
    at.up = 0.0f;
    at.down = 0.0f;
    return mw_mel_bins(at, MW_READ_16(bins));
}

int mw_mel_f32(const mw_mel_float *flash, const float *spectrum, size_t n, float *out, size_t n_out)
{
    mw_mel_float bank;
    mw_mel_floats at;
    const uint16_t *bins; /* and scales: in registers, where the struct is not */
    const float *scales;
    MW_READ_BYTES(&bank, flash, sizeof bank);
    if (n != bank.length || n_out != bank.n_mels) {
        return MW_ERROR_LENGTH;
    }
    bins = bank.bins;
    scales = bank.scales;
    at.rises = bank.rises;
    at.spectrum = spectrum + bank.first;
    at = mw_mel_between(at, bins);
    while (n_out-- != 0) {
        const float before = at.up; /* what rose into the filter that now falls */
        ++bins;
        at = mw_mel_between(at, bins);
        *out++ = (before + at.down) * (scales == NULL ? 1.0f : mw_read_float(scales++));
    }
    return MW_OK;
}

static int mw_mel_logarithms(float *values, size_t n, float least, uint32_t factor, int_fast8_t up)
{
    if (!(least > 0.0f)) {
        return MW_ERROR_LENGTH;
    }
    while (n-- != 0) {
        *values = mw_log_scaled_(*values > least ? *values : least, factor, up);
        ++values;
    }
    return MW_OK;
}

int mw_mel_ln_f32(float *values, size_t n, float least)
{
    return mw_mel_logarithms(values, n, least, MW_LN_2_, 0);
}

int mw_mel_db_f32(float *values, size_t n, float least)
{
    return mw_mel_logarithms(values, n, least, MW_DB_2_, 2);
}

void mw_top_db_f32(float *values, size_t n, float range)
{
    float floor = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        if (i == 0 || values[i] > floor) {
            floor = values[i];
        }
    }
    floor -= range;
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] < floor ? floor : values[i];
    }
}
