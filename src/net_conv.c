/* SPDX-License-Identifier: MIT */
#include "net_scale.h"

#if MW_CMSIS_NN
#include "net_cmsis.h"
#endif

#include "net_u8.h"
#include "net_conv_body.h"

#include "net_i16.h"
#include "net_conv_body.h"
