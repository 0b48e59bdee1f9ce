/* SPDX-License-Identifier: MIT */
#include "net_scale.h"

void mw_table_u8(uint8_t *values, size_t n, const uint8_t *table)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = MW_READ_8(table + values[i]);
    }
}

void mw_table_i16(int16_t *values, size_t n, const int16_t *table)
{
    for (size_t i = 0; i < n; ++i) {
        const uint_fast16_t place = (uint_fast16_t) (values[i] + 32768L);
        const int16_t *const entry = table + (place >> 8);
        const int32_t left = (int16_t) MW_READ_16(entry);
        const int32_t step = (int16_t) MW_READ_16(entry + 1) - left;
        values[i] = (int16_t) (left + ((step * (int32_t) (place & 0xffU) + 128) >> 8));
    }
}
