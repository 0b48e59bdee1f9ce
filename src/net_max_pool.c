/* SPDX-License-Identifier: MIT */
#include "net_windows.h"

#include "net_u8.h"
#include "net_max_pool_body.h"

#include "net_i16.h"
#include "net_max_pool_body.h"

#include "net_f32.h"
#include "net_max_pool_body.h"
