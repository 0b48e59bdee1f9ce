"""A C program that calls the functions of networks in every wrong way; it prints ``ok`` and ends with 0."""

from __future__ import annotations

import dataclasses

from milliwatt.emit import emit_c
from milliwatt.ir import Network
from mwtest.integer_networks import integers
from mwtest.networks import NetworkSpec, build_network


def _network(link: str, arena: str = "static", **changes: object) -> Network:
    model = build_network(NetworkSpec(6, (3, 2, 2), 3, 3, link))
    return dataclasses.replace(model, arena=arena, **changes)  # type: ignore[arg-type]


_MODELS = {
    "own": _network("softmax"),
    "two": _network("sigmoid", "caller"),
    "given": _network("softmax", "caller"),
    "value": _network("identity", "caller"),
    "labels": _network("labels", "caller", classes=("a", "b", "c")),
    "whole": dataclasses.replace(
        integers(build_network(NetworkSpec(8, (12,), 2, 3)), 8, dtype="int8"), arena="caller"
    ),
    "scaled": _network("softmax", dtype="int16", scale=(2.0,) * 12),
}

_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
INCLUDES
static int failures;

static void expect(int line, int actual, int wanted)
{
    if (actual != wanted) {
        printf("line %d: %d, not %d\\n", line, actual, wanted);
        ++failures;
    }
}

#define EXPECT(actual, wanted) expect(__LINE__, actual, wanted)
/* A block of exactly `size` bytes that an address sanitizer watches. */
#define ARENA(size) char *const arena = (char *) malloc((size) + 4U)
#define VECTOR(call, type, n, size, x)                                         \\
    do {                                                                       \\
        ARENA(size);                                                           \\
        void *const exact = malloc(size);                                      \\
        type p[n + 1];                                                         \\
        p[n] = 7;                                                              \\
        EXPECT(call(x, 12, p, n, arena, size), MW_OK);                         \\
        EXPECT(call(x, 12, p, n, exact, size), MW_OK);                         \\
        EXPECT(call(x, 12, p, n + 1, arena, (size) + 1U), MW_OK);              \\
        EXPECT(p[n] == 7, 1);                                                  \\
        EXPECT(call(x, 12, p, n - 1, arena, size), MW_ERROR_LENGTH);           \\
        EXPECT(call(x, 12, p, -1, arena, size), MW_ERROR_LENGTH);              \\
        EXPECT(call(x, 12, NULL, n, arena, size), MW_ERROR_ARGUMENT);          \\
        EXPECT(call(NULL, 12, p, n, arena, size), MW_ERROR_ARGUMENT);          \\
        EXPECT(call(x, 11, p, n, arena, size), MW_ERROR_LENGTH);               \\
        EXPECT(call(x, 13, p, n, arena, size), MW_ERROR_LENGTH);               \\
        EXPECT(call(x, 12, p, n, NULL, size), MW_ERROR_ARGUMENT);              \\
        EXPECT(call(x, 12, p, n, arena + 1, size), MW_ERROR_ALIGNMENT);        \\
        EXPECT(call(x, 12, p, n, arena + 2, size), MW_ERROR_ALIGNMENT);        \\
        EXPECT(call(x, 12, p, n, arena + 3, size), MW_ERROR_ALIGNMENT);        \\
        EXPECT(call(x, 12, p, n, arena + 4, size), MW_OK);                     \\
        EXPECT(call(x, 12, p, n, arena, (size) - 1U), MW_ERROR_LENGTH);        \\
        EXPECT(call(x, 12, p, n, arena, 0), MW_ERROR_LENGTH);                  \\
        free(arena);                                                           \\
        free(exact);                                                           \\
    } while (0)
#define CLASS(call, n, size, x)                                                \\
    do {                                                                       \\
        ARENA(size);                                                           \\
        EXPECT(call(x, 12, arena, size) >= 0, 1);                              \\
        EXPECT(call(x, 12, arena, size) < n, 1);                               \\
        EXPECT(call(NULL, 12, arena, size), MW_ERROR_ARGUMENT);                \\
        EXPECT(call(x, 0, arena, size), MW_ERROR_LENGTH);                      \\
        EXPECT(call(x, -3, arena, size), MW_ERROR_LENGTH);                     \\
        EXPECT(call(x, 12, NULL, size), MW_ERROR_ARGUMENT);                    \\
        EXPECT(call(x, 12, arena + 2, size), MW_ERROR_ALIGNMENT);              \\
        EXPECT(call(x, 12, arena, (size) - 1U), MW_ERROR_LENGTH);              \\
        free(arena);                                                           \\
    } while (0)

