/* SPDX-License-Identifier: MIT */
#include "net_scale.h"
#include "noinline.h"

#include "net_u8.h"
#include "net_depthwise_body.h"

#include "net_i16.h"
#include "net_depthwise_body.h"
