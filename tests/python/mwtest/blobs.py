"""Blobs run by the C of ``src/model*.c``, many of them in one program that is compiled once."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.emit.blob import TYPES
from mwtest.objects import objects

STATUSES = {"ok": 0, "argument": -1, "length": -2, "nan": -3, "model": -4, "version": -5}
STATUSES |= {"alignment": -6, "type": -7, "task": -8}

# Input: cases of (size, shift, type, rows, n_features) as int32, the blob, the samples; until stdin ends.
# Output: status of opening, n_outputs, n_answers; then for each row three statuses and the answers.
# Blobs and samples get blocks of exactly their size, so that the address sanitizer sees one byte too many.
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/model.h>

static void *block(size_t size)
{
    void *found = malloc(size != 0 ? size : 1);
    if (found == NULL) {
        exit(7);
    }
    return found;
}

static void take(void *to, size_t size)
{
    if (fread(to, 1, size, stdin) != size) {
        exit(9);
    }
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

static void predict(const mw_model *model, mw_feature_type type, const void *x, int n)
{
    const int n_sums = mw_model_n_sums(model);
    const int k = mw_model_n_classes(model) > n_sums ? mw_model_n_classes(model) : n_sums;
    int32_t *sums = (int32_t *) block((size_t) n_sums * sizeof *sums);
    float *answers = (float *) block((size_t) k * sizeof *answers);
    float *scores = (float *) block((size_t) k * sizeof *scores);
    int32_t found[3];
    for (int i = 0; i < k; ++i) {
        answers[i] = scores[i] = 0.0f;
    }
    found[0] = mw_model_predict(model, type, x, n, sums, n_sums);
    found[1] = mw_model_predict_proba(model, type, x, n, sums, n_sums, answers, k);
    if (found[1] == MW_ERROR_TASK) {
        found[1] = mw_model_regress(model, type, x, n, sums, n_sums, answers, k);
    }
    found[2] = mw_model_score(model, type, x, n, sums, n_sums, scores, k);
    put(found, sizeof found);
    put(answers, (size_t) k * sizeof *answers);
    put(scores, (size_t) k * sizeof *scores);
    free(sums);
    free(answers);
    free(scores);
}

int main(void)
{
    static const size_t widths[] = {4, 1, 1, 2, 4};
    int32_t head[5];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        const size_t bytes = widths[head[2]] * (size_t) head[4];
        char *data = (char *) block((size_t) (head[0] + head[1]));
        mw_model model;
        int32_t opened[3];
        take(data + head[1], (size_t) head[0]);
        opened[0] = mw_model_open(data + head[1], (size_t) head[0], &model);
        opened[1] = mw_model_n_outputs(&model);
        opened[2] = mw_model_n_classes(&model);
        put(opened, sizeof opened);
        for (int i = 0; i < mw_model_n_classes(&model); ++i) {
            const char *name = mw_model_class_name(&model, i);
            while (*name != 0) {
                put(name++, 1);
            }
            put(name, 1);
        }
        for (int row = 0; row < head[3]; ++row) {
            void *x = block(bytes);
            take(x, bytes);
            if (opened[0] == 0) {
                predict(&model, (mw_feature_type) head[2], x, head[4]);
            }
            free(x);
        }
        free(data);
    }
    return 0;
}
"""


@dataclass(frozen=True)
class BlobCase:
    """A blob, and samples for it, shape (rows, features); it is put so many bytes after a multiple of 16."""

    blob: bytes
    samples: NDArray[np.generic]
    shift: int = 0


@dataclass(frozen=True)
class BlobAnswer:
    """What came back.

    Attributes:
        status: of opening.
        names: the classes'.
        classes, statuses, score_statuses: a number a row: of predict; of predict_proba or regress; of score.
        answers, scores: a row of numbers a row.
    """

    status: int
    names: tuple[str, ...]
    classes: NDArray[np.int32]
    statuses: NDArray[np.int32]
    score_statuses: NDArray[np.int32]
    answers: NDArray[np.float32]
    scores: NDArray[np.float32]


def run_blobs(
    cases: Sequence[BlobCase], directory: Path, flags: Sequence[str] = ("-O1",)
) -> list[BlobAnswer]:
    """All cases in one run; fails when the program does (a sanitizer's finding, say)."""
    data = b"".join(_encoded(case) for case in cases)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    program = driver(directory, tuple(flags))
    result = subprocess.run([str(program)], input=data, capture_output=True, env=env, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    answers, at = [], 0
    for case in cases:
        answer, at = _decoded(result.stdout, at, len(case.samples))
        answers.append(answer)
    assert at == len(result.stdout)
    return answers


def _encoded(case: BlobCase) -> bytes:
    rows, n = case.samples.shape
    kind = TYPES.index(str(case.samples.dtype).replace("float32", "float"))
    head = struct.pack("<5i", len(case.blob), case.shift, kind, rows, n)
    return head + case.blob + np.ascontiguousarray(case.samples).tobytes()


def _decoded(output: bytes, at: int, n_rows: int) -> tuple[BlobAnswer, int]:
    status, n_outputs, n_classes = struct.unpack_from("<3i", output, at)
    at += 12
    names = []
    for _ in range(n_classes):
        end = output.index(b"\0", at)
        names.append(output[at:end].decode(errors="replace"))
        at = end + 1
    width = max(n_outputs, n_classes)
    row = np.dtype(
        [("found", np.int32, (3,)), ("answers", np.float32, (width,)), ("scores", np.float32, (width,))]
    )
    rows = np.frombuffer(output, row, n_rows if status == 0 else 0, at)
    found = rows["found"]
    answer = BlobAnswer(
        status, tuple(names), found[:, 0], found[:, 1], found[:, 2], rows["answers"], rows["scores"]
    )
    return answer, at + rows.nbytes


@cache
def driver(directory: Path, flags: tuple[str, ...]) -> Path:
    """The program, compiled once a directory."""
    source = directory / "blobs.c"
    source.write_text(_DRIVER, encoding="utf-8")
    program = directory / f"blobs{abs(hash(flags))}"
    library = objects(("model", "status"), flags)
    include = f"-I{sdk.include_dir()}"
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", *flags, include, str(source), *library]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program