int main(void)
{
    float x[12] = {0.5f, -1.0f, 2.0f};
    float nan[12] = {0.0f};
    const uint32_t bits = UINT32_C(0x7fc00001);
    int8_t whole[12] = {1, 2, 3};
    int16_t scaled[12];
    float p[4] = {0.0f, 0.0f, 0.0f, 7.0f};
    char room[GIVEN_ARENA_SIZE + 4];

    CLASS(given_predict, 3, GIVEN_ARENA_SIZE, x);
    CLASS(two_predict, 2, TWO_ARENA_SIZE, x);
    CLASS(whole_predict, 3, WHOLE_ARENA_SIZE, whole);
    VECTOR(given_predict_proba, float, 3, GIVEN_ARENA_SIZE, x);
    VECTOR(given_score, float, 3, GIVEN_ARENA_SIZE, x);
    VECTOR(two_predict_proba, float, 2, TWO_ARENA_SIZE, x);
    VECTOR(two_score, float, 1, TWO_ARENA_SIZE, x);
    VECTOR(value_regress, float, 3, VALUE_ARENA_SIZE, x);
    VECTOR(labels_predict_labels, uint8_t, 3, LABELS_ARENA_SIZE, x);
    VECTOR(labels_predict_proba, float, 3, LABELS_ARENA_SIZE, x);
    VECTOR(labels_score, float, 3, LABELS_ARENA_SIZE, x);
    VECTOR(whole_predict_proba, float, 3, WHOLE_ARENA_SIZE, whole);

    EXPECT(own_predict(x, 12) >= 0, 1);
    EXPECT(own_predict(x, 11), MW_ERROR_LENGTH);
    EXPECT(own_predict(NULL, 12), MW_ERROR_ARGUMENT);
    EXPECT(own_predict_proba(x, 12, p, 3), MW_OK);
    EXPECT(own_predict_proba(x, 12, p, 2), MW_ERROR_LENGTH);
    EXPECT(own_predict_proba(x, 12, NULL, 3), MW_ERROR_ARGUMENT);
    EXPECT(own_score(x, 13, p, 3), MW_ERROR_LENGTH);
    EXPECT(p[3] == 7.0f, 1);

    memcpy(&nan[11], &bits, sizeof bits);
    EXPECT(own_predict(nan, 12), MW_ERROR_NAN);
    EXPECT(own_score(nan, 12, p, 3), MW_ERROR_NAN);
    EXPECT(own_score(nan, 12, p, 2), MW_ERROR_LENGTH);
    /* What costs most is asked last: a wrong arena counts for more than NaN. */
    EXPECT(given_predict(nan, 12, NULL, GIVEN_ARENA_SIZE), MW_ERROR_ARGUMENT);
    EXPECT(given_predict(nan, 12, room, 3), (uintptr_t) room % 4 ? MW_ERROR_ARGUMENT : MW_ERROR_LENGTH);

    EXPECT(scaled_quantize(x, 12, scaled), MW_OK);
    EXPECT(scaled[0] == 1 && scaled[1] == -2 && scaled[2] == 4, 1);
    EXPECT(scaled_predict(scaled, 12) >= 0, 1);
    EXPECT(scaled_quantize(nan, 12, scaled), MW_ERROR_NAN);
    EXPECT(strcmp(labels_class_name(1), "b"), 0);
    EXPECT(strcmp(labels_class_name(3), "?"), 0);
    puts(failures ? "failed" : "ok");
    return failures;
}
"""


def wrong_network_calls() -> dict[str, str]:
    """The program's files: ``main.c`` and the generated ones."""
    includes = "".join(f'#include "{name}.h"\n' for name in _MODELS)
    files = {"main.c": _MAIN.replace("INCLUDES\n", includes)}
    for name, model in _MODELS.items():
        files |= emit_c(model, name=name).files
    return files
