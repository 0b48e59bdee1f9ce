"""A C program that calls generated functions in every wrong way; it prints ``ok`` and ends with 0."""

from __future__ import annotations

import dataclasses

from milliwatt.emit import emit_c
from mwtest.committees import CommitteeSpec, build_committee
from mwtest.models import Spec, build

# name, method and model: what each generated function is called for.
_MODELS = {
    "quick": ("inline", build(Spec(1, n_features=3, n_outputs=3, dtype="float"))),
    "small": ("loadable", build(Spec(1, n_features=3, n_outputs=3, dtype="float"))),
    "value": ("loadable", build(Spec(2, n_features=3, n_outputs=2, dtype="float", task="regressor"))),
    "panel": ("loadable", build_committee(CommitteeSpec(4, "mean", weights="any"))),
    "votes": ("inline", build_committee(CommitteeSpec(5, "share", n_classes=2, n_members=5))),
    "whole": (
        "inline",
        dataclasses.replace(
            build(Spec(3, n_features=3, n_outputs=2, dtype="int8")), scale=(1.0, 2.0, 0.5), classes=("a", "b")
        ),
    ),
}

_MAIN = """
#include <stdio.h>
#include <string.h>
#include "quick.h"
#include "small.h"
#include "panel.h"
#include "value.h"
#include "votes.h"
#include "whole.h"

static int failures;

static void expect(int line, int actual, int wanted)
{
    if (actual != wanted) {
        printf("line %d: %d, not %d\\n", line, actual, wanted);
        ++failures;
    }
}

#define EXPECT(actual, wanted) expect(__LINE__, actual, wanted)
#define CLASSIFIER(name, x, n)                                       \\
    do {                                                             \\
        float p[n + 1];                                              \\
        p[n] = 7.0f;                                                 \\
        EXPECT(name##_predict(x, 2), MW_ERROR_LENGTH);               \\
        EXPECT(name##_predict(x, 4), MW_ERROR_LENGTH);               \\
        EXPECT(name##_predict(x, 0), MW_ERROR_LENGTH);               \\
        EXPECT(name##_predict(x, -3), MW_ERROR_LENGTH);              \\
        EXPECT(name##_predict(NULL, 3), MW_ERROR_ARGUMENT);          \\
        EXPECT(name##_predict(x, 3) >= 0, 1);                        \\
        EXPECT(name##_predict(x, 3) < n, 1);                         \\
        EXPECT(name##_predict_proba(x, 2, p, n), MW_ERROR_LENGTH);   \\
        EXPECT(name##_predict_proba(x, 3, p, n - 1), MW_ERROR_LENGTH); \\
        EXPECT(name##_predict_proba(x, 3, p, -1), MW_ERROR_LENGTH);  \\
        EXPECT(name##_predict_proba(x, 3, NULL, n), MW_ERROR_ARGUMENT); \\
        EXPECT(name##_predict_proba(NULL, 3, p, n), MW_ERROR_ARGUMENT); \\
        EXPECT(name##_predict_proba(x, 3, p, n + 1), MW_OK);         \\
        EXPECT(p[n] == 7.0f, 1);                                     \\
    } while (0)

int main(void)
{
    float x[3] = {0.5f, -1.0f, 2.0f};
    float nan[3] = {0.0f, 0.0f, 0.0f};
    const uint32_t bits = UINT32_C(0x7fc00001);
    int8_t whole[3] = {1, 2, 3};
    float out[2];

    CLASSIFIER(quick, x, QUICK_N_CLASSES);
    CLASSIFIER(small, x, SMALL_N_CLASSES);
    CLASSIFIER(whole, whole, WHOLE_N_CLASSES);
    CLASSIFIER(panel, x, PANEL_N_CLASSES);
    CLASSIFIER(votes, x, VOTES_N_CLASSES);

    memcpy(&nan[2], &bits, sizeof bits);
    EXPECT(quick_predict(nan, 3), MW_ERROR_NAN);
    EXPECT(small_predict(nan, 3), MW_ERROR_NAN);
    EXPECT(panel_predict(nan, 3), MW_ERROR_NAN);
    EXPECT(votes_predict_proba(nan, 3, out, 2), MW_ERROR_NAN);
    EXPECT(small_predict_proba(nan, 3, out, 2), MW_ERROR_LENGTH);
    EXPECT(value_regress(nan, 3, out, 2), MW_ERROR_NAN);
    EXPECT(value_regress(x, 3, out, 2), MW_OK);
    EXPECT(value_regress(x, 2, out, 2), MW_ERROR_LENGTH);
    EXPECT(value_regress(x, 3, out, 1), MW_ERROR_LENGTH);
    EXPECT(value_regress(x, 3, NULL, 2), MW_ERROR_ARGUMENT);
    EXPECT(value_regress(NULL, 3, out, 2), MW_ERROR_ARGUMENT);

    EXPECT(whole_quantize(x, 3, whole), MW_OK);
    EXPECT(whole[0] == 1 && whole[1] == -2 && whole[2] == 1, 1);
    EXPECT(whole_quantize(x, 2, whole), MW_ERROR_LENGTH);
    EXPECT(whole_quantize(NULL, 3, whole), MW_ERROR_ARGUMENT);
    EXPECT(whole_quantize(x, 3, NULL), MW_ERROR_ARGUMENT);
    EXPECT(whole_quantize(nan, 3, whole), MW_ERROR_NAN);

    EXPECT(strcmp(whole_class_name(1), "b"), 0);
    EXPECT(strcmp(whole_class_name(2), "?"), 0);
    EXPECT(strcmp(whole_class_name(MW_ERROR_LENGTH), "?"), 0);
    EXPECT((int) quick_class_label(2), 2);
    EXPECT((int) quick_class_label(3), 0);
    puts(failures ? "failed" : "ok");
    return failures;
}
"""


def wrong_calls() -> dict[str, str]:
    """The program's files: ``main.c`` and the generated ones."""
    files = {"main.c": _MAIN}
    for name, (method, model) in _MODELS.items():
        files |= emit_c(model, name=name, method=method).files
    return files
