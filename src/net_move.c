/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <milliwatt/nets.h>

/* From the last row to the first, so that in place nothing is overwritten that is still to be moved. */
void mw_pad_run(const mw_pad *flash, const void *x, void *out)
{
    mw_pad layer;
    MW_READ_BYTES(&layer, flash, sizeof layer);
    const size_t between = (size_t) layer.right + layer.left;
    const uint8_t *from = (const uint8_t *) x + (size_t) layer.rows * layer.row;
    uint8_t *to = (uint8_t *) out + (size_t) layer.top + layer.rows * (layer.row + between);
    size_t after = (size_t) layer.bottom + layer.right;
    to -= layer.right;
    for (uint_fast16_t row = layer.rows; row != 0; --row) {
        (void) memset(to, layer.fill, after);
        from -= layer.row;
        to -= layer.row;
        (void) memmove(to, from, layer.row);
        after = between;
        to -= between;
    }
    (void) memset(out, layer.fill, (size_t) layer.top + layer.left);
}

void mw_copy_rows(const void *x, size_t rows, size_t row, void *out, size_t pitch)
{
    const uint8_t *from = (const uint8_t *) x;
    uint8_t *to = (uint8_t *) out;
    for (; rows != 0; --rows) {
        (void) memcpy(to, from, row);
        from += row;
        to += pitch;
    }
}
