/* SPDX-License-Identifier: MIT */
/** @file
 * For PlatformIO and Arduino, which find a library by a header of its name.
 */
#ifndef MILLIWATT_H
#define MILLIWATT_H

#include <milliwatt/milliwatt.h>

#endif
