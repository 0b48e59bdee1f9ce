/* SPDX-License-Identifier: MIT */
/* All there is to do is done by the shell; where models can be replaced, `reopen` looks for one as a restart
 * would. */
#ifdef CONFIG_MILLIWATT_UPDATABLE
#include <zephyr/shell/shell.h>

#include <milliwatt/zephyr.h>

MW_ENTRY_DECLARE(hello_xor);

static struct mw_updatable model;
static uint32_t memory[256];

static int reopen(const struct shell *shell, size_t argc, char **argv)
{
    ARG_UNUSED(argc);
    ARG_UNUSED(argv);
    shell_print(
        shell, "from the %s",
        mw_origin_name((enum mw_origin) mw_updatable_open(&model, &hello_xor_entry, memory, sizeof memory)));
    return 0;
}

SHELL_CMD_REGISTER(reopen, NULL, "Look for a model that replaces the firmware's", reopen);
#endif

int main(void)
{
    return 0;
}
