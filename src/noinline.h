/* SPDX-License-Identifier: MIT */
#ifndef MILLIWATT_NOINLINE_H
#define MILLIWATT_NOINLINE_H

/* A function that stays one: called in several places, or in want of registers where it would be inlined. */
#if defined(__GNUC__)
#define MW_NOINLINE __attribute__((noinline))
#else
#define MW_NOINLINE
#endif

#endif
