/* SPDX-License-Identifier: MIT */
/** @file
 * The library's version, for compile-time checks.
 */
#ifndef MILLIWATT_VERSION_H
#define MILLIWATT_VERSION_H

#define MW_VERSION_MAJOR 0
#define MW_VERSION_MINOR 1
#define MW_VERSION_PATCH 0
#define MW_VERSION_STRING "0.1.0"

/** 0xMMmmpp, so that versions compare as numbers. */
#define MW_VERSION ((MW_VERSION_MAJOR << 16) | (MW_VERSION_MINOR << 8) | MW_VERSION_PATCH)

#endif
