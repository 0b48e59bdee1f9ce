/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <milliwatt/nets.h>
#include <milliwatt/trees.h>

/* Four sums, which compilers can keep in registers. */
typedef struct {
    float a, b, c, d;
} mw_floats_4;

static inline mw_floats_4 mw_begin_floats(const float *bias)
{
    mw_floats_4 sums;
    sums.a = mw_read_float(bias);
    sums.b = mw_read_float(bias + 1);
    sums.c = mw_read_float(bias + 2);
    sums.d = mw_read_float(bias + 3);
    return sums;
}

static inline void mw_end_floats(mw_floats_4 sums, float *out)
{
    out[0] = sums.a;
    out[1] = sums.b;
    out[2] = sums.c;
    out[3] = sums.d;
}

/* mw_dot_floats: adds the products of the numbers from x up to `end`, at least one, with the weights of four
 * outputs, and moves `*from` on to what comes after those weights. */
#if defined(__ARM_FEATURE_FMA) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
    (__ARM_FP & 4) != 0
#include "arch/net_floats_fpv4.h"
#else
static inline mw_floats_4 mw_dot_floats(mw_floats_4 sums, const float **from, const float *x,
                                        const float *end)
{
    const float *weights = *from;
    do {
        const float value = *x++;
        sums.a += mw_read_float(weights) * value;
        sums.b += mw_read_float(weights + 1) * value;
        sums.c += mw_read_float(weights + 2) * value;
        sums.d += mw_read_float(weights + 3) * value;
        weights += 4;
    } while (x != end);
    *from = weights;
    return sums;
}
#endif

void mw_dense_f32(const mw_dense_float *flash, const float *x, float *out)
{
    mw_dense_float layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    const float *const end = x + layer.n_in;
    float *const out_end = out + (size_t) 4 * layer.n_out;
    const float *weights = layer.weights;
    const float *bias = layer.bias;
    do {
        mw_end_floats(mw_dot_floats(mw_begin_floats(bias), &weights, x, end), out);
        bias += 4;
        out += 4;
    } while (out != out_end);
}

/* One output: all channels of it. */
static void mw_conv_one_f32(const mw_conv_float *layer, const float *x, float *out)
{
    const uint_fast16_t run = layer->dense.n_in;
    const float *const end = out + (size_t) 4 * layer->dense.n_out;
    const float *weights = layer->dense.weights;
    const float *bias = layer->dense.bias;
    do {
        mw_floats_4 sums = mw_begin_floats(bias);
        const float *row = x;
        uint_fast16_t left = layer->rows;
        do {
            sums = mw_dot_floats(sums, &weights, row, row + run);
            row += layer->between_rows;
        } while (--left != 0);
        mw_end_floats(sums, out);
        bias += 4;
        out += 4;
    } while (out != end);
}

void mw_conv_f32(const mw_conv_float *flash, const float *x, float *out)
{
    mw_conv_float layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    for (uint_fast16_t y = layer.height; y != 0; --y) {
        const float *from = x;
        for (uint_fast16_t left = layer.width; left != 0; --left) {
            mw_conv_one_f32(&layer, from, out); /* in fours: the next one overwrites what is too much */
            from += layer.right;
            out += layer.channels;
        }
        x += layer.down;
    }
}

/* The sum of output `o`, which looks at the channel at x. */
static float mw_depthwise_sum_f32(const mw_depthwise_float *layer, uint_fast32_t o, const float *x)
{
    const float *weight = layer->weights + o * ((uint_fast32_t) layer->rows * layer->columns);
    float sum = mw_read_float(layer->bias + o);
    for (uint_fast16_t row = layer->rows; row != 0; --row) {
        const float *from = x;
        for (uint_fast16_t column = layer->columns; column != 0; --column) {
            sum += mw_read_float(weight) * *from;
            from += layer->between_columns;
            ++weight;
        }
        x += layer->between_rows;
    }
    return sum;
}

void mw_depthwise_f32(const mw_depthwise_float *flash, const float *x, float *out)
{
    mw_depthwise_float layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    for (uint_fast16_t y = layer.height; y != 0; --y) {
        const float *from = x;
        for (uint_fast16_t left = layer.width; left != 0; --left) {
            uint_fast32_t o = 0;
            for (uint_fast16_t channel = 0; channel < layer.channels; ++channel) {
                for (uint_fast16_t i = layer.multiplier; i != 0; --i) {
                    *out++ = mw_depthwise_sum_f32(&layer, o++, from + channel);
                }
            }
            from += layer.right;
        }
        x += layer.down;
    }
}
