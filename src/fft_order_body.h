/* SPDX-License-Identifier: MIT */
/* Order of complex numbers of type `mw_fft_pair`, which the file that includes this defines. */

static inline void mw_fft_swap(mw_fft_pair *x, mw_fft_pair *y)
{
    const mw_fft_pair first = *x;
    const mw_fft_pair second = *y;
    *x = second;
    *y = first;
}

/* Each number to the place whose bits are its own turned round, n >= 4. Of even i in the lower half the new
 * place is even and in the lower half too, that of its mirror image the mirror image; what follows i changes
 * places with the upper half. */
static inline void mw_fft_reverse_bits(mw_fft_pair *x, size_t n)
{
    const size_t half = n / 2;
    size_t reversed = 0;
    for (size_t i = 0;;) {
        mw_fft_swap(x + i + 1, x + half + reversed);
        if (i < reversed) {
            mw_fft_swap(x + i, x + reversed);
            mw_fft_swap(x + (n - 1) - i, x + (n - 1) - reversed);
        }
        i += 2;
        if (i == half) {
            return;
        }
        reversed = mw_fft_next_reversed(reversed, i, n);
    }
}

/* Numbers 1 to n-1 in reverse order. */
static inline void mw_fft_turn_round(mw_fft_pair *x, size_t n)
{
    mw_fft_pair *high = x + n - 1;
    for (mw_fft_pair *low = x + 1; low < high; ++low, --high) {
        mw_fft_swap(low, high);
    }
}
