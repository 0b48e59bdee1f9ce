/* SPDX-License-Identifier: MIT */
/* Filters with a finite impulse response, for numbers of any type: with MW_NUMBER, MW_OF(name) and
 * MW_RESULTS(filter, from, step, out, n): `n` results, of windows that begin at `from`, `step` apart. */

static void MW_OF(mw_fir_move)(MW_NUMBER *to, const MW_NUMBER *from, size_t n)
{
    for (; n != 0; --n) {
        *to++ = *from++;
    }
}

int MW_OF(mw_fir_reset)(const MW_OF(mw_fir) * flash, MW_OF(mw_fir_state) * state, MW_NUMBER *buffer,
                        size_t size)
{
    if (flash == NULL || state == NULL || buffer == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    MW_IN_REACH(MW_OF(mw_fir), filter, flash);
    if (size < filter->n_taps) {
        return MW_ERROR_LENGTH;
    }
    state->buffer = buffer;
    state->size = size;
    state->end = filter->n_taps - 1U;
    state->skip = 0;
    for (size_t i = 0; i < state->end; ++i) {
        buffer[i] = 0;
    }
    return MW_OK;
}

int MW_OF(mw_fir_run)(const MW_OF(mw_fir) * flash, MW_OF(mw_fir_state) * state, const MW_NUMBER *x,
                      MW_NUMBER *out, size_t n)
{
    const MW_NUMBER *const begin = out;
    if (flash == NULL || state == NULL || x == NULL || out == NULL) {
        return MW_ERROR_ARGUMENT;
    }
    if (n > 32767U) {
        return MW_ERROR_LENGTH;
    }
    MW_IN_REACH(MW_OF(mw_fir), filter, flash);
    const size_t before = filter->n_taps - 1U;
    while (n != 0) {
        size_t now = state->size - state->end;
        if (now == 0) {
            MW_OF(mw_fir_move)(state->buffer, state->buffer + (state->end - before), before);
            state->end = before;
            now = state->size - before;
        }
        now = now < n ? now : n;
        MW_OF(mw_fir_move)(state->buffer + state->end, x, now);
        size_t skip = state->skip;
        if (skip < now) {
            const size_t results = (now - skip - 1U) / filter->decimation + 1U;
            MW_RESULTS(filter, state->buffer + (state->end - before + skip), filter->decimation, out,
                       results);
            skip += results * filter->decimation;
            out += results;
        }
        state->skip = (uint16_t) (skip - now);
        state->end += now;
        x += now;
        n -= now;
    }
    return (int) (out - begin);
}
