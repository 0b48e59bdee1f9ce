"""Leaf rows shared by k-means: few of them, always the same ones, and good ones."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.models import Spec, build, samples, specs
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from milliwatt.errors import MilliwattError
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate
from milliwatt.ir import Tree, TreeEnsemble, validate
from milliwatt.passes import leaf_clusters, narrow_leaves
from milliwatt.passes.leaf_clusters import cluster_leaves, kmeans


def _inertia(points: np.ndarray, weight: np.ndarray, centres: np.ndarray) -> float:
    distance = ((points[:, np.newaxis, :] - centres) ** 2).sum(axis=2).min(axis=1)
    return float((distance * weight).sum())


@given(specs(), st.integers(1, 6), st.sampled_from([2, 8, 16]))
def test_few_rows_of_few_bits(spec: Spec, clusters: int, bits: int) -> None:
    rows = min(spec.n_rows, 60)
    model = build(dataclasses.replace(spec, n_features=min(spec.n_features, 4), n_rows=rows, form="mean"))
    found = narrow_leaves(model, bits, clusters)
    assert found == validate(found)
    assert len(found.leaves) <= clusters * max(1, len(model.classes))
    if model.is_classifier:
        one = (1 << bits) - 1
        for row in found.leaves:
            assert sum(round(value * one) for value in row) == one
            assert list(row) == [round(value * one) / one for value in row]
    assert narrow_leaves(model, bits, clusters) == found, "the same every time"
    x = samples(model, 40, spec.seed)
    if not model.is_classifier:
        before = evaluate(model, x)
        error = np.abs(evaluate(found, x) - before)
        slack = 1e-12 * (np.abs(before) + np.abs(np.asarray(model.leaves)).max())  # float64 sums
        assert (error <= np.asarray(found.leaf_error) + slack).all()


def test_enough_clusters_are_nothing_but_rounding() -> None:
    model = build(Spec(3, n_rows=12, n_outputs=3, n_splits=60))
    assert narrow_leaves(model, 8, 4) == narrow_leaves(model, 8)
    assert narrow_leaves(model, 16, 100) == narrow_leaves(model, 16)


def test_well_separated_clusters_are_found() -> None:
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(7, 3)) * 100
    points = np.concatenate([m + rng.normal(size=(40, 3)) for m in middles])
    centres, label = kmeans(points, np.ones(len(points)), 7)
    assert len(centres) == 7
    for first in range(0, 280, 40):
        assert len(set(label[first : first + 40].tolist())) == 1
        assert np.allclose(centres[label[first]], points[first : first + 40].mean(axis=0))


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_clustering_that_cannot_be_better(offset: float) -> None:
    """One dimension, all ways of cutting sorted points tried."""
    rng = np.random.default_rng(4)
    points = np.sort(rng.normal(size=12))[:, np.newaxis] + offset
    weight = rng.integers(1, 5, 12).astype(float)
    best = np.inf
    for cuts in itertools.combinations(range(1, 12), 2):
        parts = np.split(np.arange(12), cuts)
        middles = np.array([np.average(points[p], axis=0, weights=weight[p]) for p in parts])
        best = min(best, _inertia(points, weight, middles))
    centres, label = kmeans(points, weight, 3)
    assert _inertia(points, weight, centres) == pytest.approx(best, rel=1e-6)
    assert (label == np.abs(points - centres[:, 0]).argmin(axis=1)).all()


@pytest.mark.parametrize("per_class", [1, 2, 4, 8])
def test_as_good_as_scikit_learn(per_class: int) -> None:
    data, target = load_digits(return_X_y=True)
    forest = RandomForestClassifier(10, min_samples_leaf=4, random_state=0).fit(data, target)
    leaves = np.asarray(to_ir(forest).leaves)
    weight = np.random.default_rng(0).integers(1, 9, len(leaves)).astype(float)
    reference = KMeans(10 * per_class, n_init=4, random_state=0).fit(leaves, sample_weight=weight)
    centres, _ = kmeans(leaves, weight, 10 * per_class)
    assert _inertia(leaves, weight, centres) <= 1.05 * reference.inertia_


def test_a_leaf_counts_once_however_many_share_its_row() -> None:
    left, right = (0.0, 1.0), (0.25, 0.75)
    single = Tree(0, (0,), (0.0,), (-1,), (-2,))
    model = TreeEnsemble("classifier", 1, (single, Tree(root=-1), Tree(root=-1)), (left, right), (0, 1))
    one_class = dataclasses.replace(model, classes=(0, 1))
    # Three leaves have the first row, one the second: two clusters a class are plenty, so take the middle.
    centres, _ = kmeans(np.array([left, right]), np.array([3.0, 1.0]), 1)
    assert centres.tolist() == [[0.0625, 0.9375]]
    assert len(cluster_leaves(one_class, 1).leaves) == 2


def test_outputs_of_other_units_count_alike() -> None:
    rows = [(float(a), float(b)) for a in (0, 1) for b in (0, 1_000_000)]
    jittered = [(a + d, b) for a, b in rows for d in (0.0, 0.01)]
    trees = tuple(Tree(root=~row) for row in range(8))
    model = TreeEnsemble("regressor", 1, trees, tuple(jittered))
    found = cluster_leaves(model, 4, 16)
    assert len(found.leaves) == 4
    assert max(found.leaf_error) < 1.0
    assert {round(a) for a, _ in found.leaves} == {0, 1}


def test_equal_points_and_empty_clusters() -> None:
    points = np.array([[0.0], [1e-200], [1.0]])  # the squared distance of the first two is 0
    centres, label = kmeans(points, np.ones(3), 2)
    assert label[0] == label[1] != label[2]
    points = np.concatenate([np.zeros((1, 2)), np.full((1, 2), 1e-200), np.full((1, 2), 2e-200)])
    centres, label = kmeans(points, np.ones(3), 2)
    assert len(centres) >= 1
    assert label.tolist() == [0, 0, 0]


def test_very_many_rows_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(size=(3000, 2)) + m for m in (-50.0, 0.0, 50.0)])
    monkeypatch.setattr(leaf_clusters, "_MOST_ROWS", 300)
    monkeypatch.setattr(leaf_clusters, "_CHUNK", 1000)
    centres, label = kmeans(points, np.ones(9000), 3)
    assert len(label) == 9000
    assert sorted(np.rint(centres[:, 0] / 50.0).tolist()) == [-1.0, 0.0, 1.0]
    assert np.bincount(label).tolist() == [3000, 3000, 3000]


def test_very_many_clusters_are_found_in_seconds() -> None:
    points = np.random.default_rng(2).dirichlet((0.5,) * 10, 5_000)
    centres, label = kmeans(points, np.ones(5_000), 1200)
    assert 1150 < len(set(label.tolist())) <= len(centres) == 1200
    few, _ = kmeans(points, np.ones(5_000), 300)
    assert _nearest_error(points, centres[label]) < 0.7 * _inertia_of(points, few)


def _nearest_error(points: np.ndarray, centres: np.ndarray) -> float:
    return float(((points - centres) ** 2).sum())


def _inertia_of(points: np.ndarray, centres: np.ndarray) -> float:
    label, _ = leaf_clusters._nearest(points, centres)
    return _nearest_error(points, centres[label])


def test_scikit_learn_is_not_needed() -> None:
    code = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "from milliwatt.passes.leaf_clusters import kmeans\n"
        "import numpy as np\n"
        "print(len(kmeans(np.arange(10.0)[:, None], np.ones(10), 3)[0]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"


@pytest.mark.parametrize("clusters", [0, -1])
def test_impossible_numbers(clusters: int) -> None:
    with pytest.raises(MilliwattError) as caught:
        cluster_leaves(build(Spec(1)), clusters)
    assert caught.value.option == "leaf_clusters"
