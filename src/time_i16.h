/* SPDX-License-Identifier: MIT */
/* What time_*_body.h are written with, for integers. Included once for each body, so without a guard. */
#undef MW_NUMBER
#undef MW_VIEW
#undef MW_OF
#undef MW_WIDER
#undef MW_KEY
#undef MW_UNSIGNED_KEY
#undef MW_KEY_OF
#undef MW_NUMBER_OF
#undef MW_LEAST_KEY
#undef MW_GREATEST_KEY
#define MW_NUMBER int16_t
#define MW_VIEW mw_view_i16
#define MW_OF(name) name##_i16
#define MW_WIDER int32_t /* holds differences of two numbers */
/* What has the order of the numbers, and compares fast. */
#define MW_KEY int16_t
#define MW_UNSIGNED_KEY uint16_t
#define MW_KEY_OF(x) (x)
#define MW_NUMBER_OF(key) (key)
#define MW_LEAST_KEY INT16_MIN
#define MW_GREATEST_KEY INT16_MAX
