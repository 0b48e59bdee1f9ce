/* SPDX-License-Identifier: MIT */
#include <milliwatt/logarithm.h>
#include <milliwatt/spectrum.h>
#include <milliwatt/status.h>

int mw_power_block_i32(const int32_t *bins, size_t n, uint32_t *out, int *exponent)
{
    uint32_t bits = 0;
    int up;
    if (bins == NULL || out == NULL || exponent == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (n == 0) {
        return MW_ERROR_LENGTH;
    }
    for (size_t i = 0; i < 2 * n; ++i) {
        bits |= (uint32_t) (bins[i] < 0 ? ~bins[i] : bins[i]);
    }
    up = bits == 0 ? 31 : mw_log_zeros_(bits) - 1;
    *exponent = 31 - 2 * up;
    for (size_t i = 0; i < n; ++i) {
        /* At most 2^31 each, in size: squares add up to at most 2^63, of which 1 is taken off. */
        const int32_t re = (int32_t) ((uint32_t) *bins++ << up);
        const int32_t im = (int32_t) ((uint32_t) *bins++ << up);
        const uint64_t power = (uint64_t) ((int64_t) re * re) + (uint64_t) ((int64_t) im * im);
        out[i] = (uint32_t) ((power - (power >> 63)) >> 31);
    }
    return MW_OK;
}
