/* SPDX-License-Identifier: MIT */
#include <milliwatt/vectors.h>

#include <milliwatt/logarithm.h>
#include <milliwatt/roots.h>
#include <milliwatt/trees.h>

void mw_affine_f32(const float *x, size_t n, const float *weights, const float *offset, float *out,
                   size_t n_out)
{
    for (size_t i = 0; i < n_out; ++i) {
        out[i] = mw_read_float(offset + i);
    }
    for (; n != 0; --n) {
        const float factor = *x++;
        for (size_t i = 0; i < n_out; ++i) {
            out[i] += factor * mw_read_float(weights);
            ++weights;
        }
    }
}

void mw_scale_each_f32(float *x, size_t n, const float *centre, const float *scale)
{
    for (size_t i = 0; i < n; ++i) {
        x[i] = (x[i] - mw_read_float(centre + i)) / mw_read_float(scale + i);
    }
}

static void mw_divide(float *x, size_t n, float norm)
{
    if (norm < 0.0f || norm > 0.0f || norm != norm) {
        for (size_t i = 0; i < n; ++i) {
            x[i] /= norm;
        }
    }
}

static float mw_size(float x)
{
    return x < 0.0f ? -x : x;
}

void mw_normalize_l1_f32(float *x, size_t n)
{
    float sum = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        sum += mw_size(x[i]);
    }
    mw_divide(x, n, sum);
}

void mw_normalize_l2_f32(float *x, size_t n)
{
    float sum = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i] * x[i];
    }
    mw_divide(x, n, mw_root_f32(sum));
}

void mw_normalize_max_f32(float *x, size_t n)
{
    float most = 0.0f;
    for (size_t i = 0; i < n; ++i) {
        const float size = mw_size(x[i]);
        most = size > most || size != size ? size : most;
    }
    mw_divide(x, n, most);
}

void mw_log1p_f32(float *x, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (x[i] < 0.0f) {
            /* What rounding takes off the sum is put back as a factor (Kahan). */
            const float sum = 1.0f + x[i], exact = sum - 1.0f;
            if (exact < 0.0f) {
                x[i] = mw_log(sum) * (x[i] / exact);
            }
        } else {
            x[i] = mw_log1p(x[i]);
        }
    }
}
