/* SPDX-License-Identifier: MIT */
/* Extremes and crossings of levels, for the family that time_i16.h or time_f32.h has set up. */

int MW_OF(mw_range_of)(const MW_VIEW *x, MW_OF(mw_range) * range)
{
    const int32_t n = MW_SAMPLES(x, 1);
    MW_KEY low = MW_GREATEST_KEY, high = MW_LEAST_KEY;
    if (n < 0) {
        return (int) n;
    }
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        const MW_KEY key = MW_KEY_OF(*at);
        low = key < low ? key : low;
        high = key > high ? key : high;
    }
    range->low = MW_NUMBER_OF(low);
    range->high = MW_NUMBER_OF(high);
    return MW_OK;
}

int MW_OF(mw_crossings)(const MW_VIEW *x, MW_NUMBER level, uint16_t *count)
{
    const int32_t n = MW_SAMPLES(x, 1);
    const MW_KEY border = MW_KEY_OF(level);
    uint_fast16_t crossings = 0;
    uint_fast8_t below;
    if (n < 0) {
        return (int) n;
    }
    below = MW_KEY_OF(x->n_first != 0 ? *x->first : *x->second) < border;
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        if ((MW_KEY_OF(*at) < border) != below) {
            below ^= 1U;
            ++crossings;
        }
    }
    *count = (uint16_t) crossings;
    return MW_OK;
}

int MW_OF(mw_turns)(const MW_VIEW *x, MW_OF(mw_threshold) threshold, uint16_t *count)
{
    const int32_t n = MW_SAMPLES(x, 2);
    uint_fast16_t turns = 0;
    MW_WIDER before = 0, last;
    if (n < 0) {
        return (int) n;
    }
    last = x->n_first != 0 ? *x->first : *x->second;
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        const MW_WIDER step = *at - last;
        last = *at;
        if ((before < 0 && step > 0 && (-before > (MW_WIDER) threshold || step > (MW_WIDER) threshold)) ||
            (before > 0 && step < 0 && (before > (MW_WIDER) threshold || -step > (MW_WIDER) threshold))) {
            ++turns;
        }
        before = step;
    }
    *count = (uint16_t) turns;
    return MW_OK;
}
