/* SPDX-License-Identifier: MIT */
/** @file
 * fft_q15_passes.h for Armv7E-M (Cortex-M4, -M7) and other Arm CPUs that compute with pairs of halfwords: a
 * complex number is one word. The same bits.
 *
 * Whether a number is LONG, SMLAD tells: added to the power of a number, 2^31 less what makes it LONG sets
 * the sticky flag Q.
 */
#ifndef MILLIWATT_FFT_Q15_ARMV7EM_H
#define MILLIWATT_FFT_Q15_ARMV7EM_H

#include "../fft_q15.h"

#define MW_FFT_DEFINE_(name, instruction)                                   \
    static inline uint32_t name(uint32_t x, uint32_t y)                     \
    {                                                                       \
        uint32_t result;                                                    \
        __asm__(instruction " %0, %1, %2" : "=r"(result) : "r"(x), "r"(y)); \
        return result;                                                      \
    }
MW_FFT_DEFINE_(mw_fft_add, "sadd16")
MW_FFT_DEFINE_(mw_fft_subtract, "ssub16")
MW_FFT_DEFINE_(mw_fft_half_sum, "shadd16")
MW_FFT_DEFINE_(mw_fft_add_ahead, "sasx") /* plus y turned by a quarter */
MW_FFT_DEFINE_(mw_fft_add_behind, "ssax")
#undef MW_FFT_DEFINE_

static inline uint32_t mw_fft_get(const mw_fft_pair *x)
{
    uint32_t word;
    memcpy(&word, x, sizeof word);
    return word;
}

/* Stores; LONG numbers set Q. */
static inline void mw_fft_put(mw_fft_pair *x, uint32_t word)
{
    memcpy(x, &word, sizeof word);
    __asm__ volatile("smlad %0, %0, %0, %1"
                     : "+r"(word)
                     : "r"(UINT32_C(0x80000000) - MW_FFT_LONG + MW_FFT_MORE));
}

static inline void mw_fft_clear_q(void)
{
    __asm__ volatile("msr APSR_nzcvq, %0" : : "r"(0) : "cc", "memory");
}

static inline int mw_fft_q(void)
{
    uint32_t flags;
    __asm__ volatile("mrs %0, APSR" : "=r"(flags) : : "memory");
    return (int) (flags >> 27) & 1;
}

/* Half of x, turned, the other sign, rounded; both products and their sum at once. */
static inline uint32_t mw_fft_turned(uint32_t x, uint32_t turn, uint32_t half)
{
    uint32_t re;
    __asm__("smlad %0, %1, %2, %3\n\t"
            "smlsdx %1, %2, %1, %3\n\t"
            "pkhtb %1, %1, %0, asr #16"
            : "=&r"(re), "+r"(x)
            : "r"(turn), "r"(half));
    return x;
}

/* All powers, each increased by `more`, or-ed. */
static uint32_t mw_fft_powers(const mw_fft_pair *x, size_t n, uint32_t more)
{
    const mw_fft_pair *const end = x + n;
    uint32_t all = 0;
    if (n % 2 != 0) {
        all = mw_fft_power(*x++, more);
    }
    do {
        uint32_t first = mw_fft_get(x);
        uint32_t second = mw_fft_get(x + 1);
        x += 2;
        __asm__("smlad %0, %0, %0, %2\n\t"
                "smlad %1, %1, %1, %2"
                : "+&r"(first), "+&r"(second)
                : "r"(more));
        all |= first | second;
    } while (x != end);
    return all;
}

/* The first element of a pass, divided by 2 or 4. */
static inline uint32_t mw_fft_part(uint32_t x, int shift)
{
    return mw_fft_half_sum(shift == 2 ? mw_fft_half_sum(x, 0) : x, UINT32_C(0x10001));
}

/* Joins elements 0, 2, 1, 3 modulo 4, of which all but the first have the other sign. */
static inline void mw_fft_join(mw_fft_pair *x, size_t m, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t even = mw_fft_subtract(a, b);
    const uint32_t even_less = mw_fft_add(a, b);
    const uint32_t odd = mw_fft_add(c, d);
    const uint32_t odd_less = mw_fft_subtract(c, d);
    mw_fft_put(x, mw_fft_subtract(even, odd));
    mw_fft_put(x + m, mw_fft_add_ahead(even_less, odd_less));
    mw_fft_put(x + 2 * m, mw_fft_add(even, odd));
    mw_fft_put(x + 3 * m, mw_fft_add_behind(even_less, odd_less));
}

