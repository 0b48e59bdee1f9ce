/* SPDX-License-Identifier: MIT */
/* Percentiles, by selection and by counting, for the family that time_quantiles.c has set up. */

/* Places of the order, from `first` to `last`, so that `place` has what sorting would bring there, nothing
 * before it is greater and nothing after it less. Hoare, "Algorithm 65: FIND", CACM 4(7), 1961. */
static void MW_OF(mw_select)(MW_KEY *x, int32_t first, int32_t last, int32_t place)
{
    while (first < last) {
        const MW_KEY a = x[first], b = x[first + (last - first) / 2], c = x[last];
        const MW_KEY pivot = a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
        int32_t left = first, right = last;
        do {
            while (x[left] < pivot) {
                ++left;
            }
            while (x[right] > pivot) {
                --right;
            }
            if (left <= right) {
                const MW_KEY other = x[left];
                x[left++] = x[right];
                x[right--] = other;
            }
        } while (left <= right);
        if (place <= right) {
            last = right;
        } else if (place >= left) {
            first = left;
        } else {
            return; /* between them all equal the pivot */
        }
    }
}

int MW_OF(mw_quantiles)(const MW_VIEW *x, MW_KEY *scratch, const uint16_t *per_mille, uint8_t count,
                        MW_QUANTILE *out)
{
    const int32_t n = MW_SAMPLES(x, 1);
    const int status = mw_check_quantiles(n, per_mille, count);
    MW_KEY *to = scratch;
    int32_t sorted_to = 0; /* nothing before this place is greater than what comes after it */
    if (status != MW_OK) {
        return status;
    }
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        *to++ = MW_KEY_OF(*at);
    }
    for (uint_fast8_t i = 0; i < count; ++i) {
        const uint32_t position = (uint32_t) per_mille[i] * (uint32_t) (n - 1);
        const int32_t place = (int32_t) (position / 1000);
        const uint16_t thousandths = (uint16_t) (position % 1000);
        MW_KEY next;
        MW_OF(mw_select)(scratch, place < sorted_to ? 0 : sorted_to, n - 1, place);
        sorted_to = place;
        next = scratch[place];
        if (thousandths != 0) {
            next = scratch[place + 1];
            for (int32_t j = place + 2; j < n; ++j) {
                next = scratch[j] < next ? scratch[j] : next;
            }
        }
        out[i] = MW_OF(mw_interpolated)(scratch[place], next, thousandths);
    }
    return MW_OK;
}

/* How many samples are at most `limit`, and the least of those that are greater. */
static uint_fast16_t MW_OF(mw_count_to)(const MW_VIEW *x, MW_KEY limit, MW_KEY *next)
{
    uint_fast16_t n = 0;
    MW_KEY least = MW_GREATEST_KEY;
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        const MW_KEY key = MW_KEY_OF(*at);
        if (key <= limit) {
            ++n;
        } else if (key < least) {
            least = key;
        }
    }
    *next = least;
    return n;
}

/* The least key that has more than `place` samples up to it: bisection. */
static MW_KEY MW_OF(mw_find)(const MW_VIEW *x, MW_KEY low, MW_KEY high, uint_fast16_t place)
{
    while (low < high) {
        const MW_KEY middle =
            (MW_KEY) ((MW_UNSIGNED_KEY) low +
                      (MW_UNSIGNED_KEY) ((MW_UNSIGNED_KEY) high - (MW_UNSIGNED_KEY) low) / 2);
        MW_KEY next;
        if (MW_OF(mw_count_to)(x, middle, &next) > place) {
            high = middle;
        } else {
            low = next; /* there is one: `high` has more than `place` up to it */
        }
    }
    return low;
}

int MW_OF(mw_count_quantiles)(const MW_VIEW *x, const uint16_t *per_mille, uint8_t count, MW_QUANTILE *out)
{
    const int32_t n = MW_SAMPLES(x, 1);
    const int status = mw_check_quantiles(n, per_mille, count);
    MW_KEY low = MW_GREATEST_KEY, high = MW_LEAST_KEY;
    if (status != MW_OK) {
        return status;
    }
    MW_EACH_SAMPLE (MW_NUMBER, x, at) {
        const MW_KEY key = MW_KEY_OF(*at);
        low = key < low ? key : low;
        high = key > high ? key : high;
    }
    for (uint_fast8_t i = 0; i < count; ++i) {
        const uint32_t position = (uint32_t) per_mille[i] * (uint32_t) (n - 1);
        const uint_fast16_t place = (uint_fast16_t) (position / 1000);
        const uint16_t thousandths = (uint16_t) (position % 1000);
        const MW_KEY found = MW_OF(mw_find)(x, low, high, place);
        MW_KEY next = found;
        if (thousandths != 0 && MW_OF(mw_count_to)(x, found, &next) > place + 1U) {
            next = found;
        }
        out[i] = MW_OF(mw_interpolated)(found, next, thousandths);
    }
    return MW_OK;
}
