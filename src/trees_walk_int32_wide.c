/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX int32_wide
#define MW_WIDE 1
#define MW_FEATURE int32_t
#define MW_THRESHOLD int32_t
#define MW_READ_THRESHOLD(address) MW_READ_32(address)
#include "trees_walk.h"
