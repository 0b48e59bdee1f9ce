"""Many models in one program: emitted C at a few milliseconds a model instead of a compiler run each."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import emit_c
from milliwatt.emit.ballots import ballots
from milliwatt.emit.bounds import score_bounds, value_bounds
from milliwatt.host import class_columns, compare_classes, evaluate, undecided
from milliwatt.ir import AnyModel, TreeEnsemble

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")

# Every row gets blocks of exactly its size, so that the address sanitizer sees one byte too many.
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>

static void *take(size_t size)
{
    void *block = malloc(size);
    if (block == NULL || fread(block, 1, size, stdin) != size) {
        exit(9);
    }
    return block;
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

#define MODEL(NAME, TYPE, N, K, CLASS, VECTOR)                                 \\
    static void run_##NAME(int rows)                                           \\
    {                                                                          \\
        for (int row = 0; row < rows; ++row) {                                 \\
            TYPE *x = (TYPE *) take(N * sizeof *x);                            \\
            float *out = (float *) malloc(K * sizeof *out);                    \\
            const int32_t answers[2] = {CLASS, VECTOR(x, N, out, K)};          \\
            put(answers, sizeof answers);                                      \\
            put(out, K * sizeof *out);                                         \\
            free(x);                                                           \\
            free(out);                                                         \\
        }                                                                      \\
    }
"""


@dataclass(frozen=True)
class Case:
    """A model, how to emit it, and device features to feed it."""

    model: AnyModel
    method: str
    samples: NDArray[np.generic]


@dataclass(frozen=True)
class Answer:
    """Class indices (zeros for a regressor), statuses of the second call, and the vector it gave."""

    classes: NDArray[np.int32]
    statuses: NDArray[np.int32]
    vectors: NDArray[np.float32]


def run(cases: Sequence[Case], directory: Path, flags: Sequence[str] = ("-O1",)) -> list[Answer]:
    """The answers of the emitted C, all cases in one program."""
    program = _build(cases, directory, tuple(flags))
    data = b"".join(np.ascontiguousarray(case.samples).tobytes() for case in cases)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([str(program)], input=data, capture_output=True, env=env, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    answers, at = [], 0
    for case in cases:
        width = _vector(case.model)[1]
        row = np.dtype([("class", np.int32), ("status", np.int32), ("vector", np.float32, (width,))])
        rows = np.frombuffer(result.stdout, row, len(case.samples), at)
        at += rows.nbytes
        answers.append(Answer(rows["class"], rows["status"], rows["vector"]))
    assert at == len(result.stdout)
    return answers


def check(cases: Sequence[Case], directory: Path, flags: Sequence[str] = ("-O1",)) -> int:
    """Compare emitted C with the independent evaluator; how many samples were compared."""
    for case, answer in zip(cases, run(cases, directory, flags), strict=True):
        model = case.model
        expected = evaluate(model, case.samples)
        assert (answer.statuses == 0).all(), case
        unclear = undecided(model, case.samples, tie)
        if model.is_classifier:
            columns = class_columns(model, expected)
            agreement = compare_classes(answer.classes, columns, np.where(unclear, np.inf, tie(model)))
            assert agreement.agree + agreement.ties == agreement.rows, (case, agreement)
        error = np.abs(answer.vectors.astype(np.float64) - expected)[~unclear]
        assert (error <= np.asarray(value_bounds(model))).all(), (case, error.max(axis=0))
    return sum(len(case.samples) for case in cases)


def tie(model: AnyModel) -> float:
    """Classes this close may change places: the estimator's noise, or ours on either side."""
    if not isinstance(model, TreeEnsemble) and model.counts_votes:
        return ballots(model.weights, len(model.members)).slack  # else sums of votes are exact
    return max(model.noise, 2 * max(score_bounds(model)))


def _vector(model: AnyModel) -> tuple[str, int]:
    """The function that answers numbers, and how many."""
    if not model.is_classifier:
        return "regress", model.n_outputs
    return ("predict_proba", model.n_answers) if model.has_probabilities else ("score", model.n_outputs)


def _build(cases: Sequence[Case], directory: Path, flags: tuple[str, ...]) -> Path:
    parts, calls, program = [], [], hashlib.sha256()
    for index, case in enumerate(cases):
        name = f"m{index}"
        files = emit_c(case.model, name=name, method=case.method).files
        parts.append(files[f"{name}.h"])
        parts.append(files[f"{name}.c"].replace(f'#include "{name}.h"', ""))
        c_type = FEATURE_TYPES[case.model.dtype].c_type
        function, width = _vector(case.model)
        n = case.model.n_features
        decided = f"{name}_predict(x, {n})" if case.model.is_classifier else "0"
        parts.append(f"MODEL({name}, {c_type}, {n}, {width}, {decided}, {name}_{function})\n")
        calls.append(f"    run_{name}({len(case.samples)});\n")
    source = _DRIVER + "".join(parts) + "int main(void)\n{\n" + "".join(calls) + "    return 0;\n}\n"
    program.update(source.encode())
    stem = directory / f"batch-{program.hexdigest()[:16]}"
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    include = f"-I{sdk.include_dir()}"
    command = ["gcc", "-std=c99", *flags, include, f"{stem}.c", "-o", str(stem)]
    subprocess.run(command, check=True)
    return stem
