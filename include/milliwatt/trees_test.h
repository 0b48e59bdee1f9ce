/* SPDX-License-Identifier: MIT */
/** @file
 * The test of one split, for <milliwatt/trees_walk.h> and <milliwatt/trees_compact.h>, which say what the
 * parameters are.
 */
#include <milliwatt/trees.h>

#define MW_T_READ_THRESHOLD(address)                                       \
    ((MW_T_THRESHOLD) (sizeof(MW_T_THRESHOLD) == 1   ? MW_READ_8(address)  \
                       : sizeof(MW_T_THRESHOLD) == 2 ? MW_READ_16(address) \
                                                     : MW_READ_32(address)))

/* Whether a sample goes left; a categorical split's threshold is where its set begins. */
MW_ALWAYS_INLINE int MW_T_NAME(goes_left)(MW_T_FEATURE value, MW_T_THRESHOLD threshold, int categorical,
                                          int missing_left)
{
    (void) categorical;
    (void) missing_left;
#if MW_T_MISSING
    if (mw_is_nan(value)) {
        return missing_left;
    }
#endif
#if MW_T_CATEGORIES
    if (categorical) {
        return mw_in_set(MW_T_NAME(sets) + threshold, MW_T_CATEGORY(value));
    }
#endif
#if MW_T_IS_FLOAT
    return mw_float_key(value) <= threshold;
#else
    return value <= threshold;
#endif
}
