/* SPDX-License-Identifier: MIT */
#ifndef MILLIWATT_ZEPHYR_NUMBER_H
#define MILLIWATT_ZEPHYR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A decimal number: 12, -0.5, 1.5e-3, inf, nan. No C library is asked: the minimal one cannot do it. Where
 * more than 15 digits are given, or a power of ten beyond 22, the last bit of a float may be another than the
 * nearest one's.
 *
 * @param end receives where the number ends.
 * @return false where there is none.
 */
bool mw_parse_number(const char *text, const char **end, double *value);

#endif
