/* The lines Unity prints, without Unity. */
#ifndef UNITY_LINES_H
#define UNITY_LINES_H

#include <stdio.h>

static int tests, failures;

#define CHECK(name, condition)                                                              \
    do {                                                                                    \
        const int passed = (condition);                                                     \
        tests++;                                                                            \
        failures += !passed;                                                                \
        printf("main.c:%d:%s:%s\n", __LINE__, name, passed ? "PASS" : "FAIL: " #condition); \
    } while (0)

static inline int summary(void)
{
    printf("\n-----------------------\n%d Tests %d Failures 0 Ignored\n%s\n", tests, failures,
           failures ? "FAIL" : "OK");
    return failures;
}

#endif
