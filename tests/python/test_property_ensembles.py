"""Random ensembles of scikit-learn on small odd data: the IR answers as the estimator itself does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st
from mwtest.oracle import agrees, near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import ensemble
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import to_ir

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Recipe:
    """How to make data and train on them.

    Attributes:
        scale: of features; 0: small integers, with many ties.
        gaps: fraction of missing values, where the estimator takes any.
        categories: fraction of features that are categories, where the estimator knows such.
    """

    seed: int
    rows: int
    n_features: int
    scale: float
    target_scale: float
    classes: int
    gaps: float
    categories: float
    n_estimators: int
    depth: int | None
    rate: float
    extreme: bool


recipes = st.builds(
    Recipe,
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 80),
    n_features=st.integers(1, 5),
    scale=st.sampled_from([0, 1e-40, 1e-6, 1.0, 1e6, 1e30]),
    target_scale=st.sampled_from([1e-3, 1.0, 1e6]),
    classes=st.integers(2, 5),
    gaps=st.sampled_from([0.0, 0.0, 0.1, 0.5]),
    categories=st.sampled_from([0.0, 0.5, 1.0]),
    n_estimators=st.integers(1, 12),
    depth=st.sampled_from([None, 1, 3]),
    rate=st.sampled_from([0.05, 0.5, 1.0, 1.9]),
    extreme=st.booleans(),
)


def _features(recipe: Recipe, rng: np.random.Generator) -> NDArray[np.float64]:
    shape = (recipe.rows, recipe.n_features)
    if recipe.scale == 0:
        return rng.integers(-3, 4, shape).astype(float)
    x = (rng.normal(size=shape) * recipe.scale).astype(np.float32).astype(float)
    if recipe.extreme:
        x[rng.random(shape) < 0.05] = rng.choice([-LARGEST, LARGEST, 0.0, -0.0])
    return x


def _labels(recipe: Recipe, rng: np.random.Generator, classes: int) -> NDArray[Any]:
    y = rng.integers(0, classes, recipe.rows)
    y[:2] = 0, 1  # boosting wants two of them
    return np.array(["e", "a", "d", "b", "c"])[y]


def _values(recipe: Recipe, rng: np.random.Generator) -> NDArray[np.float64]:
    return (np.abs(rng.normal(size=recipe.rows)) + 0.01) * recipe.target_scale


def _fit(estimator: Any, x: NDArray[np.float64], y: NDArray[Any]) -> None:
    try:
        with np.errstate(all="ignore"):
            estimator.fit(x, y)
    except ValueError as error:
        # The library's own limits: no tree better than chance; a column without any value.
        if any(text in str(error) for text in ("worse than random", "window shape cannot be larger")):
            reject()
        raise


def _check(
    recipe: Recipe,
    make: Callable[[np.random.Generator], Any],
    *,
    labels: bool,
    gaps: bool,
    categories: bool = False,
) -> None:
    rng = np.random.default_rng(recipe.seed)
    x = _features(recipe, rng)
    chosen = np.flatnonzero(rng.random(recipe.n_features) < recipe.categories) if categories else []
    x[:, chosen] = rng.choice([0, 1, 2, 7, 255, 300], (recipe.rows, len(chosen)))
    if gaps:
        x[rng.random(x.shape) < recipe.gaps] = np.nan
    estimator = make(rng)
    if len(chosen):
        estimator.set_params(categorical_features=chosen.tolist())
    y = _labels(recipe, rng, recipe.classes) if labels else _values(recipe, rng)
    _fit(estimator, x, y)
    try:
        model = to_ir(estimator)
    except UnsupportedModelError as error:
        # Boosting that has diverged; trees that got no sample with a weight; and the thresholds that are
        # NaN, which scikit-learn before 1.9 makes of a few samples with gaps.
        refused = ("beyond what a float can hold", "no sample to learn from", "a split without a test")
        if any(text in error.problem for text in refused):
            reject()
        raise
    probe = near_thresholds(model, x, rng, rows=60)
    probe[:, chosen] = rng.choice([-1, 0, 1, 2, 3, 7, 254, 255, 300, 70000], (60, len(chosen)))
    probe[rng.random(probe.shape) < 0.02] = rng.choice([-LARGEST, LARGEST, 0.0, -0.0])
    agrees(estimator, np.where(np.isnan(probe), 0.0, probe))
    if gaps:
        probe[rng.random(probe.shape) < 0.2] = np.nan
        agrees(estimator, probe, nan="follow")


# No shrinking: it would train for minutes, and a recipe is short as it is.
def _property(function: Callable[..., None]) -> Callable[..., None]:
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
    return quiet(given(recipes)(settings(max_examples=40, phases=phases)(function)))


@_property
def test_gradient_boosting_classes(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        two = recipe.classes == 2
        return ensemble.GradientBoostingClassifier(
            loss=rng.choice(["log_loss", "exponential"]) if two else "log_loss",
            init=rng.choice([None, "zero"]),
            n_estimators=recipe.n_estimators,
            max_depth=recipe.depth,
            learning_rate=recipe.rate,
            subsample=rng.choice([0.6, 1.0]),
            random_state=0,
        )

    _check(recipe, make, labels=True, gaps=False)


@_property
def test_gradient_boosting_values(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        return ensemble.GradientBoostingRegressor(
            loss=rng.choice(["squared_error", "absolute_error", "huber", "quantile"]),
            n_estimators=recipe.n_estimators,
            max_depth=recipe.depth,
            learning_rate=recipe.rate,
            random_state=0,
        )

    _check(recipe, make, labels=False, gaps=False)


@_property
def test_histogram_classes(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        return ensemble.HistGradientBoostingClassifier(
            max_iter=recipe.n_estimators,
            max_depth=recipe.depth,
            learning_rate=recipe.rate,
            min_samples_leaf=int(rng.choice([1, 5])),
            max_bins=int(rng.choice([6, 255])),
        )

    _check(recipe, make, labels=True, gaps=True, categories=True)


@_property
def test_histogram_values(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        return ensemble.HistGradientBoostingRegressor(
            loss=rng.choice(["squared_error", "absolute_error", "poisson", "gamma", "quantile"]),
            quantile=0.3,
            max_iter=recipe.n_estimators,
            max_depth=recipe.depth,
            learning_rate=min(recipe.rate, 1.0),
            min_samples_leaf=int(rng.choice([1, 5])),
        )

    _check(recipe, make, labels=False, gaps=True, categories=True)


@_property
def test_isolation(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        return ensemble.IsolationForest(
            n_estimators=recipe.n_estimators,
            max_samples=rng.choice([0.5, 1.0]) if recipe.rows > 3 else "auto",
            max_features=rng.choice([0.5, 1.0]),
            contamination=rng.choice(["auto", 0.1, 0.3]) if recipe.rate > 0.5 else "auto",
            random_state=0,
        )

    def numbers(rng: np.random.Generator) -> Any:
        estimator = make(rng)
        if estimator.contamination != "auto":
            estimator.set_params(contamination=float(estimator.contamination))
        return estimator

    _check(recipe, numbers, labels=False, gaps=True)


@_property
def test_adaboost_classes(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        base = rng.choice([DecisionTreeClassifier, ExtraTreeClassifier])(max_depth=recipe.depth or 4)
        return ensemble.AdaBoostClassifier(
            base, n_estimators=recipe.n_estimators, learning_rate=recipe.rate, random_state=0
        )

    _check(recipe, make, labels=True, gaps=False)


@_property
def test_adaboost_values(recipe: Recipe) -> None:
    def make(rng: np.random.Generator) -> Any:
        return ensemble.AdaBoostRegressor(
            DecisionTreeRegressor(max_depth=recipe.depth),
            n_estimators=recipe.n_estimators,
            loss=rng.choice(["linear", "square", "exponential"]),
            random_state=0,
        )

    _check(recipe, make, labels=False, gaps=False)


@_property
def test_bagging(recipe: Recipe) -> None:
    given_ = {"n_estimators": min(recipe.n_estimators, 5), "random_state": 0}

    def classes(rng: np.random.Generator) -> Any:
        base = rng.choice([DecisionTreeClassifier, ensemble.RandomForestClassifier])(max_depth=recipe.depth)
        if hasattr(base, "n_estimators"):
            base.set_params(n_estimators=2)
        return ensemble.BaggingClassifier(base, max_features=rng.choice([0.6, 1.0]), **given_)

    def values(rng: np.random.Generator) -> Any:
        bases = [
            DecisionTreeRegressor(),
            ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=2),
        ]
        return ensemble.BaggingRegressor(
            bases[rng.integers(2)], bootstrap_features=bool(rng.integers(2)), **given_
        )

    _check(recipe, classes, labels=True, gaps=True)
    _check(recipe, values, labels=False, gaps=True)


@_property
def test_voting(recipe: Recipe) -> None:
    def classes(rng: np.random.Generator) -> Any:
        hard = bool(rng.integers(2))
        members = [
            ("a", DecisionTreeClassifier(max_depth=recipe.depth)),
            ("b", ensemble.RandomForestClassifier(1 if hard else 3, max_depth=recipe.depth)),
            ("c", ExtraTreeClassifier(max_depth=2)),
        ]
        weights = [None, [1, 2, 3], rng.random(3).tolist()][rng.integers(3)]
        return ensemble.VotingClassifier(members, voting="hard" if hard else "soft", weights=weights)

    def values(rng: np.random.Generator) -> Any:
        members = [
            ("a", DecisionTreeRegressor(max_depth=recipe.depth)),
            ("b", ensemble.RandomForestRegressor(3, max_depth=recipe.depth)),
        ]
        return ensemble.VotingRegressor(members, weights=[None, rng.random(2).tolist()][rng.integers(2)])

    _check(recipe, classes, labels=True, gaps=True)
    _check(recipe, values, labels=False, gaps=True)
