/* SPDX-License-Identifier: MIT */
#define MW_SUFFIX uint8_wide
#define MW_WIDE 1
#define MW_FEATURE uint8_t
#define MW_THRESHOLD uint8_t
#define MW_READ_THRESHOLD(address) MW_READ_8(address)
#include "trees_walk.h"
