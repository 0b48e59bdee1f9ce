/* SPDX-License-Identifier: MIT */
/** @file
 * Neural networks: the kernels that generated code calls, one layer a call.
 *
 * Three families of the same shape: `_u8` (bytes), `_i16` (integers of 16 bits), `_f32` (floats). Numbers
 * between layers of integers stand for `unit * (q - zero)`; docs/nets.md has the arithmetic, which gives the
 * same integers on every CPU. Images are height by width by channels, channels varying fastest.
 *
 * Nothing here allocates, keeps state, or writes outside the buffers it is given. Arguments are not checked:
 * converter and generated code have done that. Layers, and the tables they point to, lie in ::MW_FLASH.
 *
 * Buffers: unless it says otherwise, integer kernels read and write in fours: a buffer for `n` numbers has
 * room for `MW_IN_FOURS(n)`; what the spare ones hold does not matter. `x` and `out` do not overlap, unless
 * it says that they may be equal.
 */
#ifndef MILLIWATT_NETS_H
#define MILLIWATT_NETS_H

#include <stddef.h>
#include <stdint.h>

#include <milliwatt/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `n` rounded up to a multiple of four. */
#define MW_IN_FOURS(n) (((n) + 3) / 4 * 4)

/** Before the type of a table or buffer: begins at a multiple of four bytes, which fast CPUs read faster. */
#if defined(__GNUC__)
#define MW_ALIGNED_4 __attribute__((aligned(4)))
#else
#define MW_ALIGNED_4
#endif

/** What an arena begins at a multiple of. AVR aligns nothing: there `uint32_t arena[…]` may begin anywhere.
 */
#if defined(__AVR__)
#define MW_ARENA_ALIGNMENT 1U
#else
#define MW_ARENA_ALIGNMENT 4U
#endif

/* Other tables, so other names: a model and a library that disagree about them do not link. */
#if MW_CMSIS_NN
#define mw_dense_u8 mw_dense_cmsis_u8
#define mw_dense_scores_u8 mw_dense_scores_cmsis_u8
#define mw_conv_u8 mw_conv_cmsis_u8
#endif

/**
 * A fully connected layer of integers.
 *
 * For output `o`: `sum = bias[o] + Σ weight[o][i] * x[i]`, then
 * `((sum >> sum_shift) * scale[o] + offset) >> shift`, clamped to `low..high`. The converter has proved that
 * no step overflows 32 bits, but for one: with tensors of 16 bits `sum >> sum_shift` may have more than
 * those, and is saturated to them before it is multiplied, which the clamp hides.
 */
typedef struct {
    /** Weights plus 128, in blocks of four outputs by four inputs: four inputs of the first output, of the
     * second, ... Blocks of the same outputs follow each other. Missing inputs and outputs weigh 128.
     * For tensors of 16 bits the second and third input of each block change places.
     * With ::MW_CMSIS_NN, of layers of bytes: signed, as they are, without the 128; of a kernel's first row
     * 64 inputs of the first output, of the second, ..., then the next 64 or how many are left, and so on. */
    const uint8_t *weights;
    const int32_t *bias;  /**< one an output, in fours */
    const int16_t *scale; /**< one an output, in fours */
    int32_t offset;       /**< of all outputs, in units of 2^-shift */
    uint16_t n_in, n_out; /**< inputs and outputs, in units of four */
    uint8_t sum_shift;    /**< 0 to 31 */
    uint8_t shift;        /**< 0 to 31 */
    int16_t low, high;    /**< clamp; of bytes within 0 to 255 */
} mw_dense;

/** @name One layer. @{ */
void mw_dense_u8(const mw_dense *layer, const uint8_t *x, uint8_t *out);
void mw_dense_i16(const mw_dense *layer, const int16_t *x, int16_t *out);
/** @} */

/** @name The last layer: `out[o] = (sum >> sum_shift) * scale[o]`, nothing clamped. @{ */
void mw_dense_scores_u8(const mw_dense *layer, const uint8_t *x, int32_t *out);
void mw_dense_scores_i16(const mw_dense *layer, const int16_t *x, int32_t *out);
/** @} */

/**
 * A convolution of integers without padding.
 *
 * Sums and outputs are those of ::mw_dense, with the kernel's rows one after the other as inputs, each filled
 * up to a multiple of four. `x` has room for 3 numbers more than the image; so has `out`, where up to 3 more
 * are written.
 */
typedef struct {
    mw_dense dense;         /**< `n_in`: of one row of the kernel, width by channels; `n_out`: channels */
    uint16_t rows;          /**< of the kernel */
    uint16_t between_rows;  /**< numbers from what one row of the kernel sees to the next */
    uint16_t right, down;   /**< numbers in the input from one output to the next, and from row to row */
    uint16_t width, height; /**< of the output */
    uint16_t channels;      /**< of the output */
} mw_conv;

