/* SPDX-License-Identifier: MIT */
/* A partition and a setting on a flash that is read through its driver. */
#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/ztest.h>

#include <milliwatt/zephyr.h>

#define PARTITION DT_FIXED_PARTITION_ID(DT_CHOSEN(milliwatt_model))
enum { BLOB_ROOM = 2048 };

MW_ENTRY_DECLARE(hello_xor);
MW_ENTRY_DECLARE(regressor);

static const uint8_t inverted[] = {
#include <inverted.inc>
};
static const uint8_t of_floats[] = {
#include <of_floats.inc>
};
static const uint8_t three_features[] = {
#include <three_features.inc>
};
static const uint8_t many_classes[] = {
#include <many_classes.inc>
};
static const uint8_t other_values[] = {
#include <other_values.inc>
};

static struct mw_updatable model;
static uint32_t memory[BLOB_ROOM / 4];

static void write_partition(const uint8_t *data, size_t size)
{
    static uint8_t padded[BLOB_ROOM];
    const struct flash_area *area;

    zassert_true(size <= sizeof(padded));
    memset(padded, 0xff, sizeof(padded));
    memcpy(padded, data, size);
    zassert_ok(flash_area_open(PARTITION, &area));
    zassert_ok(flash_area_erase(area, 0, area->fa_size));
    zassert_ok(flash_area_write(area, 0, padded, ROUND_UP(size, 4)));
    flash_area_close(area);
}

static void erase_partition(void)
{
    const struct flash_area *area;

    zassert_ok(flash_area_open(PARTITION, &area));
    zassert_ok(flash_area_erase(area, 0, area->fa_size));
    flash_area_close(area);
}

static void set(const char *name, const uint8_t *data, size_t size)
{
    zassert_ok(settings_subsys_init());
    zassert_ok(settings_save_one(name, data, size));
}

static void start_empty(void *fixture)
{
    ARG_UNUSED(fixture);
    erase_partition();
    zassert_ok(settings_subsys_init());
    (void) settings_delete("milliwatt/hello_xor");
    (void) settings_delete("milliwatt/regressor");
}

static int open_xor(void)
{
    return mw_updatable_open(&model, &hello_xor_entry, memory, sizeof(memory));
}

static const char *label_of(int8_t a, int8_t b)
{
    const int8_t switches[] = {a, b};
    const int answer = mw_updatable_predict(&model, switches, 2);

    zassert_true(answer >= 0);
    return mw_updatable_class_name(&model, answer);
}

/* The model of the firmware says that 0 0 is the same; the one that replaces it says the opposite. */
static void expect_the_firmwares(void)
{
    zassert_str_equal(label_of(0, 0), "same");
    zassert_str_equal(label_of(0, 1), "different");
}

static void expect_the_other(void)
{
    zassert_str_equal(label_of(0, 0), "different");
    zassert_str_equal(label_of(0, 1), "same");
}

ZTEST_SUITE(updatable, NULL, NULL, start_empty, NULL, NULL);

ZTEST(updatable, test_nothing_there)
{
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    zassert_equal(mw_updatable_origin(&model), MW_ORIGIN_FIRMWARE);
    expect_the_firmwares();
}

ZTEST(updatable, test_model_in_the_partition)
{
    write_partition(inverted, sizeof(inverted));
    zassert_equal(open_xor(), MW_ORIGIN_PARTITION);
    expect_the_other();
    zassert_equal(mw_updatable_n_classes(&model), 2);
    zassert_str_equal(mw_updatable_class_name(&model, -1), "?");
    zassert_equal(mw_updatable_find(&hello_xor_entry), &model);
    zassert_is_null(mw_updatable_find(&regressor_entry));
}

ZTEST(updatable, test_every_damaged_byte_is_noticed)
{
    uint8_t damaged[sizeof(inverted)];

    for (size_t i = 0; i < sizeof(inverted); i += 3) {
        memcpy(damaged, inverted, sizeof(inverted));
        damaged[i] ^= 0x10;
        write_partition(damaged, sizeof(damaged));
        zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE, "byte %u", (unsigned int) i);
        expect_the_firmwares();
    }
}

