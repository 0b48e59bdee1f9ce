"""Pruning: fewer splits, the same answers, and nothing left that decides nothing."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from mwtest.models import Spec, build, samples, specs

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.host import evaluate
from milliwatt.ir import Tree, TreeEnsemble, validate
from milliwatt.passes import prune


@given(specs())
def test_answers_stay_the_same(spec: Spec) -> None:
    model = build(dataclasses.replace(spec, n_features=min(spec.n_features, 4)))
    pruned = validate(prune(model))
    x = samples(model, 150, spec.seed)
    assert (evaluate(pruned, x) == evaluate(model, x)).all()
    assert pruned.n_splits <= model.n_splits
    assert prune(pruned) == pruned


@given(specs())
def test_every_split_left_can_go_both_ways(spec: Spec) -> None:
    numeric = dataclasses.replace(spec, missing=False, categories=False)
    model = prune(build(dataclasses.replace(numeric, n_features=min(spec.n_features, 4))))
    kind = FEATURE_TYPES[model.dtype]
    low, high = (kind.low, kind.high) if kind.is_integer else (-math.inf, math.inf)
    for tree in model.trees:
        _walk(tree, tree.root, {}, low, high)


def _walk(tree: Tree, start: int, bounds: dict[int, tuple[float, float]], low: float, high: float) -> None:
    """Each split's threshold lies strictly within the closed range of values that reach it."""
    stack = [(start, bounds)]
    while stack:
        node, known = stack.pop()
        if node < 0:
            continue
        feature, t = tree.feature[node], tree.threshold[node]
        least, most = known.get(feature, (low, high))
        assert least <= t < most or (least == -math.inf and t == -math.inf)
        above = t + 1 if isinstance(t, int) else math.nextafter(t, math.inf)
        stack.append((tree.left[node], {**known, feature: (least, t)}))
        stack.append((tree.right[node], {**known, feature: (above, most)}))
        left, right = tree.left[node], tree.right[node]
        assert left >= 0 or right >= 0 or left != right, "both sides end in the same leaf"


def test_leaf_rows_that_nobody_reaches_are_dropped() -> None:
    tree = Tree(0, (0,), (255,), (-3,), (-1,))
    model = TreeEnsemble("regressor", 1, (tree,), ((1.0,), (2.0,), (3.0,)), dtype="uint8")
    pruned = prune(model)
    assert pruned.leaves == ((3.0,),)
    assert pruned.trees == (Tree(root=-1),)


@pytest.mark.parametrize(("threshold", "leaf"), [(-129, 2.0), (127, 1.0)])
def test_thresholds_beyond_the_type_are_decided(threshold: int, leaf: float) -> None:
    tree = Tree(0, (0,), (threshold,), (-1,), (-2,))
    model = TreeEnsemble("regressor", 1, (tree,), ((1.0,), (2.0,)), dtype="int8")
    assert prune(model).leaves == ((leaf,),)


def test_missing_values_keep_what_finite_values_do_not_need() -> None:
    tree = Tree(0, (0,), (math.inf,), (-1,), (-2,), (False,))
    model = TreeEnsemble("regressor", 1, (tree,), ((1.0,), (2.0,)))
    assert prune(model) == model
    x = np.array([[np.nan], [np.inf]], dtype=np.float32)
    assert evaluate(model, x).tolist() == [[2.0], [1.0]]
