/* SPDX-License-Identifier: MIT */
#include <milliwatt/roots.h>
#include <milliwatt/running.h>

#include "multiply_add.h"

static float mw_size(float x)
{
    return x < 0.0f ? -x : x;
}

/* Arcus tangent of 0 to 1: an odd polynomial of least relative error (1.0e-7). */
static float mw_atan_f32(float t)
{
    const float square = t * t;
    float sum = -0.0046932232f;
    sum = mw_plus_product(0.0242522229f, sum, square);
    sum = mw_plus_product(-0.0594861582f, sum, square);
    sum = mw_plus_product(0.0991427824f, sum, square);
    sum = mw_plus_product(-0.1401947588f, sum, square);
    sum = mw_plus_product(0.1996972412f, sum, square);
    sum = mw_plus_product(-0.3333199024f, sum, square);
    return mw_plus_product(t, t * square, sum);
}

float mw_atan2_f32(float y, float x)
{
    const float width = mw_size(x), height = mw_size(y);
    float angle;
    if (height > width) {
        angle = 1.57079633f - mw_atan_f32(width / height);
    } else if (width > 0.0f || width != width || height != height) {
        angle = mw_atan_f32(height / width);
    } else {
        return 0.0f;
    }
    if (x < 0.0f) {
        angle = 3.14159265f - angle;
    }
    return y < 0.0f ? -angle : angle;
}

float mw_length_f32(float x, float y, float z)
{
    float most = mw_size(x);
    most = most > mw_size(y) ? most : mw_size(y);
    most = most > mw_size(z) ? most : mw_size(z);
    if (!(most > 0.0f) || most + most == most) {
        return x * 0.0f + y * 0.0f + z * 0.0f + most; /* 0 or infinite, or NaN */
    }
    x /= most;
    y /= most;
    z /= most;
    return most * mw_root_f32(x * x + y * y + z * z);
}
