"""Splits at NaN, which scikit-learn 1.7 and 1.8 make now and then: answered as scikit-learn answers them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import sklearn
from mwtest.oracle import agrees, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import ensemble, tree

import milliwatt
from milliwatt.frontends import to_ir
from milliwatt.options import METHODS

rng = np.random.default_rng(2)
X = rng.normal(size=(120, 3)).astype(np.float32)
GAPS = np.where(rng.random(X.shape) < 0.25, np.float32(np.nan), X)
Y = (np.nan_to_num(GAPS[:, 0]) > 0).astype(int) + (np.nan_to_num(GAPS[:, 1]) > 0.3)
PROBE = np.array(list(itertools.product([np.nan, -2.0, -0.1, 0.0, 0.4, 3.0], repeat=3)), dtype=np.float32)
KINDS = [
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
]


def _small(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A few samples, most of them with gaps; seeds are chosen for what they do to scikit-learn 1.8."""
    local = np.random.default_rng(seed)
    n, features = local.integers(3, 30), local.integers(1, 4)
    integers = bool(seed % 2)
    x = local.integers(0, 4, (n, features)).astype(float) if integers else local.normal(size=(n, features))
    x[local.random((n, features)) < local.choice([0.1, 0.4, 0.8])] = np.nan
    return x, local.integers(0, 3, n)


def _splits_at_nan(fitted: Any) -> NDArray[np.intp]:
    found: NDArray[np.intp] = np.flatnonzero((fitted.children_left >= 0) & np.isnan(fitted.threshold))
    return found


@pytest.mark.parametrize("kind", [tree.DecisionTreeClassifier, tree.DecisionTreeRegressor])
def test_trained_by_the_scikit_learn_that_is_here(kind: type) -> None:
    n_found = 0
    for seed in (1675, 2418, 1258, 1619, 2823, 1531):
        x, y = _small(seed)
        estimator = kind(random_state=0).fit(x, y)
        n_found += len(_splits_at_nan(estimator.tree_))
        values = [np.nan, -1e30, -1.0, 0.0, 0.5, 1.0, 2.5, 3.0, 1e30]
        agrees(estimator, np.array(list(itertools.product(values, repeat=x.shape[1]))), nan="follow")
    version = tuple(map(int, sklearn.__version__.split(".")[:2]))
    assert (n_found > 0) == (version < (1, 9)), f"{n_found} splits at NaN by scikit-learn {version}"


def _with_nan(estimator: Any, each: int) -> Any:
    """The fitted estimator, every so many splits of it moved to NaN; its own predictions follow."""
    for member in getattr(estimator, "estimators_", [estimator]):
        splits = np.flatnonzero(member.tree_.children_left >= 0)[::each]
        member.tree_.threshold[splits] = np.nan
        assert len(_splits_at_nan(member.tree_)) == len(splits) > 0
    return estimator


@pytest.mark.parametrize("each", [1, 2, 5])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_in_any_tree(kind: type, each: int) -> None:
    settings = {"n_estimators": 4} if kind.__module__.startswith("sklearn.ensemble") else {}
    estimator = kind(random_state=0, **settings).fit(GAPS, Y)
    before = estimator.predict(PROBE)
    _with_nan(estimator, each)
    assert (estimator.predict(PROBE) != before).any()
    assert agrees(estimator, PROBE).handles_missing
    whole = PROBE[~np.isnan(PROBE).any(axis=1)]
    for nan in ("refuse", "ignore"):
        assert not agrees(estimator, whole, nan=nan).handles_missing


def test_infinite_features_go_where_scikit_learns_tree_sends_them() -> None:
    """Its predict() refuses them, its trees do not, and neither does a device."""
    estimator = _with_nan(tree.DecisionTreeRegressor(random_state=0).fit(GAPS, np.arange(120.0)), 2)
    x = np.array(list(itertools.product([np.nan, -np.inf, -0.5, 0.5, np.inf], repeat=3)), dtype=np.float32)
    expected = estimator.tree_.predict(x)[:, 0]
    assert (milliwatt.Model(to_ir(estimator)).evaluate(x)[:, 0] == expected).all()


@pytest.mark.parametrize("method", METHODS)
def test_on_the_device(method: str) -> None:
    estimator = _with_nan(ensemble.RandomForestClassifier(5, random_state=0).fit(GAPS, Y), 3)
    model = milliwatt.convert(estimator, method=method)
    probabilities = estimator.predict_proba(PROBE)
    assert np.abs(model.predict_proba(PROBE) - probabilities).max() <= 2.0**-22
    two = np.sort(probabilities, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] >= 1e-9
    assert clear.sum() > 100
    assert (model.predict(PROBE) == estimator.predict(PROBE))[clear].all()


def test_integer_features_where_nothing_is_missing() -> None:
    estimator = _with_nan(tree.DecisionTreeClassifier(random_state=0).fit(np.round(4 * X), Y), 3)
    x = rng.integers(-12, 12, (300, 3))
    model = milliwatt.convert(estimator, dtype="int8", nan="refuse")
    assert (model.predict(x) == estimator.predict(x)).all()


def test_where_no_training_sample_missed_anything() -> None:
    """Other estimators over trees have no such splits; a file that has some is read by the same rule."""
    estimator = ensemble.IsolationForest(n_estimators=4, random_state=0).fit(X)
    _with_nan(estimator, 3)
    whole = PROBE[~np.isnan(PROBE).any(axis=1)]
    agrees(estimator, whole, nan="refuse")
