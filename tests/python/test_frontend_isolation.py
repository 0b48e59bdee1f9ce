"""scikit-learn's IsolationForest: the IR scores and decides as it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from mwtest.oracle import agrees, near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.ensemble import IsolationForest

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.sklearn_isolation import expected_path
from milliwatt.host import decide, scores

rng = np.random.default_rng(5)
X = rng.normal(size=(150, 5)).astype(np.float32)
GAPS = np.where(rng.random(X.shape) < 0.15, np.float32(np.nan), X)


def _probe(estimator: Any, x: NDArray[Any] = X, gaps: float = 0.0) -> NDArray[Any]:
    local = np.random.default_rng(1)
    found = np.concatenate([x, near_thresholds(to_ir(estimator), x, local)])
    return np.where(local.random(found.shape) < gaps, np.nan, found)


def _id(settings: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "default"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"contamination": 0.1},
        {"contamination": 0.5, "max_features": 0.5},
        {"max_features": 1},
        {"max_samples": 2},
        {"max_samples": 3, "contamination": 0.2},
        {"max_samples": 1},
        {"max_samples": 0.6, "bootstrap": True},
        {"n_estimators": 1},
    ],
    ids=_id,
)
def test_isolation(settings: dict[str, Any]) -> None:
    estimator = IsolationForest(**{"n_estimators": 20, "random_state": 0, **settings}).fit(X)
    model = agrees(estimator, _probe(estimator))
    assert model.classes == (-1, 1)
    assert model.link == "isolation"
    assert model.cut_inclusive
    assert not model.has_probabilities


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_isolation_of_real_data(name: str) -> None:
    x = getattr(datasets, f"load_{name}")().data
    estimator = IsolationForest(n_estimators=15, contamination=0.05, random_state=0).fit(x)
    model = agrees(estimator, _probe(estimator, x))
    given = decide(model, scores(model, x.astype(np.float32)))
    assert 0.02 < (given == 0).mean() < 0.08


@pytest.mark.parametrize("offset", [-1.5, -1.0, -0.45, -1e-300, 0.0, 0.3])
def test_offsets_set_by_hand(offset: float) -> None:
    estimator = IsolationForest(n_estimators=5, random_state=0).fit(X)
    estimator.offset_ = offset
    agrees(estimator, X)


def test_the_default_offset_is_a_score_of_one() -> None:
    assert to_ir(IsolationForest(n_estimators=2).fit(X)).cut == 1.0


def test_expected_paths() -> None:
    """Known values: 0 and 1 by definition; 256 is the paper's own sample size."""
    found = expected_path(np.array([0, 1, 2, 3, 256]))
    assert found[:3].tolist() == [0.0, 0.0, 1.0]
    assert found[3] == pytest.approx(2 * (np.log(2) + np.euler_gamma) - 4 / 3)
    assert found[4] == pytest.approx(10.2448, abs=1e-4)


def test_isolation_with_missing_values() -> None:
    estimator = IsolationForest(n_estimators=15, random_state=0).fit(GAPS)
    assert agrees(estimator, _probe(estimator, gaps=0.3), nan="follow").handles_missing
    # Before 1.9 it is trained on NaN without learning a direction: there is nothing to see in its trees.
    learns = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
    assert to_ir(estimator).handles_missing == learns
    assert to_ir(estimator).check_nan != learns
    whole = IsolationForest(n_estimators=15, random_state=0).fit(X)
    assert agrees(whole, _probe(whole, gaps=0.3), nan="follow").handles_missing
    assert to_ir(estimator, nan="refuse").check_nan


def test_isolation_without_anything_to_split() -> None:
    for x in (np.ones((1, 2)), np.ones((30, 2))):
        model = agrees(IsolationForest(n_estimators=3).fit(x), np.array([[1.0, 1.0], [5.0, -5.0]]))
        assert model.n_splits == 0


def test_isolation_warm_start_and_damage() -> None:
    estimator = IsolationForest(n_estimators=3, warm_start=True, random_state=0).fit(X)
    estimator.set_params(n_estimators=7).fit(X)
    assert len(agrees(estimator, X).trees) == 7
    estimator.offset_ = np.nan
    with pytest.raises(UnsupportedModelError, match="offset_ is not a number"):
        to_ir(estimator)
    estimator = IsolationForest(n_estimators=3, max_features=2).fit(X)
    estimator.estimators_features_[1] = np.array([0, 9])
    with pytest.raises(UnsupportedModelError, match="damaged: it looks at a feature"):
        to_ir(estimator)


def test_what_is_not_fitted_is_said() -> None:
    with pytest.raises(MilliwattError, match="this IsolationForest is not fitted"):
        to_ir(IsolationForest())
