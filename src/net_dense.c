/* SPDX-License-Identifier: MIT */
#include "net_scale.h"

#if MW_CMSIS_NN
#include "net_cmsis.h"
#endif

static mw_dense mw_in_ram(const mw_dense *layer)
{
    mw_dense copy;
    MW_READ_BYTES(&copy, layer, sizeof copy);
    return copy;
}

#if MW_CMSIS_NN
void mw_dense_u8(const mw_dense *layer, const uint8_t *x, uint8_t *out)
{
    mw_cmsis_outputs(layer, x, 1, 0, out);
    mw_narrow_u8(out, (size_t) 4 * layer->n_out, layer->low, layer->high);
}

void mw_dense_scores_u8(const mw_dense *layer, const uint8_t *x, int32_t *out)
{
    mw_cmsis_scores(layer, x, out);
}
#else
#include "net_u8.h"
#include "net_dense_body.h"
#endif

#include "net_i16.h"
#include "net_dense_body.h"
