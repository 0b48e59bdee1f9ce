/* SPDX-License-Identifier: MIT */
/** @file
 * The few words a C unit test needs. Output is one line a test, in Unity's form:
 * `file:line:name:PASS` or `file:line:name:FAIL: what was expected`.
 *
 * Under Zephyr each test is a ztest of the suite CHECK_SUITE instead, and main(), which the build renames, is
 * not called: tests/zephyr/unit.
 */
#ifndef MILLIWATT_TESTS_CHECK_H
#define MILLIWATT_TESTS_CHECK_H

#include <stdio.h>

static int check_failures;

#ifdef CONFIG_ZTEST
#include <zephyr/ztest.h>

ZTEST_SUITE(CHECK_SUITE, NULL, NULL, NULL, NULL, NULL);

#define CHECK(condition) zassert_true(condition)

#define TEST(name)           \
    static void name(void);  \
    ZTEST(CHECK_SUITE, name) \
    {                        \
        name();              \
    }                        \
    static void name(void)

#else
static int check_failed_here;

/* Reports the first failure of a test; later ones of the same test are counted only. */
#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition) && !check_failed_here++) {                                    \
            printf("%s:%d:%s:FAIL: %s\n", __FILE__, __LINE__, check_name, #condition); \
        }                                                                              \
    } while (0)

#define TEST(name)                                                \
    static void name##_body(const char *check_name);              \
    static void name(void)                                        \
    {                                                             \
        check_failed_here = 0;                                    \
        name##_body(#name);                                       \
        if (check_failed_here) {                                  \
            ++check_failures;                                     \
        } else {                                                  \
            printf("%s:%d:%s:PASS\n", __FILE__, __LINE__, #name); \
        }                                                         \
    }                                                             \
    static void name##_body(const char *check_name)
#endif

#endif
