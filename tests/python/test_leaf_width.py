"""Leaf values of a few bits: what they become, and how far that moves answers."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.models import Spec, build, samples, specs
from numpy.typing import NDArray

from milliwatt.emit.leaves import leaf_table
from milliwatt.errors import MilliwattError
from milliwatt.host import evaluate, scores
from milliwatt.ir import Tree, TreeEnsemble, dumps, loads, validate
from milliwatt.passes import exact_bits, has_proportions, narrow_leaves
from milliwatt.passes.leaf_width import numerators, set_leaf_bits

widths = st.integers(1, 16)


def _small(spec: Spec, **changes: Any) -> TreeEnsemble:
    """A forest, unless another ``form`` is asked for."""
    wanted: dict[str, Any] = {"n_features": min(spec.n_features, 4), "form": "mean", **changes}
    return build(dataclasses.replace(spec, **wanted))


def _forest(rows: list[tuple[float, ...]], **changes: Any) -> TreeEnsemble:
    """A forest of one-split trees, each of two neighbouring rows."""
    pairs = zip(range(0, len(rows), 2), range(1, len(rows), 2), strict=True)
    trees = tuple(Tree(0, (0,), (0.0,), (~left,), (~right,)) for left, right in pairs)
    model = TreeEnsemble("classifier", 1, trees, tuple(rows), tuple(range(len(rows[0]))))
    return dataclasses.replace(model, **changes)


def _additive(**changes: Any) -> TreeEnsemble:
    """A regressor of two outputs in very different units."""
    rows = ((0.1, 1000.0), (-0.25, 1010.5), (0.3, 1003.25), (0.0, 999.0))
    trees = (Tree(0, (0,), (0.0,), (-1,), (-2,)), Tree(0, (0,), (1.0,), (-3,), (-4,)))
    model = TreeEnsemble("regressor", 1, trees, rows)
    return dataclasses.replace(model, **changes)


def _largest_remainders(row: list[float], one: int) -> list[int]:
    """The same by fractions, one row at a time."""
    exact = [Fraction(value) for value in row]
    total = sum(exact)
    shares = [value / total * one for value in exact]
    found = [math.floor(share) for share in shares]
    order = sorted(range(len(row)), key=lambda i: (found[i] - shares[i], i))
    for index in order[: one - sum(found)]:
        found[index] += 1
    return found


# Proportions of whole samples, as leaves have them; by eighths so that Fraction has no noise either.
@given(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=9).filter(any), widths)
def test_largest_remainders(counts: list[int], bits: int) -> None:
    one = (1 << bits) - 1
    row = np.array([counts], dtype=np.float64)
    assert numerators(row, one).tolist() == [_largest_remainders(row[0].tolist(), one)]


@pytest.mark.parametrize(
    ("row", "bits", "expected"),
    [
        ((0.5, 0.5), 8, (128, 127)),
        ((1 / 3, 1 / 3, 1 / 3), 8, (85, 85, 85)),
        ((1 / 3, 1 / 3, 1 / 3), 4, (5, 5, 5)),
        ((1 / 3, 1 / 3, 1 / 3), 2, (1, 1, 1)),
        ((0.25, 0.25, 0.25, 0.25), 1, (1, 0, 0, 0)),
        ((0.1, 0.2, 0.7), 1, (0, 0, 1)),
        ((0.0, 1.0), 16, (0, 65535)),
        ((0.999, 0.001), 4, (15, 0)),
    ],
)
def test_proportions_by_hand(row: tuple[float, ...], bits: int, expected: tuple[int, ...]) -> None:
    other = tuple(reversed(row))
    model = set_leaf_bits(_forest([row, other]), bits)
    one = (1 << bits) - 1
    assert tuple(round(v * one) for v in model.leaves[0]) == expected


@given(specs(), widths)
def test_proportions_are_multiples_that_add_up(spec: Spec, bits: int) -> None:
    model = _small(spec, task="classifier")
    narrow = validate(set_leaf_bits(model, bits))
    one = (1 << bits) - 1
    for row in narrow.leaves:
        numerator = [round(value * one) for value in row]
        assert sum(numerator) == one
        assert list(row) == [n / one for n in numerator]
    assert len(set(narrow.leaves)) == len(narrow.leaves), "equal rows are one row"
    x = samples(model, 60, spec.seed)
    assert np.abs(scores(narrow, x) - scores(model, x)).max(initial=0.0) <= 1.0 / one
    assert set_leaf_bits(narrow, bits).leaves == narrow.leaves, "a second time changes nothing"


@given(specs())
def test_hard_votes(spec: Spec) -> None:
    model = _small(spec, task="classifier")
    hard = set_leaf_bits(model, 0)
    assert hard.is_pure or len(model.classes) == 1
    x = samples(model, 60, spec.seed)
    votes = np.zeros((len(x), model.n_outputs))
    for tree in model.trees:
        alone = dataclasses.replace(model, trees=(tree,))
        votes[np.arange(len(x)), np.round(scores(alone, x), 9).argmax(axis=1)] += 1
    assert (np.rint(scores(hard, x) * len(model.trees)) == votes).all()


def test_equal_proportions_vote_for_the_first_class() -> None:
    third = 1 / 3
    model = _forest([(third, third, 1 - 2 * third), (0.1, 0.45, 0.45)])
    assert set_leaf_bits(model, 0).leaves == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def test_pure_leaves_stay_as_they_are() -> None:
    model = _small(Spec(1, leaves="pure"))
    for bits in (0, 1, 8, 16):
        assert set(set_leaf_bits(model, bits).leaves) <= set(model.leaves)


def test_splits_between_rows_that_became_equal_are_gone() -> None:
    model = _forest([(0.9, 0.1), (0.7, 0.3), (0.8, 0.2), (0.1, 0.9)])
    assert set_leaf_bits(model, 0).n_splits == 2
    hard = narrow_leaves(model, 0)
    assert hard.n_splits == 1
    assert hard.trees[0] == Tree(root=~hard.leaves.index((1.0, 0.0)))
    x = np.array([[-1.0], [1.0]], dtype=np.float32)
    assert evaluate(hard, x).tolist() == [[1.0, 0.0], [0.5, 0.5]]


@given(specs(), widths)
def test_other_values_are_multiples_of_a_power_of_two(spec: Spec, bits: int) -> None:
    model = _small(spec, task="regressor")
    narrow = validate(set_leaf_bits(model, bits))
    for column in zip(*narrow.leaves, strict=True):
        step = min((_lowest_bit(value) for value in column if value), default=1.0)
        integers = [value / step for value in column]
        assert all(value == round(value) for value in integers)
        assert max(integers) - min(integers) <= (1 << bits) - 1


def _lowest_bit(value: float) -> float:
    """The largest power of two of which the value is a multiple."""
    numerator, denominator = value.as_integer_ratio()
    return (numerator & -numerator) / denominator


@given(specs(), st.integers(2, 16))
def test_the_step_is_the_finest_that_fits(spec: Spec, bits: int) -> None:
    model = _small(spec, task="regressor", n_trees=2)
    narrow = set_leaf_bits(model, bits)
    used = {~c for t in model.trees for c in (t.root, *t.left, *t.right) if c < 0}
    for output in range(model.n_outputs):
        column = [model.leaves[row][output] for row in used]
        span = max(column) - min(column)
        largest = max(map(abs, column))
        # With a step of half that size the span would be more than 2**bits - 1 steps.
        step = max(2.0 * span / ((1 << bits) - 2), 2.0 * largest / (1 << 24), 2.0**-149)
        error = [abs(v - w) for v, w in zip(_reached(model, output), _reached(narrow, output), strict=True)]
        assert max(error) <= step / 2


def _reached(model: TreeEnsemble, output: int) -> list[float]:
    children = [c for t in model.trees for c in (t.root, *t.left, *t.right) if c < 0]
    return [model.leaves[~c][output] for c in children]


def test_each_regressed_output_has_a_step_of_its_own() -> None:
    narrow = set_leaf_bits(_additive(), 4)
    first, second = zip(*narrow.leaves, strict=True)
    # 0.55 and 11.5 in 15 steps: 1/16 (1/32 would be 17.6 steps) and 1.
    assert first == (0.125, -0.25, 0.3125, 0.0)
    assert second == (1000.0, 1010.0, 1003.0, 999.0)
    assert narrow.leaf_error == pytest.approx(((0.025 + 0.0125) / 2, (0.5 + 0.25) / 2))


def test_a_classifier_has_one_step_for_all_scores() -> None:
    rows = ((0.1, 100.0), (0.3, -100.0))
    tree = Tree(0, (0,), (0.0,), (-1,), (-2,))
    model = TreeEnsemble("classifier", 1, (tree,), rows, ("a", "b"), link="softmax", aggregate="sum")
    assert set_leaf_bits(model, 8).leaves == ((0.0, 100.0), (0.0, -100.0))


def test_trees_that_add_to_one_output_each() -> None:
    trees = (Tree(0, (0,), (0.0,), (-1,), (-2,)), Tree(0, (0,), (0.0,), (-1,), (-3,)))
    model = TreeEnsemble(
        "regressor", 1, trees, ((0.3,), (0.6,), (100.0,)), aggregate="sum", outputs=(0, 1), base=(0.0, 5.0)
    )
    narrow = validate(set_leaf_bits(model, 2))
    x = np.array([[-1.0], [1.0]], dtype=np.float32)
    # Row 0 is shared by trees of different outputs, and becomes a different value in each.
    assert evaluate(narrow, x).tolist() == [[0.25, 5.0], [0.625, 101.0]]
    assert narrow.trees[0].left != narrow.trees[1].left
    error = np.abs(evaluate(narrow, x) - evaluate(model, x)).max(axis=0)
    assert (error <= narrow.leaf_error).all()


@given(specs(), widths, st.booleans())
def test_every_kind_of_model(spec: Spec, bits: int, clustered: bool) -> None:
    model = _small(spec, form=spec.form, n_rows=min(spec.n_rows, 40))
    narrow = narrow_leaves(model, bits, 2 if clustered else 0)
    assert narrow.link == model.link
    x = samples(model, 60, spec.seed)
    before, after = evaluate(model, x), evaluate(narrow, x)
    assert before.shape[1] == len(narrow.leaf_error) == model.n_columns
    with np.errstate(invalid="ignore"):
        moved = np.where(before == after, 0.0, np.abs(after - before))
    slack = 1e-12 * (np.abs(before) + np.abs(np.asarray(model.leaves)).max())  # float64 sums
    assert (moved <= np.asarray(narrow.leaf_error) + slack).all()
    assert loads(dumps(narrow)) == narrow
    if not has_proportions(model):
        values = [value for row in narrow.leaves for value in row if value]
        assert all(abs(value) <= 2.0**25 * _lowest_bit(value) for value in values), "float32 holds them"


@given(
    specs(),
    widths,
    st.sampled_from(["mean", "sum", "median"]),
    st.sampled_from(["identity", "exp", "sigmoid"]),
)
def test_the_stated_error_holds(spec: Spec, bits: int, aggregate: str, link: str) -> None:
    model = _small(spec, task="regressor", n_outputs=1 if aggregate == "median" else spec.n_outputs)
    if aggregate == "median":
        model = dataclasses.replace(model, aggregate=aggregate, weights=(1.0,) * len(model.trees))
    else:
        # Values up to 1e7 would all be infinite behind exp.
        leaves = tuple(tuple(math.remainder(value, 8.0) for value in row) for row in model.leaves)
        model = dataclasses.replace(model, aggregate=aggregate, link=link, leaves=leaves)
    narrow = validate(set_leaf_bits(validate(model), bits))
    x = samples(model, 60, spec.seed)
    before, after = evaluate(model, x), evaluate(narrow, x)
    assert len(narrow.leaf_error) == model.n_outputs
    slack = 1e-12 * (np.abs(before) + np.abs(np.asarray(model.leaves)).max())  # float64 sums
    assert (np.abs(after - before) <= np.asarray(narrow.leaf_error) + slack).all()


@given(
    specs(), st.integers(0, 16), st.sampled_from(["mean", "identity", "sigmoid", "softmax", "margin", "two"])
)
def test_the_stated_error_of_classifiers_holds(spec: Spec, bits: int, kind: str) -> None:
    outputs = max(2, spec.n_outputs)
    model = _small(spec, task="classifier", n_outputs=outputs, leaves="any")
    if kind == "two":  # a single score of two classes
        first = tuple({(row[0],): None for row in model.leaves})
        number = [first.index((row[0],)) for row in model.leaves]
        assert number == list(range(len(number))), "no two rows begin alike"
        model = dataclasses.replace(model, classes=(0, 1), leaves=first, link="sigmoid", aggregate="sum")
    elif kind != "mean":
        model = dataclasses.replace(model, link=kind, aggregate="sum")
    if kind != "mean":
        bits = max(1, bits)
    narrow = validate(set_leaf_bits(validate(model), bits))
    x = samples(model, 60, spec.seed)
    moved = np.abs(evaluate(narrow, x) - evaluate(model, x))
    assert moved.shape[1] == len(narrow.leaf_error)
    assert (moved <= np.asarray(narrow.leaf_error) + 1e-12).all()
    assert loads(dumps(narrow)) == narrow


def test_errors_of_two_roundings_add_up() -> None:
    once = set_leaf_bits(_additive(), 8)
    twice = set_leaf_bits(once, 3)
    assert all(b > a >= 0 for a, b in zip(once.leaf_error, twice.leaf_error, strict=True))
    assert once.leaf_error[0] > 0
    x = np.array([[-1.0], [0.5], [2.0]], dtype=np.float32)
    assert (np.abs(evaluate(twice, x) - evaluate(_additive(), x)) <= twice.leaf_error).all()


@pytest.mark.parametrize("value", [0.0, -0.0, 3.7, 5e-324, 2.0**-149, -1e38, 3.4028234663852886e38])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_extreme_and_constant_values(value: float, bits: int) -> None:
    model = TreeEnsemble("regressor", 1, (Tree(root=-1), Tree(root=-1)), ((value,),))
    ((found,),) = validate(set_leaf_bits(model, bits)).leaves
    assert abs(found - value) <= abs(value) * 2.0**-24 + 2.0**-150
    assert math.copysign(1.0, found) > 0 or found < 0, "no minus zero"
    tree = Tree(0, (0,), (0.0,), (-1,), (-2,))
    wide = TreeEnsemble("regressor", 1, (tree,), ((3.4028234663852886e38,), (-3.4028234663852886e38,)))
    validate(set_leaf_bits(wide, bits))


@pytest.mark.parametrize(
    "model",
    [
        _additive(),
        _forest([(0.5,), (1.0,)], classes=("a", "b"), cut=0.75),
        _forest([(0.5, 0.5), (1.0, 0.0)], aggregate="sum", link="softmax"),
        _forest([(0.5, 0.5), (1.0, 0.0)], base=(0.0, 0.125)),
        _forest([(0.5, 0.25), (1.0, 0.0)]),
    ],
    ids=["regressor", "one score", "sum", "base", "rows that do not add up to 1"],
)
def test_hard_votes_need_proportions(model: TreeEnsemble) -> None:
    assert not has_proportions(validate(model))
    with pytest.raises(MilliwattError) as caught:
        set_leaf_bits(model, 0)
    assert caught.value.option == "leaf_bits"
    assert "hard votes" in caught.value.problem
    assert "exact" in str(caught.value.cure)
    validate(narrow_leaves(model, 1))


@pytest.mark.parametrize("bits", [-1, 17])
def test_impossible_widths(bits: int) -> None:
    with pytest.raises(MilliwattError, match=r"leaf_bits: .*not possible\n.*0 to 16"):
        set_leaf_bits(_additive(), bits)


@pytest.mark.parametrize(
    ("rows", "bits"),
    [
        ([(1.0, 0.0), (0.0, 1.0)], 1),
        ([(0.5, 0.5), (0.0, 1.0)], 2),
        ([(1 / 3, 2 / 3), (0.0, 1.0)], 2),
        ([(1 / 255, 254 / 255), (0.2, 0.8)], 8),
        ([(1 / 256, 255 / 256), (0.5, 0.5)], 9),
        ([(1 / 65535, 65534 / 65535), (0.2, 0.8)], 16),
        ([(1 / 65536, 65535 / 65536), (0.5, 0.5)], None),
        ([(1 / 251, 250 / 251), (1 / 257, 256 / 257)], 16),
        ([(1 / 251, 250 / 251), (1 / 263, 262 / 263)], None),
        ([(math.pi / 4, 1 - math.pi / 4), (0.5, 0.5)], None),
    ],
)
def test_exact_widths(rows: list[tuple[float, ...]], bits: int | None) -> None:
    model = _forest(rows)
    assert exact_bits(model) == bits
    if bits is not None and bits < 16:
        one = (1 << bits) - 1
        assert one >= _denominator(rows)


def _denominator(rows: list[tuple[float, ...]]) -> int:
    return math.lcm(*(Fraction(v).limit_denominator(70_000).denominator for row in rows for v in row))


@given(specs(), widths)
def test_the_emitter_takes_them_as_exact(spec: Spec, bits: int) -> None:
    model = _small(spec, task="classifier")
    if model.is_pure or len(model.classes) == 1:
        return
    table = leaf_table(narrow_leaves(model, bits))
    assert table.kind == "votes" or (table.exact and table.bits <= (8 if bits <= 8 else 16))


def test_a_million_leaves_take_seconds() -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet((0.5, 0.5, 0.5), 100_000)
    children = rng.integers(0, len(rows), 200_000)
    chain = tuple(range(1, 100_000))
    trees = tuple(_chain(chain, part) for part in np.array_split(children, 2))
    model = TreeEnsemble("classifier", 1, trees, tuple(map(tuple, rows.tolist())), (0, 1, 2))
    narrow = set_leaf_bits(model, 8)
    assert len(narrow.leaves) < len(model.leaves)


def _chain(next_split: tuple[int, ...], rows: NDArray[np.int64]) -> Tree:
    n = len(next_split) + 1
    left = tuple((~rows[:n]).tolist())
    return Tree(0, (0,) * n, (0.0,) * n, left, (*next_split, ~int(rows[-1])))