void mw_conv_u8(const mw_conv *layer, const uint8_t *x, uint8_t *out);
void mw_conv_i16(const mw_conv *layer, const int16_t *x, int16_t *out);

/**
 * A convolution of integers without padding in which each output channel looks at one input channel.
 *
 * Sums and outputs are those of ::mw_dense. Output channel `o` looks at input channel `o / multiplier`. `x`
 * and `out` have room for 3 numbers more than the images.
 */
typedef struct {
    /** As they are: for the first four output channels four weights a place of the kernel, row by row, then
     * for the next four, ... Those of missing channels are 0. */
    const int8_t *weights;
    const int32_t *bias;  /**< one an output channel, in fours */
    const int16_t *scale; /**< one an output channel, in fours */
    int32_t offset;       /**< this and the next four as for ::mw_dense */
    uint8_t sum_shift, shift;
    int16_t low, high;
    uint16_t rows, columns;                 /**< of the kernel */
    uint16_t between_rows, between_columns; /**< numbers in the input from one of them to the next */
    uint16_t right, down;                   /**< as for ::mw_conv */
    uint16_t width, height;                 /**< of the output */
    uint16_t channels, multiplier;          /**< of the input; outputs for each of them */
} mw_depthwise;

void mw_depthwise_u8(const mw_depthwise *layer, const uint8_t *x, uint8_t *out);
void mw_depthwise_i16(const mw_depthwise *layer, const int16_t *x, int16_t *out);

/** Where the windows of a pool lie. */
typedef struct {
    uint16_t in_height, in_width, channels;
    uint16_t height, width; /**< of the output */
    uint16_t rows, columns; /**< of a window */
    uint16_t down, right;   /**< strides */
    uint16_t top, left;     /**< padding, smaller than a window */
} mw_windows;

/** @name The largest number of each window, channel by channel.
 * Without padding `out` may equal `x`. Nothing is read or written in fours. @{ */
void mw_max_pool_u8(const mw_windows *layer, const uint8_t *x, uint8_t *out);
void mw_max_pool_i16(const mw_windows *layer, const int16_t *x, int16_t *out);
void mw_max_pool_f32(const mw_windows *layer, const float *x, float *out);
/** @} */

/** The mean of each window; docs/nets.md has the arithmetic. Windows have at most 65535 numbers a channel. */
typedef struct {
    mw_windows windows;
    int32_t offset;
    int16_t scale;
    int16_t low, high;
    int16_t outside; /**< what a number outside the image counts as, if `counts_padding` */
    uint8_t shift;
    uint8_t counts_padding; /**< divide by the size of windows, else by how much of them is in the image */
} mw_average_pool;

/** @name The mean of each window, channel by channel.
 * Without padding `out` may equal `x`. Nothing is read or written in fours. @{ */
void mw_average_pool_u8(const mw_average_pool *layer, const uint8_t *x, uint8_t *out);
void mw_average_pool_i16(const mw_average_pool *layer, const int16_t *x, int16_t *out);
/** Of floats only windows and `counts_padding` matter. */
void mw_average_pool_f32(const mw_average_pool *layer, const float *x, float *out);
/** @} */
/** @name The last layer: `mean * scale + offset`, nothing clamped. @{ */
void mw_average_pool_scores_u8(const mw_average_pool *layer, const uint8_t *x, int32_t *out);
void mw_average_pool_scores_i16(const mw_average_pool *layer, const int16_t *x, int32_t *out);
/** @} */

/** The sum of tensors: `(Σ x[k] * scale[k] + offset) >> shift`, clamped. */
typedef struct {
    const int16_t *scale; /**< one a tensor */
    uint32_t n;           /**< numbers in each */
    int32_t offset;
    uint8_t n_tensors; /**< at least 1: then it is the same tensor on another grid */
    uint8_t shift;
    int16_t low, high;
} mw_add;

/** @name Sums; `out` may equal any of `x`, nothing is read or written in fours. @{ */
void mw_add_u8(const mw_add *layer, const uint8_t *const *x, uint8_t *out);
void mw_add_i16(const mw_add *layer, const int16_t *const *x, int16_t *out);
void mw_add_f32(const float *const *x, uint_fast8_t n_tensors, size_t n, float *out);
/** @} */

/** @name An activation by looking it up, in place. @{ */
/** @param table 256 bytes. */
void mw_table_u8(uint8_t *values, size_t n, const uint8_t *table);
/** @param table 257 numbers, with a line between two of them: see docs/nets.md. */
void mw_table_i16(int16_t *values, size_t n, const int16_t *table);
/** @} */

