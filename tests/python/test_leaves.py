"""Leaf rows as integers: which form is taken, and that it is exact enough for what is promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.emit.leaves import leaf_table, value_bounds
from milliwatt.host import HostModel
from milliwatt.ir import Tree, TreeEnsemble

INT16_MAX, INT32_MAX = 2**15 - 1, 2**31 - 1
ZERO = np.zeros((1, 1), dtype=np.float32)


def _classifier(*rows: tuple[float, ...]) -> TreeEnsemble:
    """As many trees as rows, each of them a leaf."""
    trees = tuple(Tree(root=~i) for i in range(len(rows)))
    return TreeEnsemble("classifier", 1, trees, rows, tuple(range(len(rows[0]))))


def _regressor(*values: float) -> TreeEnsemble:
    trees = tuple(Tree(root=~i) for i in range(len(values)))
    return TreeEnsemble("regressor", 1, trees, tuple((value,) for value in values))


@pytest.mark.parametrize(
    ("rows", "kind", "one"),
    [
        (((1.0, 0.0), (0.0, 1.0)), "votes", 1),
        (((0.5, 0.5),), "sum16", 2),
        (((1 / 3, 2 / 3), (0.25, 0.75)), "sum16", 12),
        (((1 / 32767, 32766 / 32767),), "sum16", 32767),
        (((1 / 32768, 32767 / 32768),), "sum32", INT32_MAX),
        (((1 / 181, 180 / 181), (1 / 182, 181 / 182)), "sum32", INT32_MAX),
        (((0.1 + 0.2, 0.7),), "sum16", 10),  # quotients that differ from a fraction by rounding only
        (((0.5 + 1e-8, 0.5 - 1e-8),), "sum32", INT32_MAX),
        (((0.5, 0.0),), "sum16", 2),
    ],
)
def test_form_of_class_proportions(rows: tuple[tuple[float, ...], ...], kind: str, one: int) -> None:
    table = leaf_table(_classifier(*rows))
    assert (table.kind, table.one) == (kind, one)


@pytest.mark.parametrize(
    ("values", "kind", "shift"),
    [
        ((0.0,), "sum16", 0),
        ((3.0, -7.0), "sum16", 0),
        ((0.25, 3.0), "sum16", 2),
        ((32767.0, -32767.0), "sum16", 0),
        ((32768.0,), "sum32", 15),
        ((-32768.0,), "sum32", 15),
        ((16383.5,), "sum16", 1),
        ((16384.5,), "sum32", 16),
        ((2.0**-15,), "sum16", 15),
        ((2.0**-16,), "sum32", 46),
        ((0.1,), "sum32", 34),
        ((2.0**-149,), "sum32", 126),
        ((3.4e38,), "sum32", -97),
        ((1.0 - 2.0**-33,), "sum32", 30),  # would round up to 2**31
    ],
)
def test_form_of_regressed_values(values: tuple[float, ...], kind: str, shift: int) -> None:
    table = leaf_table(_regressor(*values))
    assert (table.kind, table.shifts) == (kind, (shift,))
    limit = INT16_MAX if kind == "sum16" else INT32_MAX
    assert all(abs(value) <= limit for row in table.rows for value in row)


@given(st.lists(st.floats(-3.4e38, 3.4e38, width=64), min_size=1, max_size=9))
def test_regressed_values_stay_within_their_bound(values: list[float]) -> None:
    model = _regressor(*values)
    table = leaf_table(model)
    (bound,) = value_bounds(model)
    for value, index in zip(values, table.index, strict=True):
        integer = table.rows[index][0]
        assert abs(integer) <= INT32_MAX
        assert abs(integer * 2.0 ** -table.shifts[0] - value) <= bound
    assert bound <= max(abs(value) for value in values) * 2.0**-22 + 2.0**-126


@given(st.lists(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).map(tuple), min_size=1, max_size=9))
def test_proportions_stay_within_half_a_step(rows: list[tuple[float, ...]]) -> None:
    table = leaf_table(_classifier(*rows))
    for row, index in zip(rows, table.index, strict=True):
        if table.kind != "votes":
            assert all(
                abs(n / table.one - p) <= 2.0**-32 for n, p in zip(table.rows[index], row, strict=True)
            )


def test_equal_rows_are_kept_once() -> None:
    table = leaf_table(_classifier((0.5, 0.5), (0.5 + 1e-14, 0.5), (0.25, 0.75)))
    assert len(table.rows) == 2
    assert table.index == (0, 0, 1)


@pytest.mark.parametrize("method", ["inline", "loadable"])
@pytest.mark.parametrize("gap", [1e-8, 2e-9])
def test_gaps_that_scikit_learn_sees_are_seen(method: str, gap: float) -> None:
    rows = ((0.5 - gap / 2, 0.5 + gap / 2), (0.25, 0.75), (0.75, 0.25))
    assert HostModel(_classifier(*rows), method).predict(ZERO).tolist() == [1]


@pytest.mark.parametrize("method", ["inline", "loadable"])
@pytest.mark.parametrize("value", [32767.0, 32768.0, -32768.0, -32769.0, 16384.5, 2.0**31, -(2.0**31)])
def test_values_at_the_ends_of_integers(method: str, value: float) -> None:
    for values in ((value,), (value, value, value)):
        assert HostModel(_regressor(*values), method).regress(ZERO).tolist() == [[np.float32(value)]]