ZTEST(updatable, test_half_written)
{
    write_partition(inverted, sizeof(inverted) / 2);
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    expect_the_firmwares();
}

ZTEST(updatable, test_models_of_another_shape)
{
    write_partition(three_features, sizeof(three_features));
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    write_partition(of_floats, sizeof(of_floats));
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    write_partition(many_classes, sizeof(many_classes));
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    write_partition(other_values, sizeof(other_values));
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    expect_the_firmwares();
}

ZTEST(updatable, test_memory_that_is_too_small)
{
    write_partition(inverted, sizeof(inverted));
    zassert_equal(mw_updatable_open(&model, &hello_xor_entry, memory, sizeof(inverted) - 4),
                  MW_ORIGIN_FIRMWARE);
    zassert_equal(mw_updatable_open(&model, &hello_xor_entry, NULL, 0), MW_ORIGIN_FIRMWARE);
    expect_the_firmwares();
    zassert_equal(mw_updatable_open(&model, &hello_xor_entry, memory, sizeof(inverted)), MW_ORIGIN_PARTITION);
}

ZTEST(updatable, test_setting)
{
    set("milliwatt/hello_xor", inverted, sizeof(inverted));
    set("milliwatt/hello_xor/below", inverted, 4);
    zassert_equal(open_xor(), MW_ORIGIN_SETTING);
    expect_the_other();
    (void) settings_delete("milliwatt/hello_xor/below");
}

ZTEST(updatable, test_damaged_setting)
{
    set("milliwatt/hello_xor", inverted, sizeof(inverted) - 4);
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    set("milliwatt/hello_xor", (const uint8_t *) "x", 1);
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    expect_the_firmwares();
}

ZTEST(updatable, test_the_partition_comes_first)
{
    write_partition(inverted, sizeof(inverted));
    set("milliwatt/hello_xor", inverted, sizeof(inverted));
    zassert_equal(open_xor(), MW_ORIGIN_PARTITION);
    write_partition(three_features, sizeof(three_features));
    zassert_equal(open_xor(), MW_ORIGIN_SETTING);
}

ZTEST(updatable, test_regressor)
{
    const int8_t switches[] = {0, 1};
    float value = -1.0f;

    zassert_equal(mw_updatable_open(&model, &regressor_entry, memory, sizeof(memory)), MW_ORIGIN_FIRMWARE);
    zassert_equal(mw_updatable_regress(&model, switches, 2, &value, 1), MW_OK);
    zassert_true(value == 1.0f);
    set("milliwatt/regressor", other_values, sizeof(other_values));
    zassert_equal(mw_updatable_open(&model, &regressor_entry, memory, sizeof(memory)), MW_ORIGIN_SETTING);
    zassert_equal(mw_updatable_regress(&model, switches, 2, &value, 1), MW_OK);
    zassert_true(value == 7.0f);
    zassert_equal(mw_updatable_predict(&model, switches, 2), MW_ERROR_TASK);
    zassert_equal(mw_updatable_n_classes(&model), 0);
    zassert_str_equal(mw_updatable_class_name(&model, 0), "?");
}

ZTEST(updatable, test_wrong_calls)
{
    const int8_t switches[] = {0, 1};
    float value;

    zassert_equal(mw_updatable_open(NULL, &hello_xor_entry, memory, sizeof(memory)), MW_ERROR_ARGUMENT);
    zassert_equal(mw_updatable_open(&model, NULL, memory, sizeof(memory)), MW_ERROR_ARGUMENT);
    zassert_equal(mw_updatable_open(&model, &hello_xor_entry, NULL, 4), MW_ERROR_ARGUMENT);
    zassert_equal(open_xor(), MW_ORIGIN_FIRMWARE);
    zassert_equal(mw_updatable_predict(&model, switches, 1), MW_ERROR_LENGTH);
    zassert_equal(mw_updatable_regress(&model, switches, 2, &value, 1), MW_ERROR_TASK);
}
