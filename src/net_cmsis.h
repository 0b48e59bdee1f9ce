/* SPDX-License-Identifier: MIT */
/** @file
 * Layers of bytes whose sums CMSIS-NN computes, for MW_CMSIS_NN=1.
 *
 * Of CMSIS-NN only sums are used, which are exact integers: what it makes of sums is rounded by another rule
 * than docs/nets.md has. Its inputs are signed bytes: x ^ 0x80, read as one, is x - 128, and it adds 128.
 */
#ifndef MILLIWATT_NET_CMSIS_H
#define MILLIWATT_NET_CMSIS_H

#include <arm_nnsupportfunctions.h>

#include "net_scale.h"

enum {
    MW_CMSIS_INPUTS = 64, /* in a part, as emit/net_packing.py has it */
    MW_CMSIS_OUTPUTS = 32 /* sums at a time; both lie on the stack, 192 bytes */
};

/* Adds the products of one run of inputs to the sums of `n` outputs, from `first` on, of `outputs`. */
static inline void mw_cmsis_run(const uint8_t *weights, size_t outputs, size_t first, size_t n,
                                const uint8_t *x, size_t run, int32_t *sums)
{
    uint32_t part[MW_CMSIS_INPUTS / 4];
    do {
        const size_t size = run < MW_CMSIS_INPUTS ? run : MW_CMSIS_INPUTS;
        size_t i = 0;
        do {
            uint32_t word;
            memcpy(&word, x + i, sizeof word);
            part[i / 4] = word ^ UINT32_C(0x80808080);
            i += 4;
        } while (i < size);
        (void) arm_nn_mat_mult_nt_t_s8_s32((const int8_t *) part, (const int8_t *) weights + first * size,
                                           sums, 1, (int32_t) size, (int32_t) n, 128, 1);
        weights += outputs * size;
        x += size;
        run -= size;
    } while (run != 0);
}

/* What `rows` runs of inputs, one every `between_rows` numbers, add to the sums of `n` outputs. */
static inline void mw_cmsis_sums(const mw_dense *layer, size_t first, size_t n, const uint8_t *x,
                                 uint_fast16_t rows, uint_fast16_t between_rows, int32_t *sums)
{
    const size_t outputs = (size_t) 4 * layer->n_out;
    const size_t run = (size_t) 4 * layer->n_in;
    const uint8_t *weights = layer->weights;
    memset(sums, 0, n * sizeof *sums);
    do {
        mw_cmsis_run(weights, outputs, first, n, x, run, sums);
        weights += outputs * run;
        x += between_rows;
    } while (--rows != 0);
}

/* How many of `outputs` come next. */
static inline size_t mw_cmsis_next(size_t first, size_t outputs)
{
    return outputs - first < MW_CMSIS_OUTPUTS ? outputs - first : MW_CMSIS_OUTPUTS;
}

/* One output of a layer, all channels of it. */
static inline void mw_cmsis_outputs(const mw_dense *layer, const uint8_t *x, uint_fast16_t rows,
                                    uint_fast16_t between_rows, uint8_t *out)
{
    const mw_scaling how = {layer->offset, layer->sum_shift, layer->shift, layer->low, layer->high};
    const size_t outputs = (size_t) 4 * layer->n_out;
    int32_t sums[MW_CMSIS_OUTPUTS];
    size_t n;
    for (size_t first = 0; first < outputs; first += n) {
        n = mw_cmsis_next(first, outputs);
        mw_cmsis_sums(layer, first, n, x, rows, between_rows, sums);
        for (size_t i = 0; i < n; ++i) {
            const uint32_t sum = (uint32_t) sums[i] + (uint32_t) layer->bias[first + i];
            out[first + i] = mw_output_u8(sum, &how, layer->scale + first + i);
        }
    }
}

/* The last layer's scores. */
static inline void mw_cmsis_scores(const mw_dense *layer, const uint8_t *x, int32_t *out)
{
    const size_t outputs = (size_t) 4 * layer->n_out;
    mw_cmsis_sums(layer, 0, outputs, x, 1, 0, out);
    for (size_t i = 0; i < outputs; ++i) {
        const uint32_t sum = (uint32_t) out[i] + (uint32_t) layer->bias[i];
        out[i] = mw_scaled((int32_t) sum >> layer->sum_shift, layer->scale + i);
    }
}

#endif
