/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <milliwatt/nan.h>
#include <milliwatt/roots.h>

uint16_t mw_root_u32(uint32_t x)
{
    uint32_t root = 0;
    uint32_t bit = UINT32_C(1) << 30;
    while (bit > x) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        const uint32_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return (uint16_t) root;
}

uint32_t mw_root_u64(uint64_t x)
{
    uint64_t root = 0;
    uint64_t bit = UINT64_C(1) << 62;
    if (x <= UINT32_MAX) {
        return mw_root_u32((uint32_t) x);
    }
    while (bit > x) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (x >= trial) {
            x -= trial;
            root += bit;
        }
    }
    return (uint32_t) root;
}

/* 25 digits of the root of a number of 24 digits in front of an even number of zeros; the last rounds. */
static uint32_t mw_root_of_fraction(uint32_t x)
{
    uint32_t root = 0;
    uint32_t bit = UINT32_C(1) << 24;
    uint32_t sum = 0;
    do {
        const uint32_t trial = sum + bit;
        if (x >= trial) {
            sum = trial + bit;
            x -= trial;
            root += bit;
        }
        x <<= 1;
        bit >>= 1;
    } while (bit != 0);
    /* Never half way: what is left over is not 0 if the last digit is 1. */
    return (root + (root & 1U)) >> 1;
}

float mw_root_soft_f32(float x)
{
    uint32_t bits = mw_float_bits(x);
    uint32_t exponent;
    if (bits << 1 == 0) {
        return x;
    }
    if (bits >= UINT32_C(0x7f800000)) { /* infinity, NaN, less than 0 */
        if (bits << 1 > UINT32_C(0xff000000)) {
            bits |= UINT32_C(0x400000);
        } else if (bits >> 31 != 0) {
            bits = UINT32_C(0x7fc00000);
        }
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    exponent = bits >> 23;
    if (exponent == 0) {
        exponent = 1;
        for (; bits < UINT32_C(0x800000); bits <<= 1) {
            --exponent; /* below 0 too: as of 2^32 */
        }
    }
    bits = (bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000);
    if ((exponent & 1U) == 0) {
        bits <<= 1; /* 2^(exponent - 127) is no square */
    }
    exponent = (exponent + 127U) >> 1; /* 1 to 190: a sum never below 0 */
    bits = (exponent << 23) + (mw_root_of_fraction(bits << 1) - UINT32_C(0x800000));
    memcpy(&x, &bits, sizeof x);
    return x;
}
