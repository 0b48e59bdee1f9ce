/* SPDX-License-Identifier: MIT */
#include <milliwatt/logarithm.h>
#include <milliwatt/mel.h>

/* Where the next bin is, and what rose into the filter that falls next, in 1/65536. */
typedef struct {
    mw_mel_integer bank; /* its pointers move on */
    uint64_t up;
} mw_mel_integers;

/* Sums of the bins between two centres: powers times weights, and powers. */
typedef struct {
    uint64_t up, all;
} mw_mel_sums;

#if defined(__thumb__) && !defined(__thumb2__) /* no long multiply */
static inline uint64_t mw_mel_product(uint32_t rise, uint32_t power)
{
    return ((uint64_t) (rise * (power >> 16)) << 16) + rise * (power & 0xffffU);
}
#else
static inline uint64_t mw_mel_product(uint32_t rise, uint32_t power)
{
    return (uint64_t) rise * power;
}
#endif

#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
#include "arch/mel_bins_thumb1.h"
#endif

/* The bins up to `end`; what follows the last one. */
static inline const uint32_t *mw_mel_bins_u32(const uint32_t *spectrum, const uint16_t *rises,
                                              const uint16_t *end, mw_mel_sums *sums)
{
    sums->up = 0;
    sums->all = 0;
#if defined(MILLIWATT_MEL_BINS_THUMB1_H)
    return rises == end ? spectrum : mw_mel_bins_thumb1(spectrum, rises, end, sums);
#else
    while (rises != end) {
        const uint32_t power = *spectrum++;
        sums->up += mw_mel_product(MW_READ_16(rises), power);
        sums->all += power;
        ++rises;
    }
    return spectrum;
#endif
}

/* `x >> shift`, which has 32 bits; shifts of 64 bits by a number that varies are slow. */
static inline uint32_t mw_mel_shifted(uint64_t x, uint_fast8_t shift)
{
    const uint32_t low = (uint32_t) x;
    return shift == 0 ? low : (uint32_t) (x >> 32) << (32U - shift) | (low >> 1) >> (shift - 1U);
}

static inline const uint64_t *mw_mel_bins_u64(const uint64_t *spectrum, const uint16_t *rises,
                                              const uint16_t *end, mw_mel_sums *sums, uint_fast8_t shift)
{
    sums->up = 0;
    sums->all = 0;
    while (rises != end) {
        const uint32_t power = mw_mel_shifted(*spectrum++, shift);
        sums->up += mw_mel_product(MW_READ_16(rises), power);
        sums->all += power;
        ++rises;
    }
    return spectrum;
}

/* The bins between two centres: the energy of the filter that falls there. One of the spectra is NULL. */
static inline uint64_t mw_mel_next(mw_mel_integers *at, const uint32_t **narrow, const uint64_t **wide,
                                   uint_fast8_t shift)
{
    const uint16_t *const rises = at->bank.rises;
    const uint64_t before = at->up;
    mw_mel_sums sums;
    at->bank.rises += MW_READ_16(at->bank.bins);
    ++at->bank.bins;
    if (wide == NULL) {
        *narrow = mw_mel_bins_u32(*narrow, rises, at->bank.rises, &sums);
    } else {
        *wide = mw_mel_bins_u64(*wide, rises, at->bank.rises, &sums, shift);
    }
    at->up = sums.up;
    return before + (sums.all << 16) - sums.up;
}

static inline int16_t mw_mel_log2(uint64_t energy, mw_mel_integers *at, int32_t more)
{
    int32_t logarithm = mw_log2_q16_u64(energy) + more;
    if (at->bank.scales != NULL) {
        logarithm += (int32_t) MW_READ_32(at->bank.scales);
        ++at->bank.scales;
    }
    logarithm = (logarithm + 128) >> 8;
    logarithm = logarithm > INT16_MAX ? INT16_MAX : logarithm;
    return (int16_t) (logarithm < INT16_MIN ? INT16_MIN : logarithm);
}

static int mw_mel_begin(mw_mel_integers *at, const mw_mel_integer *flash, size_t n, size_t n_out)
{
    MW_READ_BYTES(&at->bank, flash, sizeof at->bank);
    at->up = 0;
    return n == at->bank.length && n_out == at->bank.n_mels ? MW_OK : MW_ERROR_LENGTH;
}

static int mw_mel_wrong(int exponent)
{
    return exponent < -1000 || exponent > 1000;
}

int mw_mel_u32(const mw_mel_integer *bank, const uint32_t *spectrum, size_t n, uint64_t *out, size_t n_out)
{
    mw_mel_integers at;
    if (mw_mel_begin(&at, bank, n, n_out) != MW_OK) {
        return MW_ERROR_LENGTH;
    }
    spectrum += at.bank.first;
    (void) mw_mel_next(&at, &spectrum, NULL, 0);
    while (n_out-- != 0) {
        *out++ = mw_mel_next(&at, &spectrum, NULL, 0);
    }
    return MW_OK;
}

int mw_mel_log2_u32(const mw_mel_integer *bank, const uint32_t *spectrum, size_t n, int exponent,
                    int16_t *out, size_t n_out)
{
    mw_mel_integers at;
    if (mw_mel_begin(&at, bank, n, n_out) != MW_OK || mw_mel_wrong(exponent)) {
        return MW_ERROR_LENGTH;
    }
    spectrum += at.bank.first;
    (void) mw_mel_next(&at, &spectrum, NULL, 0);
    while (n_out-- != 0) {
        const uint64_t energy = mw_mel_next(&at, &spectrum, NULL, 0);
        *out++ = mw_mel_log2(energy, &at, (int32_t) (exponent - 16) * INT32_C(65536));
    }
    return MW_OK;
}

/* How far to shift the bins that have weights, so that the largest has 32 bits. */
static uint_fast8_t mw_mel_excess(const uint64_t *spectrum, const uint64_t *end)
{
    uint32_t high = 0;
    while (spectrum != end) {
        high |= (uint32_t) (*spectrum++ >> 32);
    }
    return high == 0 ? 0 : (uint_fast8_t) (32 - mw_log_zeros_(high));
}

int mw_mel_log2_u64(const mw_mel_integer *bank, const uint64_t *spectrum, size_t n, int exponent,
                    int16_t *out, size_t n_out)
{
    mw_mel_integers at;
    uint_fast8_t shift;
    if (mw_mel_begin(&at, bank, n, n_out) != MW_OK || mw_mel_wrong(exponent)) {
        return MW_ERROR_LENGTH;
    }
    shift = mw_mel_excess(spectrum + at.bank.first, spectrum + n);
    spectrum += at.bank.first;
    exponent += (int) shift - 16;
    (void) mw_mel_next(&at, NULL, &spectrum, shift);
    while (n_out-- != 0) {
        const uint64_t energy = mw_mel_next(&at, NULL, &spectrum, shift);
        *out++ = mw_mel_log2(energy, &at, (int32_t) exponent * INT32_C(65536));
    }
    return MW_OK;
}
