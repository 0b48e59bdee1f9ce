"""Leaf rows as integers: which form is taken, and that it is exact enough for what is promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.emit.leaves import SUM_MAX, leaf_table, score_bounds, value_bounds
from milliwatt.host import HostModel
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.options import METHODS

ZERO = np.zeros((1, 1), dtype=np.float32)


def _classifier(*rows: tuple[float, ...]) -> TreeEnsemble:
    """As many trees as rows, each of them a leaf."""
    trees = tuple(Tree(root=~i) for i in range(len(rows)))
    return TreeEnsemble("classifier", 1, trees, rows, tuple(range(len(rows[0]))))


def _regressor(*values: float) -> TreeEnsemble:
    trees = tuple(Tree(root=~i) for i in range(len(values)))
    return TreeEnsemble("regressor", 1, trees, tuple((value,) for value in values))


@pytest.mark.parametrize(
    ("rows", "kind", "bits", "one"),
    [
        (((1.0, 0.0), (0.0, 1.0)), "votes", 8, 0),
        (((0.5, 0.5),), "rows", 8, 2),
        (((1 / 3, 2 / 3), (0.25, 0.75)), "rows", 8, 12),
        (((1 / 255, 254 / 255),), "rows", 8, 255),
        (((1 / 256, 255 / 256),), "rows", 16, 256),
        (((1 / 65535, 65534 / 65535),), "rows", 16, 65535),
        (((1 / 65536, 65535 / 65536),), "rows", 32, SUM_MAX),
        (((1 / 257, 256 / 257), (1 / 256, 255 / 256)), "rows", 32, SUM_MAX // 2),
        (((0.1 + 0.2, 0.7),), "rows", 8, 10),  # quotients that differ from a fraction by rounding only
        (((0.5 + 1e-8, 0.5 - 1e-8),), "rows", 32, SUM_MAX),
        (((0.5, 0.0),), "rows", 8, 2),
    ],
)
def test_form_of_class_proportions(
    rows: tuple[tuple[float, ...], ...], kind: str, bits: int, one: int
) -> None:
    table = leaf_table(_classifier(*rows))
    assert (table.kind, table.bits, table.one) == (kind, bits, one)


def test_the_last_proportion_is_left_out_where_it_follows() -> None:
    assert leaf_table(_classifier((0.25, 0.25, 0.5), (0.5, 0.25, 0.25))).rows == ((1, 1), (2, 1))
    assert leaf_table(_classifier((0.25, 0.25, 0.5), (0.5, 0.0, 0.0))).rows == ((1, 1, 2), (2, 0, 0))


@pytest.mark.parametrize(
    ("values", "bits", "shift"),
    [
        ((0.0,), 8, 0),
        ((3.0, -7.0), 8, 0),
        ((0.25, 3.0), 8, 2),
        ((0.25, 64.25), 16, 2),
        ((32768.0, -32767.0), 16, 0),
        ((32768.0, -32768.0), 8, -15),
        ((32768.0, -32767.5), 32, 14),
        ((65536.0,), 8, 0),  # one value takes no bits at all
        ((16383.5, 0.0), 16, 1),
        ((2.0**-15, 1.0), 16, 15),
        ((2.0**-16, 1.0), 16, 16),
        ((2.0**-17, 1.0), 32, 29),
        ((0.1,), 8, 34),
        ((0.1, -0.2), 32, 31),
        ((2.0**-149,), 8, 126),
        ((3 * 2.0**-110, 2.0**-110), 8, 110),
        ((3.4e38,), 8, -97),
        ((0.0, 1.0 - 2.0**-33), 32, 29),
    ],
)
def test_form_of_regressed_values(values: tuple[float, ...], bits: int, shift: int) -> None:
    table = leaf_table(_regressor(*values))
    assert (table.kind, table.bits, table.shift) == ("rows", bits, (shift,))
    assert min(row[0] for row in table.rows) == 0
    assert max(row[0] for row in table.rows) < 1 << bits


@given(st.lists(st.floats(-3.4e38, 3.4e38, width=64), min_size=1, max_size=9))
def test_regressed_values_stay_within_their_bound(values: list[float]) -> None:
    model = _regressor(*values)
    table = leaf_table(model)
    (bound,) = value_bounds(model)
    scale = 2.0 ** -table.shift[0]
    lowest = -table.zero[0] // len(values)
    for value, index in zip(values, table.index, strict=True):
        assert abs((table.rows[index][0] + lowest) * scale - value) <= bound
    # No sum of 32 bits overflows, whatever leaves are reached.
    assert len(values) * max(row[0] for row in table.rows) <= SUM_MAX
    assert abs(table.zero[0]) <= SUM_MAX
    assert bound <= max(abs(value) for value in values) * len(values) * 2.0**-21 + 2.0**-126


@given(st.lists(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).map(tuple), min_size=1, max_size=9))
def test_proportions_stay_within_their_bound(rows: list[tuple[float, ...]]) -> None:
    model = _classifier(*rows)
    table = leaf_table(model)
    (bound, *_) = score_bounds(model)
    for row, index in zip(rows, table.index, strict=True):
        if table.kind != "votes":
            found = table.rows[index]
            full = (*found, table.one - sum(found)) if table.implied else found
            assert all(abs(n / table.one - p) <= bound for n, p in zip(full, row, strict=True))
            assert len(rows) * max(full) <= SUM_MAX


def test_equal_rows_are_kept_once() -> None:
    table = leaf_table(_classifier((0.5, 0.5), (0.5 + 1e-14, 0.5), (0.25, 0.75)))
    assert len(table.rows) == 2
    assert table.index == (0, 0, 1)


@pytest.mark.parametrize(
    ("cut", "inclusive", "above"), [(0.0, False, 0), (0.0, True, 1), (-1e-6, False, 1), (1e-6, True, 0)]
)
def test_a_score_at_the_cut(cut: float, inclusive: bool, above: int) -> None:
    trees = (Tree(root=~0), Tree(root=~1))
    model = TreeEnsemble(
        "classifier", 1, trees, ((0.75,), (-0.75,)), (0, 1), aggregate="sum", link="margin", cut=cut,
        cut_inclusive=inclusive,
    )  # fmt: skip
    for method in METHODS:
        assert HostModel(model, method).predict(ZERO).tolist() == [above]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gap", [1e-7, 1e-8])
def test_gaps_that_scikit_learn_sees_are_seen(method: str, gap: float) -> None:
    rows = ((0.5 - gap / 2, 0.5 + gap / 2), (0.25, 0.75), (0.75, 0.25))
    assert HostModel(_classifier(*rows), method).predict(ZERO).tolist() == [1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [32767.0, 32768.0, -32768.0, -32769.0, 16384.5, 2.0**31, -(2.0**31)])
def test_values_at_the_ends_of_integers(method: str, value: float) -> None:
    for values in ((value,), (value, value, value)):
        assert HostModel(_regressor(*values), method).regress(ZERO).tolist() == [[np.float32(value)]]


@pytest.mark.parametrize("method", ["inline", "loadable", "compact"])
def test_of_equal_shares_the_first_class_wins(method: str) -> None:
    """As in scikit-learn, also where shares have no common denominator and are rounded."""
    tree = DecisionTreeClassifier(max_depth=1)
    tree.fit([[0], [0], [1], [1]], list("bcab"), sample_weight=[1.0, 1.0, 0.1234567891, 1.4142135623])
    assert tree.predict_proba([[0]]).tolist() == [[0.0, 0.5, 0.5]]
    assert milliwatt.convert(tree, method=method).predict([[0.0]]) == ["b"]
