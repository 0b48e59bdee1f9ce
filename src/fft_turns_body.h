/* SPDX-License-Identifier: MIT */
/* Turns by i of 4 * quarter steps: less than two quarters, less than three. The file that includes this
 * defines `mw_fft_turn`, `mw_fft_cosine`, what tables hold, and `mw_fft_turn_once`; and `MW_FFT_ONE` where
 * tables cannot hold a cosine of 1. */

static inline mw_fft_turn mw_fft_turn_twice(const mw_fft_cosine *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
#if defined(MW_FFT_ONE)
    if (i < quarter) {
        return mw_fft_turn_once(cosine, quarter, i);
    }
    if (i == quarter) {
        turn.cosine = 0;
        turn.sine = MW_FFT_ONE;
        return turn;
    }
#else
    if (i <= quarter) {
        return mw_fft_turn_once(cosine, quarter, i);
    }
#endif
    turn = mw_fft_turn_once(cosine, quarter, 2 * quarter - i);
    turn.cosine = -turn.cosine;
    return turn;
}

static inline mw_fft_turn mw_fft_turn_thrice(const mw_fft_cosine *cosine, size_t quarter, size_t i)
{
    mw_fft_turn turn;
    if (i <= 2 * quarter) {
        return mw_fft_turn_twice(cosine, quarter, i);
    }
    turn = mw_fft_turn_once(cosine, quarter, i - 2 * quarter);
    turn.cosine = -turn.cosine;
    turn.sine = -turn.sine;
    return turn;
}
