/* SPDX-License-Identifier: MIT */
#include "sine.h"

#include <milliwatt/config.h>

/* `first - y (second - y (third - ...))`, in 2^-31; y too. */
static uint32_t mw_sine_series(const uint32_t *factors, uint_fast8_t n, uint32_t y)
{
    uint32_t sum = MW_READ_32(factors + n - 1);
    while (--n != 0) {
        sum = MW_READ_32(factors + n - 1) - (uint32_t) (((uint64_t) sum * y) >> 31);
    }
    return sum;
}

/* Of 0 to an eighth of a turn, 2^29. Series of Taylor in the square of what is 1 at an eighth. */
static int64_t mw_sine_eighth(uint32_t turns, int is_cosine)
{
    static const uint32_t sine[6] MW_FLASH = {UINT32_C(2147483648), UINT32_C(220779313), UINT32_C(6809389),
                                              UINT32_C(100009),     UINT32_C(857),       UINT32_C(5)};
    static const uint32_t cosine[6] MW_FLASH = {UINT32_C(2147483648), UINT32_C(662337939), UINT32_C(34046945),
                                                UINT32_C(700062),     UINT32_C(7711),      UINT32_C(53)};
    const uint64_t square = (uint64_t) turns * turns; /* of an eighth: 2^58 */
    const uint32_t y = (uint32_t) (square >> 27);
    if (is_cosine) {
        return (int64_t) ((uint64_t) mw_sine_series(cosine, 6, y) << 29);
    } else {
        const uint64_t two_pi = UINT32_C(3373259426); /* in 2^-29 */
        return (int64_t) (turns * ((mw_sine_series(sine, 6, y) * two_pi) >> 32));
    }
}

int64_t mw_cosine_turns(uint32_t turns)
{
    const uint32_t eighth = UINT32_C(1) << 29;
    int64_t value;
    if (turns > 4 * eighth) {
        turns = 0 - turns;
    }
    const int is_negative = turns > 2 * eighth;
    if (is_negative) {
        turns = 4 * eighth - turns;
    }
    value = turns <= eighth ? mw_sine_eighth(turns, 1) : mw_sine_eighth(2 * eighth - turns, 0);
    return is_negative ? -value : value;
}
