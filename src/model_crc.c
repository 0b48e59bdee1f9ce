/* SPDX-License-Identifier: MIT */
#include <milliwatt/config.h>

#include "model_parts.h"

/* Half a byte at a time: a table of 64 bytes. */
static const uint32_t mw_crc_steps[16] MW_FLASH = {
    UINT32_C(0x00000000), UINT32_C(0x1db71064), UINT32_C(0x3b6e20c8), UINT32_C(0x26d930ac),
    UINT32_C(0x76dc4190), UINT32_C(0x6b6b51f4), UINT32_C(0x4db26158), UINT32_C(0x5005713c),
    UINT32_C(0xedb88320), UINT32_C(0xf00f9344), UINT32_C(0xd6d6a3e8), UINT32_C(0xcb61b38c),
    UINT32_C(0x9b64c2b0), UINT32_C(0x86d3d2d4), UINT32_C(0xa00ae278), UINT32_C(0xbdbdf21c),
};

uint32_t mw_crc32_(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_C(0xffffffff);
    for (; size != 0; --size) {
        crc ^= *data++;
        crc = crc >> 4 ^ MW_READ_32(mw_crc_steps + (crc & 15U));
        crc = crc >> 4 ^ MW_READ_32(mw_crc_steps + (crc & 15U));
    }
    return ~crc;
}
