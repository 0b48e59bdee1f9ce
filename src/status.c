/* SPDX-License-Identifier: MIT */
#include <milliwatt/status.h>

const char *mw_status_string(int status)
{
    if (status > 0) {
        status = MW_OK; /* a class index */
    }
    switch (status) {
#define MW_STATUS_CASE(name, value, text) \
    case name:                            \
        return text;
        MW_STATUS_LIST(MW_STATUS_CASE)
#undef MW_STATUS_CASE
    default:
        return "unknown status";
    }
}
