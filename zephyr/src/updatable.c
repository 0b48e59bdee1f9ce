/* SPDX-License-Identifier: MIT */
/* Which model runs: the one in a partition, in a setting, or in the firmware. */
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/byteorder.h>

#include <milliwatt/zephyr.h>

#include "updatable.h"

LOG_MODULE_REGISTER(milliwatt, CONFIG_MILLIWATT_LOG_LEVEL);

static sys_slist_t opened = SYS_SLIST_STATIC_INIT(&opened);

size_t mw_blob_length(const void *head)
{
    const uint8_t *const bytes = head;

    return memcmp(bytes, "MWMB", 4) == 0 ? sys_get_le32(bytes + 8) : 0;
}

const char *mw_origin_name(enum mw_origin origin)
{
    static const char *const names[] = {"firmware", "partition", "setting"};

    return names[origin];
}

/* NULL if a model can stand in for the firmware's, else why it cannot. */
static const char *mismatch(const mw_model *model, const struct mw_entry *entry)
{
    if (mw_model_n_features(model) != entry->n_features) {
        return "it has another number of features";
    }
    if (mw_model_feature_type(model) != entry->type) {
        return "its features are of another type";
    }
    if ((mw_model_n_classes(model) > 0) != (entry->n_classes > 0)) {
        return "it answers classes instead of values, or values instead of classes";
    }
    if (entry->n_classes == 0 && mw_model_n_outputs(model) != entry->n_outputs) {
        return "it has another number of outputs";
    }
    if (mw_model_n_sums(model) > CONFIG_MILLIWATT_MAX_OUTPUTS) {
        return "it has more outputs than CONFIG_MILLIWATT_MAX_OUTPUTS";
    }
    return NULL;
}

/* true if what was found is taken. */
static bool take(struct mw_updatable *updatable, const struct mw_found *found, enum mw_origin origin)
{
    const char *const name = updatable->entry->name;
    const char *problem = found->problem;

    if (problem == NULL && found->data == NULL) {
        LOG_DBG("%s: no model in the %s", name, mw_origin_name(origin));
        return false;
    }
    if (problem == NULL) {
        const int status = mw_model_open(found->data, found->size, &updatable->model);

        problem = status == MW_OK ? mismatch(&updatable->model, updatable->entry) : mw_status_string(status);
    }
    if (problem != NULL) {
        LOG_WRN("%s: the model in the %s is not used: %s", name, mw_origin_name(origin), problem);
        return false;
    }
    updatable->origin = origin;
    return true;
}

static void find(struct mw_updatable *updatable, void *memory, size_t size)
{
    struct mw_found found;

    updatable->origin = MW_ORIGIN_FIRMWARE;
    if (IS_ENABLED(CONFIG_MILLIWATT_PARTITION)) {
        found = mw_find_in_partition(memory, size);
        if (take(updatable, &found, MW_ORIGIN_PARTITION)) {
            return;
        }
    }
    if (IS_ENABLED(CONFIG_MILLIWATT_SETTINGS)) {
        found = mw_find_in_setting(updatable->entry->name, memory, size);
        (void) take(updatable, &found, MW_ORIGIN_SETTING);
    }
}

int mw_updatable_open(struct mw_updatable *updatable, const struct mw_entry *entry, void *memory, size_t size)
{
    if (updatable == NULL || entry == NULL || (memory == NULL && size > 0)) {
        return MW_ERROR_ARGUMENT;
    }
    (void) sys_slist_find_and_remove(&opened, &updatable->node);
    updatable->entry = entry;
    find(updatable, memory, size);
    sys_slist_prepend(&opened, &updatable->node);
    LOG_INF("%s: the model in the %s runs", entry->name, mw_origin_name(updatable->origin));
    return (int) updatable->origin;
}

const struct mw_updatable *mw_updatable_find(const struct mw_entry *entry)
{
    struct mw_updatable *updatable;

    SYS_SLIST_FOR_EACH_CONTAINER(&opened, updatable, node)
    {
        if (updatable->entry == entry) {
            return updatable;
        }
    }
    return NULL;
}

int mw_updatable_predict(const struct mw_updatable *updatable, const void *features, int n_features)
{
    const struct mw_entry *const entry = updatable->entry;
    int32_t sums[CONFIG_MILLIWATT_MAX_OUTPUTS];

    if (updatable->origin != MW_ORIGIN_FIRMWARE) {
        return mw_model_predict(&updatable->model, entry->type, features, n_features, sums,
                                CONFIG_MILLIWATT_MAX_OUTPUTS);
    }
    return entry->n_classes > 0 ? entry->answer(features, n_features, NULL, 0) : MW_ERROR_TASK;
}

int mw_updatable_regress(const struct mw_updatable *updatable, const void *features, int n_features,
                         float *outputs, int n_outputs)
{
    const struct mw_entry *const entry = updatable->entry;
    int32_t sums[CONFIG_MILLIWATT_MAX_OUTPUTS];

    if (updatable->origin != MW_ORIGIN_FIRMWARE) {
        return mw_model_regress(&updatable->model, entry->type, features, n_features, sums,
                                CONFIG_MILLIWATT_MAX_OUTPUTS, outputs, n_outputs);
    }
    return entry->n_classes > 0 ? MW_ERROR_TASK : entry->answer(features, n_features, outputs, n_outputs);
}

const char *mw_updatable_class_name(const struct mw_updatable *updatable, int index)
{
    if (updatable->origin != MW_ORIGIN_FIRMWARE) {
        return mw_model_class_name(&updatable->model, index);
    }
    return updatable->entry->class_name != NULL ? updatable->entry->class_name(index) : "?";
}

int mw_updatable_n_classes(const struct mw_updatable *updatable)
{
    return updatable->origin != MW_ORIGIN_FIRMWARE ? mw_model_n_classes(&updatable->model)
                                                   : updatable->entry->n_classes;
}
