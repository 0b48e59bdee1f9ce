/* SPDX-License-Identifier: MIT */
#include <milliwatt/links.h>
#include <milliwatt/nets.h>

static inline float mw_between(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

void mw_relu_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] > 0.0f ? values[i] : 0.0f;
    }
}

void mw_relu6_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = mw_between(values[i], 0.0f, 6.0f);
    }
}

void mw_leaky_relu_f32(float *values, size_t n, float alpha)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] >= 0.0f ? values[i] : alpha * values[i];
    }
}

void mw_elu_f32(float *values, size_t n, float alpha)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] >= 0.0f ? values[i] : alpha * mw_expm1(values[i]);
    }
}

void mw_sigmoid_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = mw_sigmoid(values[i]);
    }
}

void mw_tanh_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = mw_tanh(values[i]);
    }
}

void mw_hard_sigmoid_f32(float *values, size_t n, float alpha)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = mw_between(alpha * values[i] + 0.5f, 0.0f, 1.0f);
    }
}

void mw_hard_swish_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] * (mw_between(values[i] + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f));
    }
}

void mw_swish_f32(float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = values[i] * mw_sigmoid(values[i]);
    }
}