/** An image with a frame around it, for numbers of any type: all counts are in bytes. */
typedef struct {
    uint32_t top, bottom; /**< above the first row's left frame, and below */
    uint16_t left, right;
    uint16_t rows;
    uint16_t row; /**< of the image */
    uint8_t fill; /**< every byte of the frame */
} mw_pad;

/** `out` may equal `x`, or not overlap it; nothing is read or written in fours. */
void mw_pad_run(const mw_pad *layer, const void *x, void *out);

/** `rows` rows of `row` bytes to places `pitch` bytes apart: a part of the channels of an image. */
void mw_copy_rows(const void *x, size_t rows, size_t row, void *out, size_t pitch);

/** @name Features as integers of a network; see docs/nets.md. `n` of them, nothing is written in fours. @{ */
/** Real features: `round(x * inverse[i]) + zero[i]`, halves away from zero, clamped; NaN becomes `low`. The
 * product is rounded to a float. */
typedef struct {
    const float *inverse;
    const int32_t *zero;
    uint16_t n;
    int16_t low, high;
    uint8_t each; /**< whether there are `n` of `inverse` and `zero`, else one for all */
} mw_input_real;
void mw_input_real_u8(const mw_input_real *map, const float *x, uint8_t *out);
void mw_input_real_i16(const mw_input_real *map, const float *x, int16_t *out);

/** Integer features: `(x * scale[i] + offset[i]) >> shift`, clamped; without `scale` clamped only. */
typedef struct {
    const int16_t *scale; /**< or NULL */
    const int32_t *offset;
    uint16_t n;
    int16_t low, high;
    uint8_t shift;
    uint8_t each; /**< as for ::mw_input_real */
} mw_input_integer;
void mw_input_u8_of_i8(const mw_input_integer *map, const int8_t *x, uint8_t *out);
void mw_input_u8_of_u8(const mw_input_integer *map, const uint8_t *x, uint8_t *out);
void mw_input_u8_of_i16(const mw_input_integer *map, const int16_t *x, uint8_t *out);
void mw_input_i16_of_i8(const mw_input_integer *map, const int8_t *x, int16_t *out);
void mw_input_i16_of_u8(const mw_input_integer *map, const uint8_t *x, int16_t *out);
void mw_input_i16_of_i16(const mw_input_integer *map, const int16_t *x, int16_t *out);
/** @} */

/**
 * A fully connected layer of floats: `out[o] = bias[o] + Σ weight[i][o] * x[i]`, in the order of the inputs.
 * Reads `n_in` numbers, writes in fours.
 */
typedef struct {
    /** For the first four outputs four weights an input, then for the next four, ... */
    const float *weights;
    const float *bias; /**< in fours */
    uint16_t n_in;
    uint16_t n_out; /**< in units of four */
} mw_dense_float;
void mw_dense_f32(const mw_dense_float *layer, const float *x, float *out);

/** A convolution of floats without padding; fields as for ::mw_conv. Reads no more than the image; `out` has
 * room for 3 numbers more than the image, which may be written. */
typedef struct {
    mw_dense_float dense;
    uint16_t rows, between_rows, right, down, width, height, channels;
} mw_conv_float;
void mw_conv_f32(const mw_conv_float *layer, const float *x, float *out);

/** A depthwise convolution of floats; fields as for ::mw_depthwise. Reads and writes no more than the images.
 */
typedef struct {
    const float *weights; /**< output channel by output channel, each row by row */
    const float *bias;    /**< one an output channel */
    uint16_t rows, columns, between_rows, between_columns, right, down, width, height, channels, multiplier;
} mw_depthwise_float;
void mw_depthwise_f32(const mw_depthwise_float *layer, const float *x, float *out);

/** @name Activations of `n` floats in place: what ML libraries mean by these names.
 * Errors: leaky ReLU, hard sigmoid and hard swish as floats round; the others see <milliwatt/links.h>: ELU
 * relative 2^-19, swish relative 2^-20 and below 2^-119 for large negative numbers. @{ */
void mw_relu_f32(float *values, size_t n);
void mw_relu6_f32(float *values, size_t n);
void mw_leaky_relu_f32(float *values, size_t n, float alpha);
void mw_elu_f32(float *values, size_t n, float alpha);
void mw_sigmoid_f32(float *values, size_t n);
void mw_tanh_f32(float *values, size_t n);
void mw_hard_sigmoid_f32(float *values, size_t n, float alpha); /**< clamp(alpha * x + 0.5, 0, 1) */
void mw_hard_swish_f32(float *values, size_t n);
void mw_swish_f32(float *values, size_t n);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
