/* SPDX-License-Identifier: MIT */
/* Sums of tensors and looked up activations, for the family that net_u8.h or net_i16.h has set up. */

void MW_OF(mw_add)(const mw_add *flash, const MW_NUMBER *const *x, MW_NUMBER *out)
{
    mw_add layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    const int32_t first = (int16_t) MW_READ_16(layer.scale);
    const int32_t second = layer.n_tensors > 1 ? (int16_t) MW_READ_16(layer.scale + 1) : 0;
    const MW_NUMBER *const a = x[0];
    const MW_NUMBER *const b = x[layer.n_tensors > 1 ? 1 : 0];
    for (size_t i = 0; i < layer.n; ++i) {
        int32_t sum = layer.offset + a[i] * first + b[i] * second;
        for (uint_fast8_t k = 2; k < layer.n_tensors; ++k) {
            sum += x[k][i] * (int32_t) (int16_t) MW_READ_16(layer.scale + k);
        }
        out[i] = (MW_NUMBER) mw_clamped(sum >> layer.shift, layer.low, layer.high);
    }
}
