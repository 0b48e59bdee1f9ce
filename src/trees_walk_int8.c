/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX int8
#define MW_WIDE 0
#define MW_FEATURE int8_t
#define MW_THRESHOLD int8_t
#define MW_READ_THRESHOLD(address) MW_READ_8(address)
#include "trees_walk.h"
