/* SPDX-License-Identifier: MIT */
/* The partition that /chosen/milliwatt,model names. */
#include <zephyr/devicetree.h>
#include <zephyr/sys/byteorder.h>

#include <milliwatt/status.h>

#include "updatable.h"

#define PARTITION DT_CHOSEN(milliwatt_model)

#if !DT_NODE_EXISTS(PARTITION)
#error \
    "CONFIG_MILLIWATT_PARTITION: name the partition in an overlay: / { chosen { milliwatt,model = &...; }; };"
#endif

enum { PARTITION_BYTES = DT_REG_SIZE(PARTITION) };

/* Flash that was erased, to ones or (some simulators) to zeros. */
static int is_erased(const void *head)
{
    const uint32_t word = sys_get_le32(head);

    return word == UINT32_MAX || word == 0;
}

#define MODEL_FLASH DT_MEM_FROM_FIXED_PARTITION(PARTITION)
#if defined(CONFIG_MILLIWATT_PARTITION_IN_PLACE) && DT_SAME_NODE(MODEL_FLASH, DT_CHOSEN(zephyr_flash))

struct mw_found mw_find_in_partition(void *memory, size_t size)
{
    const void *const data = (const void *) (uintptr_t) DT_FIXED_PARTITION_ADDR(PARTITION);
    const struct mw_found nothing = {0};
    const struct mw_found all = {.data = data, .size = PARTITION_BYTES};

    ARG_UNUSED(memory);
    ARG_UNUSED(size);
    return is_erased(data) ? nothing : all;
}

#else

#if !defined(CONFIG_FLASH_MAP)
#error "the partition of milliwatt,model cannot be read in place: set CONFIG_FLASH=y and CONFIG_FLASH_MAP=y"
#endif

#include <zephyr/storage/flash_map.h>

static struct mw_found read_model(const struct flash_area *area, void *memory, size_t size)
{
    struct mw_found found = {0};
    uint8_t head[MW_HEAD_BYTES];
    size_t length;

    if (flash_area_read(area, 0, head, sizeof(head)) != 0) {
        found.problem = "the flash cannot be read";
        return found;
    }
    if (is_erased(head)) {
        return found;
    }
    length = mw_blob_length(head);
    if (length == 0 || length > PARTITION_BYTES) {
        found.problem = mw_status_string(MW_ERROR_MODEL);
    } else if (length > size) {
        found.problem = "it is larger than the memory given to mw_updatable_open()";
    } else if (flash_area_read(area, 0, memory, length) != 0) {
        found.problem = "the flash cannot be read";
    } else {
        found.data = memory;
        found.size = length;
    }
    return found;
}

struct mw_found mw_find_in_partition(void *memory, size_t size)
{
    const struct flash_area *area;
    struct mw_found found = {.problem = "the flash device is not ready"};

    if (flash_area_open(DT_FIXED_PARTITION_ID(PARTITION), &area) == 0) {
        found = read_model(area, memory, size);
        flash_area_close(area);
    }
    return found;
}

#endif
