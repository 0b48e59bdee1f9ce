/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX int16_wide
#define MW_WIDE 1
#define MW_FEATURE int16_t
#define MW_THRESHOLD int16_t
#define MW_READ_THRESHOLD(address) MW_READ_16(address)
#include "trees_walk.h"
