"""Random scikit-learn forests: the emitted C against the estimator itself, no mismatch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest import batch
from mwtest.models import NUMPY
from numpy.typing import NDArray
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

import milliwatt
from milliwatt.emit.leaves import value_bounds
from milliwatt.host import compare_classes
from milliwatt.options import METHODS

SINGLE = (DecisionTreeClassifier, ExtraTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor)
FORESTS = (RandomForestClassifier, ExtraTreesClassifier, RandomForestRegressor, ExtraTreesRegressor)
ROWS = 60


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


@dataclass(frozen=True)
class Recipe:
    """How to train an estimator; ``scale`` 0 means features that are small integers."""

    kind: type
    seed: int
    scale: float
    rows: int
    n_features: int
    outputs: int
    target_scale: float
    balanced: bool
    n_estimators: int
    min_samples_leaf: int
    max_depth: int | None


recipes = st.builds(
    Recipe,
    kind=st.sampled_from(SINGLE + FORESTS),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0, 1e-40, 1e-6, 1.0, 1e6, 1e30]),
    rows=st.integers(2, 120),
    n_features=st.integers(1, 8),
    outputs=st.integers(1, 6),
    target_scale=st.sampled_from([1e-3, 1.0, 1e6]),
    balanced=st.booleans(),
    n_estimators=st.integers(1, 12),
    min_samples_leaf=st.sampled_from([1, 1, 5]),
    max_depth=st.sampled_from([None, 1, 4]),
)


def _train(recipe: Recipe) -> tuple[Any, NDArray[np.float64]]:
    """The estimator, and samples near its thresholds, of the kind it was trained on."""
    rng = np.random.default_rng(recipe.seed)
    shape = (recipe.rows, recipe.n_features)
    integers = recipe.scale == 0
    x = rng.integers(-5, 6, shape).astype(float) if integers else rng.normal(size=shape) * recipe.scale
    given: dict[str, Any] = {
        "min_samples_leaf": recipe.min_samples_leaf,
        "max_depth": recipe.max_depth,
        "random_state": recipe.seed,
    }
    if recipe.kind in FORESTS:
        given["n_estimators"] = recipe.n_estimators
    if recipe.kind.__name__.endswith("Classifier"):
        y = rng.integers(0, recipe.outputs, recipe.rows)
        given["class_weight"] = "balanced" if recipe.balanced else None
    else:
        y = rng.normal(size=(recipe.rows, recipe.outputs)) * recipe.target_scale
        y = y[:, 0] if recipe.outputs == 1 else y
    estimator = recipe.kind(**given).fit(x, y)
    return estimator, _near_thresholds(estimator, x, rng, integers=integers)


def _near_thresholds(
    estimator: Any, x: NDArray[np.float64], rng: np.random.Generator, *, integers: bool
) -> NDArray[np.float64]:
    rows = x[rng.integers(len(x), size=ROWS)].copy()
    for member in getattr(estimator, "estimators_", [estimator]):
        tree = member.tree_
        split = np.flatnonzero(tree.children_left >= 0)
        if len(split):
            chosen = rng.choice(split, ROWS)
            rows[np.arange(ROWS), tree.feature[chosen]] = tree.threshold[chosen]
    if integers:
        return np.floor(rows) + rng.integers(0, 2, rows.shape)
    # As float32 below the threshold, at it, and above it.
    exact = rows.astype(np.float32)
    step = np.choose(rng.integers(0, 3, rows.shape), [-np.inf, 0, np.inf]).astype(np.float32)
    return np.where(step == 0, exact, np.nextafter(exact, step)).astype(float)


# No shrinking: it would train and compile for minutes, and a recipe is short as it is.
@given(st.lists(recipes, min_size=1, max_size=12))
@settings(max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_c_answers_as_scikit_learn(work: Path, chosen: list[Recipe]) -> None:
    cases, sources = [], []
    for recipe in chosen:
        estimator, x = _train(recipe)
        model = milliwatt.convert(estimator)
        device = x.astype(NUMPY[model.ir.dtype])
        for method in METHODS:
            cases.append(batch.Case(model.ir, method, device))
            sources.append((recipe, estimator, x))
    for case, answer, source in zip(cases, batch.run(cases, work), sources, strict=True):
        recipe, estimator, x = source
        assert (answer.statuses == 0).all()
        if case.model.is_classifier:
            probabilities = estimator.predict_proba(x)
            agreement = compare_classes(answer.classes, probabilities)
            assert agreement.agree + agreement.ties == ROWS, (recipe, case.method)
            assert np.abs(answer.vectors - probabilities).max() <= 2.0**-22, (recipe, case.method)
        else:
            values = estimator.predict(x).reshape(ROWS, -1)
            error = np.abs(answer.vectors - values)
            assert (error <= value_bounds(case.model)).all(), (recipe, case.method)