/* The same, of which none has the other sign, divided by 2^shift. */
static inline void mw_fft_join_plain(mw_fft_pair *x, size_t m, int shift)
{
    uint32_t a = mw_fft_get(x);
    uint32_t b = mw_fft_get(x + m);
    uint32_t c = mw_fft_get(x + 2 * m);
    uint32_t d = mw_fft_get(x + 3 * m);
    if (shift != 0) {
        while (--shift != 0) {
            a = mw_fft_half_sum(a, 0);
            b = mw_fft_half_sum(b, 0);
            c = mw_fft_half_sum(c, 0);
            d = mw_fft_half_sum(d, 0);
        }
        a = mw_fft_half_sum(a, UINT32_C(0x10001));
        b = mw_fft_half_sum(b, UINT32_C(0x10001));
        c = mw_fft_half_sum(c, UINT32_C(0x10001));
        d = mw_fft_half_sum(d, UINT32_C(0x10001));
    }
    const uint32_t even = mw_fft_add(a, b);
    const uint32_t even_less = mw_fft_subtract(a, b);
    const uint32_t odd = mw_fft_add(c, d);
    const uint32_t odd_less = mw_fft_subtract(c, d);
    mw_fft_put(x, mw_fft_add(even, odd));
    mw_fft_put(x + m, mw_fft_add_behind(even_less, odd_less));
    mw_fft_put(x + 2 * m, mw_fft_subtract(even, odd));
    mw_fft_put(x + 3 * m, mw_fft_add_ahead(even_less, odd_less));
}

static inline void mw_fft_first(mw_fft_pair *x, const mw_fft_pair *end, size_t m, int shift)
{
    for (; x < end; x += 4 * m) {
        mw_fft_join_plain(x, m, shift);
    }
}

/* Turns by once, twice, thrice an angle, each cosine and sine in a word. */
typedef struct {
    uint32_t once, twice, thrice;
} mw_fft_turns;

static inline uint32_t mw_fft_word(int32_t cosine, int32_t sine)
{
    return ((uint32_t) cosine & 0xffffU) | ((uint32_t) sine << 16);
}

/* Of an angle that is at most an eighth of a turn. */
static inline mw_fft_turns mw_fft_turns_of(const int16_t *cosine, size_t quarter, size_t i)
{
    const int16_t *const sine = cosine + quarter;
    const size_t thrice = 3 * i;
    mw_fft_turns turns;
    turns.once = mw_fft_word(cosine[i], *(sine - i));
    turns.twice = mw_fft_word(cosine[2 * i], *(sine - 2 * i));
    if (thrice <= quarter) {
        turns.thrice = mw_fft_word(cosine[thrice], *(sine - thrice));
    } else {
        turns.thrice = mw_fft_word(-sine[quarter - thrice], cosine[thrice - quarter]);
    }
    return turns;
}

static inline uint32_t mw_fft_crossed(uint32_t turn)
{
    return turn >> 16 | turn << 16;
}

/* Of a quarter of a turn less the angle. */
static inline mw_fft_turns mw_fft_turns_opposite(mw_fft_turns turns)
{
    turns.once = mw_fft_crossed(turns.once);
    turns.twice = mw_fft_add_ahead(0, mw_fft_crossed(turns.twice));
    turns.thrice = mw_fft_subtract(0, mw_fft_crossed(turns.thrice));
    return turns;
}

static inline void mw_fft_other(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turns turns,
                                int shift)
{
    const uint32_t half = UINT32_C(0x8000);
    do {
        mw_fft_join(x, m, mw_fft_part(mw_fft_get(x), shift),
                    mw_fft_turned(mw_fft_get(x + m), turns.twice, half),
                    mw_fft_turned(mw_fft_get(x + 2 * m), turns.once, half),
                    mw_fft_turned(mw_fft_get(x + 3 * m), turns.thrice, half));
        x += 4 * m;
    } while (x < end);
}

/* Of all blocks, one element but the first. */
static inline void mw_fft_others(mw_fft_pair *x, const mw_fft_pair *end, size_t m, mw_fft_turns turns,
                                 int shift)
{
    if (shift == 1) {
        mw_fft_other(x, end, m, turns, 1);
        return;
    }
    turns.once = mw_fft_half_sum(turns.once, 0);
    turns.twice = mw_fft_half_sum(turns.twice, 0);
    turns.thrice = mw_fft_half_sum(turns.thrice, 0);
    mw_fft_other(x, end, m, turns, 2);
}

static int mw_fft_pass(mw_fft_pair *x, const mw_fft_pair *end, size_t m, const int16_t *cosine,
                       size_t quarter, int shift)
{
    const size_t step = quarter / m;
    mw_fft_clear_q();
    if (m == 1) {
        mw_fft_first(x, end, 1, shift);
        return mw_fft_q();
    }
    mw_fft_first(x, end, m, shift);
    for (size_t k = 1; 2 * k <= m; ++k) {
        size_t i = k * step;
        size_t place = k;
        mw_fft_turns turns;
        MW_FFT_OPAQUE(i);
        turns = mw_fft_turns_of(cosine, quarter, i);
        for (;;) {
            mw_fft_others(x + place, end, m, turns, shift);
            if (2 * place >= m) {
                break;
            }
            place = m - k;
            turns = mw_fft_turns_opposite(turns);
        }
    }
    return mw_fft_q();
}

#endif
