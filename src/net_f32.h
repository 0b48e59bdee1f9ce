/* SPDX-License-Identifier: MIT */
/* What net_*_body.h are written with, for tensors of floats. Included once for each body, so without a guard.
 */
#undef MW_NUMBER
#undef MW_OF
#define MW_NUMBER float
#define MW_OF(name) name##_f32
