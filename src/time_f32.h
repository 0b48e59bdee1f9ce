/* SPDX-License-Identifier: MIT */
/* What time_*_body.h are written with, for floats. Included once for each body, so without a guard. */
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
#define MW_NUMBER float
#define MW_VIEW mw_view_f32
#define MW_OF(name) name##_f32
#define MW_WIDER float
/* What has the order of the numbers, and compares fast. */
#define MW_KEY int32_t
#define MW_UNSIGNED_KEY uint32_t
#define MW_KEY_OF(x) mw_key_of(x)
#define MW_NUMBER_OF(key) mw_float_of(key)
#define MW_LEAST_KEY INT32_MIN
#define MW_GREATEST_KEY INT32_MAX
