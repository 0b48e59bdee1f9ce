/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX int16
#define MW_WIDE 0
#define MW_FEATURE int16_t
#define MW_THRESHOLD int16_t
#define MW_JOINED 1
#include "trees_walk.h"
