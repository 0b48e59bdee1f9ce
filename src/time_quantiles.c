/* SPDX-License-Identifier: MIT */
#include <milliwatt/time_features.h>

#include "time_key.h"
#include "time_view.h"

static int mw_check_quantiles(int32_t n, const uint16_t *per_mille, uint8_t count)
{
    if (n < 0) {
        return (int) n;
    }
    for (uint_fast8_t i = 0; i < count; ++i) {
        if (per_mille[i] > 1000) {
            return MW_ERROR_LENGTH;
        }
    }
    return MW_OK;
}

/* In 1/256, rounded half up. */
static int32_t mw_interpolated_i16(int16_t low, int16_t high, uint16_t thousandths)
{
    const uint32_t step = (uint32_t) ((int32_t) high - low) * thousandths; /* below 2^26 */
    return (int32_t) low * 256 + (int32_t) ((step / 1000) * 256 + ((step % 1000) * 256 + 500) / 1000);
}

static float mw_interpolated_f32(int32_t low, int32_t high, uint16_t thousandths)
{
    const float share = (float) thousandths / 1000.0f;
    const float from = mw_float_of(low);
    /* Nothing is added where nothing has to be: infinite samples stay what they are. */
    return thousandths == 0 || low == high ? from : from * (1.0f - share) + mw_float_of(high) * share;
}

#include "time_i16.h"
#define MW_QUANTILE int32_t
#include "time_quantiles_body.h"

#undef MW_QUANTILE
#include "time_f32.h"
#define MW_QUANTILE float
#include "time_quantiles_body.h"
