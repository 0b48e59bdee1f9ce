/* SPDX-License-Identifier: MIT */
/* The setting milliwatt/<name of the model>. */
#include <stdio.h>
#include <sys/types.h>

#include <zephyr/settings/settings.h>

#include <milliwatt/status.h>

#include "updatable.h"

struct request {
    void *memory;
    size_t size;
    struct mw_found found;
};

/* Called for the setting itself, with no key, and for what is below it. */
static int on_setting(const char *key, size_t length, settings_read_cb read, void *handle, void *parameter)
{
    struct request *const request = parameter;
    struct mw_found found = {0};

    if (key != NULL && key[0] != '\0') {
        return 0;
    }
    if (length > request->size) {
        found.problem = "it is larger than the memory given to mw_updatable_open()";
    } else if (length > 0 && read(handle, request->memory, length) != (ssize_t) length) {
        found.problem = "the setting cannot be read";
    } else if (length > 0) {
        found.data = request->memory;
        found.size = length;
    }
    request->found = found; /* of several, as some backends keep them, the last one counts */
    return 0;
}

struct mw_found mw_find_in_setting(const char *name, void *memory, size_t size)
{
    struct request request = {.memory = memory, .size = size};
    char key[SETTINGS_MAX_NAME_LEN + 1];
    const int length = snprintf(key, sizeof(key), "milliwatt/%s", name);

    if (length < 0 || (size_t) length >= sizeof(key)) {
        request.found.problem = "the name of the model is too long for a setting";
    } else if (settings_subsys_init() != 0 || settings_load_subtree_direct(key, on_setting, &request) != 0) {
        request.found.problem = "the settings cannot be read";
    }
    return request.found;
}
