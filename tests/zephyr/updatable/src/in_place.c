/* SPDX-License-Identifier: MIT */
/* A partition of the flash that code runs from: the model is read where it lies. */
#include <zephyr/ztest.h>

#include <milliwatt/zephyr.h>

MW_ENTRY_DECLARE(hello_xor);
MW_ENTRY_DECLARE(regressor);

static struct mw_updatable model;

ZTEST_SUITE(in_place, NULL, NULL, NULL, NULL, NULL);

ZTEST(in_place, test_takes_no_memory)
{
    const uintptr_t begin = DT_FIXED_PARTITION_ADDR(DT_CHOSEN(milliwatt_model));
    const int8_t switches[] = {1, 1};
    int answer;

    zassert_equal(mw_updatable_open(&model, &hello_xor_entry, NULL, 0), MW_ORIGIN_PARTITION);
    answer = mw_updatable_predict(&model, switches, 2);
    zassert_true(answer >= 0);
    zassert_str_equal(mw_updatable_class_name(&model, answer), "different");
    zassert_true((uintptr_t) model.model.nodes > begin && (uintptr_t) model.model.nodes < begin + 0x10000);
}

ZTEST(in_place, test_a_model_of_another_kind)
{
    zassert_equal(mw_updatable_open(&model, &regressor_entry, NULL, 0), MW_ORIGIN_FIRMWARE);
}
