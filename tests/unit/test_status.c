/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>

#include <milliwatt/milliwatt.h>

#include "check.h"

TEST(every_status_has_a_text_of_its_own)
{
    const int statuses[] = {MW_OK,          MW_ERROR_ARGUMENT, MW_ERROR_LENGTH,    MW_ERROR_NAN,
                            MW_ERROR_MODEL, MW_ERROR_VERSION,  MW_ERROR_ALIGNMENT, MW_ERROR_TYPE,
                            MW_ERROR_TASK,  MW_NOT_YET};
    for (int i = 0; i < 10; ++i) {
        CHECK(strlen(mw_status_string(statuses[i])) > 1);
        for (int j = 0; j < i; ++j) {
            CHECK(strcmp(mw_status_string(statuses[i]), mw_status_string(statuses[j])) != 0);
        }
    }
}

TEST(errors_are_negative)
{
    CHECK(MW_OK == 0);
    CHECK(MW_ERROR_ARGUMENT < 0 && MW_ERROR_LENGTH < 0 && MW_ERROR_NAN < 0);
    CHECK(MW_ERROR_MODEL < 0 && MW_ERROR_VERSION < 0 && MW_ERROR_ALIGNMENT < 0);
    CHECK(MW_ERROR_TYPE < 0 && MW_ERROR_TASK < 0);
}

TEST(not_yet_is_no_class_and_no_error)
{
    CHECK(MW_NOT_YET == -101);
}

TEST(a_class_index_counts_as_ok)
{
    CHECK(strcmp(mw_status_string(0), "ok") == 0);
    CHECK(strcmp(mw_status_string(1), "ok") == 0);
    CHECK(strcmp(mw_status_string(INT_MAX), "ok") == 0);
}

TEST(unknown_statuses_have_a_text_too)
{
    CHECK(strcmp(mw_status_string(-1000), "unknown status") == 0);
    CHECK(strcmp(mw_status_string(INT_MIN), "unknown status") == 0);
}

TEST(versions_compare_as_numbers)
{
    CHECK(MW_VERSION == MW_VERSION_MAJOR * 65536 + MW_VERSION_MINOR * 256 + MW_VERSION_PATCH);
    CHECK(strlen(MW_VERSION_STRING) >= 5);
}

int main(void)
{
    every_status_has_a_text_of_its_own();
    errors_are_negative();
    not_yet_is_no_class_and_no_error();
    a_class_index_counts_as_ok();
    unknown_statuses_have_a_text_too();
    versions_compare_as_numbers();
    return check_failures;
}
