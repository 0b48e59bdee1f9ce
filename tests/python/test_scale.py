"""Large forests: conversion, C and JSON in seconds, growing linearly."""

from __future__ import annotations

import gc
import time
import tracemalloc

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestRegressor

import milliwatt
from milliwatt import ir
from milliwatt.emit import emit_c, emit_csv
from milliwatt.frontends import to_ir
from milliwatt.frontends.nodes import distinct_rows
from milliwatt.ir.csv_reader import loads_csv
from milliwatt.options import METHODS
from milliwatt.passes import prepare

ROWS = 2000
MILLION = 1_000_000


@pytest.fixture(scope="module")
def forest() -> RandomForestRegressor:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 8))
    return RandomForestRegressor(64, bootstrap=False, max_features=2, random_state=0, n_jobs=2).fit(
        x, rng.normal(size=ROWS)
    )


def _part(forest: RandomForestRegressor, n_trees: int) -> RandomForestRegressor:
    part = RandomForestRegressor(n_trees)
    part.__dict__.update(forest.__dict__)
    part.estimators_ = forest.estimators_[:n_trees]
    part.n_estimators = n_trees
    return part


def _cpu_seconds(forest: RandomForestRegressor, n_trees: int) -> float:
    part = _part(forest, n_trees)
    begin = time.process_time()
    model = milliwatt.convert(part)
    for method in METHODS:
        emit_c(model.ir, method=method)
    text = ir.dumps(model.ir)
    assert ir.loads(text) == model.ir
    return time.process_time() - begin


def test_conversion_of_160000_nodes_takes_seconds_and_grows_linearly(forest: RandomForestRegressor) -> None:
    whole = 42
    nodes = sum(tree.tree_.node_count for tree in _part(forest, whole).estimators_)
    assert nodes > 160_000
    _cpu_seconds(forest, 2)  # imports and first-call costs are not what is measured
    half = min(_cpu_seconds(forest, whole // 2) for _ in range(2))
    full = min(_cpu_seconds(forest, whole) for _ in range(2))
    assert full < 5.0
    assert full / half < 3.0


def test_a_deep_tree_does_not_grow_faster() -> None:
    """A chain as long as a forest is wide: nothing may walk it again for every split."""

    def seconds(depth: int) -> float:
        n = depth
        tree = ir.Tree(0, (0,) * n, tuple(float(i) for i in range(n)), (-1,) * n, (*range(1, n), -2))
        model = ir.validate(ir.TreeEnsemble("regressor", 1, (tree,), ((0.0,), (1.0,))))
        begin = time.process_time()
        for method in METHODS:
            emit_c(model, method=method)
        assert ir.loads(ir.dumps(model)) == model
        return time.process_time() - begin

    seconds(1000)
    assert min(seconds(40_000) for _ in range(2)) / min(seconds(20_000) for _ in range(2)) < 3.0


def _hand_over(estimator: object) -> ir.TreeEnsemble:
    """All that lies between an estimator and a firmware build that has read its hand-over file."""
    prepared, _ = prepare(to_ir(estimator), "auto", None)
    again = ir.loads(ir.dumps(prepared))
    assert again == prepared
    return again


@pytest.mark.parametrize("kind", ["values", "votes", "proportions"])
def test_a_million_nodes_reach_the_firmware_build_in_seconds(kind: str) -> None:
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4000, 8)), rng.integers(0, 10, 4000)
    if kind == "values":
        estimator = ExtraTreesRegressor(126, random_state=0, n_jobs=2).fit(x, rng.normal(size=4000))
    else:
        least = {"votes": 1, "proportions": 2}[kind]
        n_trees = {"votes": 144, "proportions": 425}[kind]
        estimator = ExtraTreesClassifier(n_trees, min_samples_leaf=least, random_state=0, n_jobs=2).fit(
            x, labels
        )
    assert sum(tree.tree_.node_count for tree in estimator.estimators_) >= MILLION
    begin = time.process_time()
    model = _hand_over(estimator)
    assert time.process_time() - begin < 12.0  # 3 on a PC that has nothing else to do
    assert model.n_splits + sum(c < 0 for t in model.trees for c in (*t.left, *t.right)) >= 0.9 * MILLION


def test_a_million_nodes_as_csv() -> None:
    rng = np.random.default_rng(0)
    trees = tuple(_random_tree(5000, rng) for _ in range(MILLION // 10_000))
    model = ir.validate(ir.TreeEnsemble("regressor", 8, trees, ((1.0,), (2.0,))))
    begin = time.process_time()
    again = loads_csv(emit_csv(model), dtype="float")
    assert time.process_time() - begin < 20.0
    assert again.trees == model.trees


def _random_tree(n: int, rng: np.random.Generator) -> ir.Tree:
    """A tree of n splits in pre-order, each parted at random."""
    left, right = [-1] * n, [-2] * n
    stack = [(0, n)]
    while stack:
        top, size = stack.pop()
        first = int(rng.integers(0, size))
        for side, start, count in ((left, top + 1, first), (right, top + 1 + first, size - 1 - first)):
            if count:
                side[top] = start
                stack.append((start, count))
    thresholds = rng.normal(size=n).astype(np.float32).astype(float).tolist()
    return ir.Tree(0, tuple(rng.integers(0, 8, n).tolist()), tuple(thresholds), tuple(left), tuple(right))


@pytest.mark.parametrize("width", [1, 2, 7])
def test_equal_leaf_rows_are_found_as_by_sorting_them_all(width: int) -> None:
    rows = np.random.default_rng(width).integers(-2, 3, (400, width)) / 3 * np.array([[1.0], [-0.0]] * 200)
    rows[::2] *= 1 - 1e-16  # the same number, or the next one below
    expected, place = np.unique(rows, axis=0, return_inverse=True)
    leaves, number = distinct_rows(rows)
    assert np.array_equal(np.array(leaves), expected)
    assert np.array_equal(number, place.reshape(-1))
    assert np.array_equal(np.array(leaves)[number], rows)


def test_memory_grows_linearly(forest: RandomForestRegressor) -> None:
    def peak_bytes_a_node(n_trees: int) -> float:
        part = _part(forest, n_trees)
        gc.collect()
        tracemalloc.start()
        _hand_over(part)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / sum(tree.tree_.node_count for tree in part.estimators_)

    peak_bytes_a_node(1)
    few, many = peak_bytes_a_node(8), peak_bytes_a_node(32)
    assert many < 400
    assert many < 1.2 * few
