/* SPDX-License-Identifier: MIT */
/* What net_*_body.h are written with, for tensors of bytes. Included once for each body, so without a guard.
 */
#undef MW_NUMBER
#undef MW_OF
#undef MW_BYTES
#define MW_NUMBER uint8_t
#define MW_OF(name) name##_u8
#define MW_BYTES 1
