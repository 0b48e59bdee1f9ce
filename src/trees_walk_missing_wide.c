/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX missing_wide
#define MW_WIDE 1
#define MW_FEATURE float
#define MW_THRESHOLD int32_t
#define MW_MISSING 1
#define MW_KEY(x) mw_float_key(x)
#define MW_READ_THRESHOLD(address) MW_READ_32(address)
#include "trees_walk.h"
