/* SPDX-License-Identifier: MIT */
/* Where models are found that are no part of the firmware. */
#ifndef MILLIWATT_ZEPHYR_UPDATABLE_H
#define MILLIWATT_ZEPHYR_UPDATABLE_H

#include <stddef.h>

/* What is in a place. `problem` is NULL where there is a model (it may still be a damaged one) or nothing at
 * all. */
struct mw_found {
    const void *data; /* NULL: nothing */
    size_t size;      /* bytes that may be read there */
    const char *problem;
};

/* Length of a blob, out of its first bytes; 0 where these are not a blob's. */
enum { MW_HEAD_BYTES = 12 };
size_t mw_blob_length(const void *head);

struct mw_found mw_find_in_partition(void *memory, size_t size);
struct mw_found mw_find_in_setting(const char *name, void *memory, size_t size);

#endif
