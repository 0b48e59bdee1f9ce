/* SPDX-License-Identifier: MIT */
/* mw list | mw predict <model> <values> | mw bench <model> [<runs> [<values>]] */
#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

#include <milliwatt/zephyr.h>

#include "number.h"

#define MAX_FEATURES CONFIG_MILLIWATT_SHELL_MAX_FEATURES
#define MAX_OUTPUTS CONFIG_MILLIWATT_SHELL_MAX_OUTPUTS
enum { RUNS = 100, MAX_RUNS = 1000000 };

/* Shells run commands in threads of their own, more than one where there are several shells. */
static K_MUTEX_DEFINE(busy);
static union {
    float as_float[MAX_FEATURES];
    int8_t as_int8[MAX_FEATURES];
    uint8_t as_uint8[MAX_FEATURES];
    int16_t as_int16[MAX_FEATURES];
    int32_t as_int32[MAX_FEATURES];
} features;
static float outputs[MAX_OUTPUTS];

static const struct {
    const char *name;
    double lowest;
    double highest;
} types[] = {
    [MW_FLOAT] = {"float", 0, 0},
    [MW_INT8] = {"int8", INT8_MIN, INT8_MAX},
    [MW_UINT8] = {"uint8", 0, UINT8_MAX},
    [MW_INT16] = {"int16", INT16_MIN, INT16_MAX},
    [MW_INT32] = {"int32", INT32_MIN, INT32_MAX},
};

static const struct mw_updatable *opened(const struct mw_entry *entry)
{
    return IS_ENABLED(CONFIG_MILLIWATT_UPDATABLE) ? mw_updatable_find(entry) : NULL;
}

static const char *place(const struct mw_entry *entry)
{
    const struct mw_updatable *const updatable = opened(entry);

    return updatable == NULL ? "firmware" : mw_origin_name(mw_updatable_origin(updatable));
}

static int n_classes(const struct mw_entry *entry)
{
    const struct mw_updatable *const updatable = opened(entry);

    return updatable == NULL ? entry->n_classes : mw_updatable_n_classes(updatable);
}

static int answer(const struct mw_entry *entry)
{
    const struct mw_updatable *const updatable = opened(entry);

    if (updatable == NULL) {
        return entry->answer(&features, entry->n_features, outputs, entry->n_outputs);
    }
    if (entry->n_classes > 0) {
        return mw_updatable_predict(updatable, &features, entry->n_features);
    }
    return mw_updatable_regress(updatable, &features, entry->n_features, outputs, entry->n_outputs);
}

static const char *class_name(const struct mw_entry *entry, int index)
{
    const struct mw_updatable *const updatable = opened(entry);

    return updatable == NULL ? entry->class_name(index) : mw_updatable_class_name(updatable, index);
}

static int cmd_list(const struct shell *shell, size_t argc, char **argv)
{
    int n_models = 0;

    ARG_UNUSED(argc);
    ARG_UNUSED(argv);
    STRUCT_SECTION_FOREACH(mw_entry, entry)
    {
        const int classes = n_classes(entry);

        shell_print(shell, "%s: %s, %u %s features, %d %s, in the %s", entry->name,
                    classes > 0 ? "classifier" : "regressor", entry->n_features, types[entry->type].name,
                    classes > 0 ? classes : entry->n_outputs, classes > 0 ? "classes" : "outputs",
                    place(entry));
        ++n_models;
    }
    if (n_models == 0) {
        shell_print(shell, "no models: add them with milliwatt_add_model() in CMakeLists.txt");
    }
    return 0;
}

static const struct mw_entry *find(const struct shell *shell, const char *name)
{
    STRUCT_SECTION_FOREACH(mw_entry, entry)
    {
        if (strcmp(entry->name, name) == 0) {
            if (entry->n_features > MAX_FEATURES) {
                shell_error(shell, "%s has %u features: set CONFIG_MILLIWATT_SHELL_MAX_FEATURES", name,
                            entry->n_features);
                return NULL;
            }
            if (entry->n_outputs > MAX_OUTPUTS) {
                shell_error(shell, "%s has %u outputs: set CONFIG_MILLIWATT_SHELL_MAX_OUTPUTS", name,
                            entry->n_outputs);
                return NULL;
            }
            return entry;
        }
    }
    shell_error(shell, "there is no model '%s': see mw list", name);
    return NULL;
}

/* false where the type cannot hold the value. */
static bool set_feature(uint8_t type, size_t index, double value)
{
    if (type == MW_FLOAT) {
        features.as_float[index] = (float) value;
        return true;
    }
    /* Also NaN fails this. */
    if (!(value >= types[type].lowest && value <= types[type].highest) || value != (double) (int32_t) value) {
        return false;
    }
    switch (type) {
    case MW_INT8:
        features.as_int8[index] = (int8_t) value;
        break;
    case MW_UINT8:
        features.as_uint8[index] = (uint8_t) value;
        break;
    case MW_INT16:
        features.as_int16[index] = (int16_t) value;
        break;
    default:
        features.as_int32[index] = (int32_t) value;
        break;
    }
    return true;
}

