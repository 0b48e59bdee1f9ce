"""Errors are measured as the table says; and docs/accuracy.md has all kernels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import accuracy  # noqa: E402
import docs_tables  # noqa: E402
from accuracy_kernels import (  # noqa: E402
    CANNOT,
    FLOAT,
    SATURATES,
    SIGNALS,
    Kernel,
    Result,
    as_given,
    measured,
    signal,
)

DOUBLE = Kernel(
    "group", "twice", "q15",
    "for (int i = 0; i < 64; ++i) { const int y = 2 * x[i]; out[i] = (int16_t) (BODY); }",
    "int16", 64, "int16", 64, lambda x: 2.0 * x, "status", overflow=SATURATES, calls=2,
)  # fmt: skip
CLIPPED = "y > 32767 ? 32767 : y < -32768 ? -32768 : y"


def with_body(body: str, **given: Any) -> Kernel:
    return replace(DOUBLE, body=DOUBLE.body.replace("BODY", body), **given)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    kernels = [
        with_body(CLIPPED),
        with_body("y"),
        with_body(CLIPPED, overflow=CANNOT),
        with_body(f"({CLIPPED}) ^ (i == 3)", measure="units"),
        with_body("x[i] == 0"),
        with_body("y / 4", want=lambda x: x / 2.0, measure="units", out="int16"),
    ]
    return measured(kernels, tmp_path_factory.mktemp("accuracy"), [])


def test_what_saturates_is_compared_with_what_is_clipped(results: list[Result]) -> None:
    right, wraps, unbounded = (result.errors for result in results[:3])
    assert set(right.values()) == {None}
    assert wraps["full scale"] is not None
    assert wraps["full scale"] < 0 or wraps["full scale"] < 6, "wrapped around"
    assert unbounded["full scale"] is not None


def test_units_and_what_should_be_zero(results: list[Result]) -> None:
    assert set(results[3].errors.values()) == {1.0}
    assert results[4].errors["zeros"] == -1.0
    assert results[5].errors["random"] == 0.5


def test_signals_fill_their_types() -> None:
    full = as_given(signal("full scale", 100, 1), "int16")
    assert set(full.tolist()) == {-32768, 32767}
    assert as_given(np.array([-1.0, 1.0, 0.5]), "uint32").tolist() == [2**32 - 1, 2**32 - 1, 2**31]
    assert as_given(np.array([-1.0, 0.5]), "uint64").tolist() == [2**48, 2**47]
    assert not signal("zeros", 9, 0).any()


def test_a_kernel_that_refuses_its_arguments_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="twice q15: status -1"):
        measured([with_body("y); status = -1; (void) (y")], tmp_path, [])


def test_a_kernel_that_writes_too_much_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="behind the output: 5"):
        measured([with_body("y); out[64] = (5")], tmp_path, [])


def test_the_committed_table_has_every_kernel() -> None:
    text = accuracy.TARGET.read_text(encoding="utf-8")
    kernels = accuracy.kernels()
    rows = [f"| {one.name} | {one.numbers} | {one.measure} |" for one in kernels]
    assert len(set(rows)) == len(rows)
    assert [row for row in rows if row not in text] == []
    ends = tuple(f"| {overflow} |" for overflow in (SATURATES, CANNOT, FLOAT))
    assert sum(line.endswith(ends) for line in text.splitlines()) == len(rows)
    assert text.count(" | ".join(SIGNALS)) == len({one.group for one in kernels})
    assert docs_tables.written("accuracy") == docs_tables.accuracies(text)
    assert "–" not in "".join(docs_tables.accuracies(text)[2:5])
