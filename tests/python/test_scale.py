"""Large forests: conversion, C and JSON in seconds, growing linearly."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

import milliwatt
from milliwatt import ir
from milliwatt.emit import emit_c

ROWS = 2000


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
    for method in ("inline", "loadable"):
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
        for method in ("inline", "loadable"):
            emit_c(model, method=method)
        assert ir.loads(ir.dumps(model)) == model
        return time.process_time() - begin

    seconds(1000)
    assert min(seconds(40_000) for _ in range(2)) / min(seconds(20_000) for _ in range(2)) < 3.0
