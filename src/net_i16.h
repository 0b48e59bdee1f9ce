/* SPDX-License-Identifier: MIT */
/* What net_*_body.h are written with, for tensors of 16 bits. Included once for each body, so without a
 * guard. */
#undef MW_NUMBER
#undef MW_OF
#undef MW_BYTES
#define MW_NUMBER int16_t
#define MW_OF(name) name##_i16
#define MW_BYTES 0
