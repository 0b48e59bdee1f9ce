/* SPDX-License-Identifier: MIT */
/** @file
 * Models in a Zephyr application: the list of those in the firmware (CONFIG_MILLIWATT_REGISTRY), and models
 * that are replaced without it, in a partition or a setting (CONFIG_MILLIWATT_PARTITION,
 * CONFIG_MILLIWATT_SETTINGS).
 *
 *     MW_ENTRY_DECLARE(gesture);                                    milliwatt_add_model(app NAME gesture ...)
 *
 *     static struct mw_updatable model;
 *     static uint32_t memory[1024];                                 where it cannot be read in place
 *
 *     mw_updatable_open(&model, &gesture_entry, memory, sizeof(memory));
 *     ...
 *     int answer = mw_updatable_predict(&model, features, n_features);
 *     printk("%s\n", mw_updatable_class_name(&model, answer));
 *
 * Predictions may run in any number of threads at once, once the model is open.
 */
#ifndef MILLIWATT_ZEPHYR_H
#define MILLIWATT_ZEPHYR_H

#include <stddef.h>
#include <stdint.h>

#include <zephyr/sys/iterable_sections.h>
#include <zephyr/sys/slist.h>

#include <milliwatt/model.h>
#include <milliwatt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A model that is part of the firmware. STRUCT_SECTION_FOREACH(mw_entry, entry) goes through all. */
struct mw_entry {
    /** The NAME of milliwatt_add_model(). */
    const char *name;
    /**
     * Predicts. A classifier answers a class index and leaves `outputs` alone; a regressor writes n_outputs
     * values and answers MW_OK. Both answer a negative mw_status otherwise.
     *
     * @param features values of the model's type.
     */
    int (*answer)(const void *features, int n_features, float *outputs, int n_outputs);
    /** Label of a class; NULL for a regressor. */
    const char *(*class_name)(int index);
    uint16_t n_features;
    /** 0 for a regressor. */
    uint16_t n_classes;
    /** Values of a regressor; 0 for a classifier. */
    uint16_t n_outputs;
    /** An mw_feature_type. */
    uint8_t type;
};

/** Makes `<name>_entry` known, the entry of the model that milliwatt_add_model(... NAME name ...) added. */
#define MW_ENTRY_DECLARE(name) extern const struct mw_entry name##_entry

/** The mw_feature_type of a generated function; no other type of features compiles. */
#define MW_TYPE_OF_CLASSIFIER(function)          \
    _Generic(&(function),                        \
        int (*)(const float *, int): MW_FLOAT,   \
        int (*)(const int8_t *, int): MW_INT8,   \
        int (*)(const uint8_t *, int): MW_UINT8, \
        int (*)(const int16_t *, int): MW_INT16, \
        int (*)(const int32_t *, int): MW_INT32)

#define MW_TYPE_OF_REGRESSOR(function)                         \
    _Generic(&(function),                                      \
        int (*)(const float *, int, float *, int): MW_FLOAT,   \
        int (*)(const int8_t *, int, float *, int): MW_INT8,   \
        int (*)(const uint8_t *, int, float *, int): MW_UINT8, \
        int (*)(const int16_t *, int, float *, int): MW_INT16, \
        int (*)(const int32_t *, int, float *, int): MW_INT32)

/** Where a model is from. */
enum mw_origin {
    MW_ORIGIN_FIRMWARE = 0,
    MW_ORIGIN_PARTITION = 1,
    MW_ORIGIN_SETTING = 2,
};

/** A model of the firmware, or what replaces it. Its members are the functions' business. */
struct mw_updatable {
    sys_snode_t node;
    const struct mw_entry *entry;
    mw_model model;
    enum mw_origin origin;
};

/**
 * Takes the model in the partition, else the one in the setting, else the one of the firmware, and logs
 * which.
 *
 * A model is taken if it is undamaged, has the features of the firmware's and their type, is a classifier if
 * that is one (classes may be others) or has as many values, and CONFIG_MILLIWATT_MAX_OUTPUTS is enough.
 *
 * Not for several threads at once. May be called again, when no prediction runs.
 *
 * @param entry  the model of the firmware.
 * @param memory at a multiple of 4, and this model's as long as it is in use: what cannot be read in place is
 * read into it. NULL if there is nothing of that kind.
 * @param size   bytes of memory.
 * @return an ::mw_origin, or MW_ERROR_ARGUMENT.
 */
int mw_updatable_open(struct mw_updatable *updatable, const struct mw_entry *entry, void *memory,
                      size_t size);

/**
 * The class of a sample; of a regressor MW_ERROR_TASK.
 *
 * @param features n_features values of the type the model has.
 * @return class index, or a negative mw_status.
 */
int mw_updatable_predict(const struct mw_updatable *updatable, const void *features, int n_features);

/** A regressor's values; of a classifier MW_ERROR_TASK. See mw_entry::answer. */
int mw_updatable_regress(const struct mw_updatable *updatable, const void *features, int n_features,
                         float *outputs, int n_outputs);

/** The label of a class as text; "?" for an index that is none. */
const char *mw_updatable_class_name(const struct mw_updatable *updatable, int index);

/** Classes of the model that runs; 0 for a regressor. */
int mw_updatable_n_classes(const struct mw_updatable *updatable);

/** Where the model is from that runs. */
static inline enum mw_origin mw_updatable_origin(const struct mw_updatable *updatable)
{
    return updatable->origin;
}

/** "firmware", "partition" or "setting". */
const char *mw_origin_name(enum mw_origin origin);

/** What was opened last in the place of an entry; NULL if nothing was. */
const struct mw_updatable *mw_updatable_find(const struct mw_entry *entry);

#ifdef __cplusplus
}
#endif

#endif
