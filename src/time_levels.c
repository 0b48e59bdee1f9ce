/* SPDX-License-Identifier: MIT */
#include <milliwatt/time_features.h>

#include "time_key.h"
#include "time_view.h"

typedef uint16_t mw_threshold_i16;
typedef float mw_threshold_f32;

#include "time_i16.h"
#include "time_levels_body.h"

#include "time_f32.h"
#include "time_levels_body.h"
