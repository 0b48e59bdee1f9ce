/* SPDX-License-Identifier: MIT */
#include <milliwatt/status.h>
#include <milliwatt/windows.h>

static int mw_window_check_apply(const void *x, const void *window, size_t n, const void *out)
{
    if (x == NULL || window == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    return n != 0 ? MW_OK : MW_ERROR_LENGTH;
}

int mw_window_apply_f32(const float *x, const float *window, size_t n, float *out)
{
    const int status = mw_window_check_apply(x, window, n, out);
    if (status == MW_OK) {
        const float *const end = x + n;
        do {
            *out++ = *x++ * *window++;
        } while (x != end);
    }
    return status;
}

int mw_window_apply_q15(const int16_t *x, const int16_t *window, size_t n, int16_t *out)
{
    const int status = mw_window_check_apply(x, window, n, out);
    if (status == MW_OK) {
        const int16_t *const end = x + n;
        do {
            const int32_t product = ((int32_t) *x++ * *window++ + INT32_C(0x4000)) >> 15;
            *out++ = (int16_t) (product < 32767 ? product : 32767);
        } while (x != end);
    }
    return status;
}