/* Values of one word, which commas separate; the number of values so far, or -EINVAL after a message. */
static int read_word(const struct shell *shell, const struct mw_entry *entry, const char *word, int n)
{
    const char *text = word;

    for (;;) {
        double value;

        if (n == entry->n_features) {
            shell_error(shell, "%s takes %u values, more are given", entry->name, entry->n_features);
            return -EINVAL;
        }
        if (!mw_parse_number(text, &text, &value) || (*text != ',' && *text != '\0')) {
            shell_error(shell, "'%s' is no number, and no numbers with commas between", word);
            return -EINVAL;
        }
        if (!set_feature(entry->type, (size_t) n, value)) {
            shell_error(shell, "value %d of '%s' is no %s", n + 1, word, types[entry->type].name);
            return -EINVAL;
        }
        ++n;
        if (*text == '\0') {
            return n;
        }
        ++text;
    }
}

static int read_features(const struct shell *shell, const struct mw_entry *entry, size_t argc, char **argv)
{
    int n = 0;

    for (size_t i = 0; i < argc && n >= 0; ++i) {
        n = read_word(shell, entry, argv[i], n);
    }
    if (n >= 0 && n < entry->n_features) {
        shell_error(shell, "%s takes %u values, %d are given", entry->name, entry->n_features, n);
        return -EINVAL;
    }
    return n < 0 ? n : 0;
}

static int say_answer(const struct shell *shell, const struct mw_entry *entry, int status)
{
    if (status < 0) {
        shell_error(shell, "error %d: %s", status, mw_status_string(status));
        return -EINVAL;
    }
    if (entry->n_classes > 0) {
        shell_print(shell, "class %d: %s", status, class_name(entry, status));
    }
    for (int i = 0; i < entry->n_outputs; ++i) {
        shell_print(shell, "output %d: %.9g", i, (double) outputs[i]);
    }
    return 0;
}

static int predict(const struct shell *shell, size_t argc, char **argv)
{
    const struct mw_entry *const entry = find(shell, argv[1]);
    const int read = entry == NULL ? -EINVAL : read_features(shell, entry, argc - 2, argv + 2);

    return read < 0 ? read : say_answer(shell, entry, answer(entry));
}

struct times {
    uint32_t least;
    uint32_t most;
    uint64_t sum;
};

static struct times measure(const struct mw_entry *entry, uint32_t runs, int *status)
{
    struct times times = {.least = UINT32_MAX};

    for (uint32_t i = 0; i < runs; ++i) {
        const uint32_t begin = k_cycle_get_32();
        uint32_t cycles;

        *status = answer(entry);
        cycles = k_cycle_get_32() - begin;
        times.least = MIN(times.least, cycles);
        times.most = MAX(times.most, cycles);
        times.sum += cycles;
    }
    return times;
}

static void say_times(const struct shell *shell, const char *name, uint32_t runs, const struct times *times)
{
    const uint32_t mean = (uint32_t) (times->sum / runs);

    shell_print(shell, "%s: %u runs, cycles of the system timer: least %u, mean %u, most %u", name, runs,
                times->least, mean, times->most);
    shell_print(shell, "one prediction: %u ns on average, at %u cycles a second",
                (uint32_t) k_cyc_to_ns_near64(times->sum / runs), (uint32_t) sys_clock_hw_cycles_per_sec());
}

/* How many runs a word asks for; 0 after a message. */
static uint32_t read_runs(const struct shell *shell, const char *word)
{
    const char *end;
    double runs;

    if (!mw_parse_number(word, &end, &runs) || *end != '\0' || !(runs >= 1.0 && runs <= MAX_RUNS) ||
        runs != (double) (uint32_t) runs) {
        shell_error(shell, "'%s' is no number of runs from 1 to %d", word, MAX_RUNS);
        return 0;
    }
    return (uint32_t) runs;
}

static int bench(const struct shell *shell, size_t argc, char **argv)
{
    const struct mw_entry *const entry = find(shell, argv[1]);
    uint32_t runs = RUNS;
    int status = 0;
    struct times times;

    if (entry != NULL && argc > 2) {
        runs = read_runs(shell, argv[2]);
    }
    if (entry == NULL || runs == 0) {
        return -EINVAL;
    }
    memset(&features, 0, sizeof(features));
    if (argc > 3 && read_features(shell, entry, argc - 3, argv + 3) < 0) {
        return -EINVAL;
    }
    times = measure(entry, runs, &status);
    say_times(shell, entry->name, runs, &times);
    return say_answer(shell, entry, status);
}

static int cmd_predict(const struct shell *shell, size_t argc, char **argv)
{
    int result;

    k_mutex_lock(&busy, K_FOREVER);
    result = predict(shell, argc, argv);
    k_mutex_unlock(&busy);
    return result;
}

static int cmd_bench(const struct shell *shell, size_t argc, char **argv)
{
    int result;

    k_mutex_lock(&busy, K_FOREVER);
    result = bench(shell, argc, argv);
    k_mutex_unlock(&busy);
    return result;
}

/* Values may be words or, as the shell takes no more than CONFIG_SHELL_ARGC_MAX of those, have commas
 * between. */
SHELL_STATIC_SUBCMD_SET_CREATE(commands,
                               SHELL_CMD_ARG(list, NULL, "The models of this firmware.", cmd_list, 1, 0),
                               SHELL_CMD_ARG(predict, NULL, "Predict: <model> <value>[,<value>...] ...",
                                             cmd_predict, 3, SHELL_OPT_ARG_CHECK_SKIP),
                               SHELL_CMD_ARG(bench, NULL,
                                             "Time predictions: <model> [<runs> [<values>, else zeros]]",
                                             cmd_bench, 2, SHELL_OPT_ARG_CHECK_SKIP),
                               SHELL_SUBCMD_SET_END);

SHELL_CMD_REGISTER(mw, &commands, "Machine-learning models (Milliwatt)", NULL);
