/* SPDX-License-Identifier: MIT */
#define MW_WALK mw_trees_walk_int16
#define MW_WIDE 0
#define MW_FEATURE int16_t
#define MW_THRESHOLD int16_t
#define MW_JOINED 1
#include "trees_walk.h"
