/* SPDX-License-Identifier: MIT */
/* Written by tables.py: A-weighting (IEC 61672-1) at 16000 samples a second. */
#ifndef A_WEIGHTING_H
#define A_WEIGHTING_H

#include <milliwatt/config.h>
#include <milliwatt/iir.h>

/* clang-format off */

#define RATE_HZ 16000
#define BLOCK 160 /* samples; what a block counts in the fast and the slow level, in 2^-24: */
#define FAST_SHARE 1289894
#define SLOW_SHARE 166936

static const mw_iir_section_q15 a_weighting_sections[] MW_FLASH = {
    {INT32_C(32768), INT32_C(36424), {32291, 4303, -774}, {1091, -5}, {0, 0}, 0, 0, 0},
    {INT32_C(0), INT32_C(0), {16296, -32592, 16296}, {-19199, 18517}, {2, -1}, 0, 0, 0},
    {INT32_C(-2), INT32_C(0), {15683, -31368, 15685}, {-1056, 1052}, {2, -1}, 0, 0, 0}};
static const mw_iir_q15 a_weighting MW_FLASH = {a_weighting_sections, 3, 11};

#endif
