/* SPDX-License-Identifier: MIT */
/* Fully connected layers, for the family that net_u8.h or net_i16.h has set up. */

void MW_OF(mw_dense)(const mw_dense *flash, const MW_NUMBER *x, MW_NUMBER *out)
{
    const mw_dense layer = mw_in_ram(flash);
    const mw_scaling how = {layer.offset, layer.sum_shift, layer.shift, layer.low, layer.high};
    const MW_NUMBER *const end = x + (size_t) 4 * layer.n_in;
    MW_NUMBER *const out_end = out + (size_t) 4 * layer.n_out;
    const uint8_t *weights = layer.weights;
    const int32_t *bias = layer.bias;
    const int16_t *scale = layer.scale;
    const uint32_t excess = MW_OF(mw_sum)(x, end) << 7;
    do {
        const mw_sums_4 sums = MW_OF(mw_dot_4)(mw_begin_4(bias, excess), &weights, x, end);
        out[0] = MW_OF(mw_output)(sums.a, &how, scale);
        out[1] = MW_OF(mw_output)(sums.b, &how, scale + 1);
        out[2] = MW_OF(mw_output)(sums.c, &how, scale + 2);
        out[3] = MW_OF(mw_output)(sums.d, &how, scale + 3);
        bias += 4;
        scale += 4;
        out += 4;
    } while (out != out_end);
    MW_OF(mw_narrow)(out_end - (size_t) 4 * layer.n_out, (size_t) 4 * layer.n_out, layer.low, layer.high);
}

void MW_OF(mw_dense_scores)(const mw_dense *flash, const MW_NUMBER *x, int32_t *out)
{
    const mw_dense layer = mw_in_ram(flash);
    const MW_NUMBER *const end = x + (size_t) 4 * layer.n_in;
    const int32_t *const out_end = out + (size_t) 4 * layer.n_out;
    const uint8_t *weights = layer.weights;
    const int32_t *bias = layer.bias;
    const int16_t *scale = layer.scale;
    const uint32_t excess = MW_OF(mw_sum)(x, end) << 7;
    do {
        const mw_sums_4 sums = MW_OF(mw_dot_4)(mw_begin_4(bias, excess), &weights, x, end);
        out[0] = mw_scaled((int32_t) sums.a >> layer.sum_shift, scale);
        out[1] = mw_scaled((int32_t) sums.b >> layer.sum_shift, scale + 1);
        out[2] = mw_scaled((int32_t) sums.c >> layer.sum_shift, scale + 2);
        out[3] = mw_scaled((int32_t) sums.d >> layer.sum_shift, scale + 3);
        bias += 4;
        scale += 4;
        out += 4;
    } while (out != out_end);
}
