/* SPDX-License-Identifier: MIT */
#ifndef MILLIWATT_IN_REACH_H
#define MILLIWATT_IN_REACH_H

#include <milliwatt/config.h>

/* Declares a pointer to an object in MW_FLASH that members can be read through: a copy, where it takes one.
 */
#if MW_USE_PROGMEM
#define MW_IN_REACH(type, name, from) \
    type name##_copy;                 \
    const type *const name = (MW_READ_BYTES(&name##_copy, (from), sizeof name##_copy), &name##_copy)
#else
#define MW_IN_REACH(type, name, from) const type *const name = (from)
#endif

#endif
