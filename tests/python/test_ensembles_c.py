"""The C of scikit-learn's ensembles against the estimators themselves, with both methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.oracle import near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import ensemble
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from milliwatt.emit.leaves import score_bounds, value_bounds
from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import HostModel
from milliwatt.ir import TreeEnsemble
from milliwatt.options import METHODS
from milliwatt.passes import prepare

rng = np.random.default_rng(21)
X = rng.normal(size=(200, 4)).astype(np.float32).astype(float)
X[:, 3] = rng.choice([0, 1, 4, 9, 300], 200)
GAPS = np.where(rng.random(X.shape) < 0.15, np.nan, X)
TWO = ((X[:, 0] > 0) ^ (rng.random(200) < 0.1)).astype(int)
THREE = TWO + (X[:, 1] > 0.4)
VALUES = np.abs(X[:, 0] * 3 + np.isin(X[:, 3], [1, 9]) * 2 + rng.normal(size=200)) + 0.1

GBC, GBR = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
HGC, HGR = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
TREES = [
    ("a", DecisionTreeClassifier(max_depth=3)),
    ("b", ExtraTreeClassifier(max_depth=4)),
    ("c", ensemble.RandomForestClassifier(1, max_depth=3)),
]
REGRESSORS = [
    ("a", DecisionTreeRegressor(max_depth=4)),
    ("b", ensemble.RandomForestRegressor(3)),
    ("c", GBR(n_estimators=4)),
]
FEW: dict[str, Any] = {"n_estimators": 9, "random_state": 0}
HIST: dict[str, Any] = {"max_iter": 9, "random_state": 0}

CASES: dict[str, tuple[Any, NDArray[Any], NDArray[Any] | None]] = {
    "boosting two": (GBC(**FEW), X, TWO),
    "boosting three": (GBC(**FEW), X, THREE),
    "boosting exponential": (GBC(**FEW, loss="exponential"), X, TWO),
    "boosting zero": (GBC(**FEW, init="zero", learning_rate=0.5), X, THREE),
    "boosting values": (GBR(**FEW), X, VALUES),
    "boosting large values": (GBR(**FEW), X, VALUES * 1e6),
    "histogram two": (HGC(**HIST), X, TWO),
    "histogram three": (HGC(**HIST), GAPS, THREE),
    "histogram values": (HGR(**HIST), GAPS, VALUES),
    "histogram poisson": (HGR(**HIST, loss="poisson"), X, VALUES),
    "histogram gamma": (HGR(**HIST, loss="gamma"), GAPS, VALUES),
    "categories": (HGR(**HIST, categorical_features=[3]), X, VALUES),
    "categories three": (HGC(**HIST, categorical_features=[3]), GAPS, THREE),
    "isolation": (ensemble.IsolationForest(**FEW), X, None),
    "isolation contaminated": (
        ensemble.IsolationForest(**FEW, contamination=0.1, max_features=0.5),
        GAPS,
        None,
    ),
    "adaboost two": (ensemble.AdaBoostClassifier(**FEW), X, TWO),
    "adaboost three": (ensemble.AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), **FEW), X, THREE),
    "adaboost values": (ensemble.AdaBoostRegressor(**FEW), X, VALUES),
    "bagging": (ensemble.BaggingClassifier(**FEW, max_features=0.7), GAPS, THREE),
    "bagging forests": (
        ensemble.BaggingClassifier(ensemble.RandomForestClassifier(3, max_depth=3)),
        X,
        THREE,
    ),
    "bagging values": (ensemble.BaggingRegressor(HGR(max_iter=3), **FEW), GAPS, VALUES),
    "soft votes": (ensemble.VotingClassifier(TREES, voting="soft", weights=[1, 2, 0.7]), X, THREE),
    "hard votes": (ensemble.VotingClassifier(TREES), X, THREE),
    "weighed votes": (ensemble.VotingClassifier(TREES, weights=[2, 1, 1.5]), X, THREE),
    "averaged values": (ensemble.VotingRegressor(REGRESSORS, weights=[1, 2, 3]), X, VALUES),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_c_answers_as_the_estimator(name: str, method: str) -> None:
    estimator, x, y = CASES[name]
    estimator.fit(x, y)
    # IsolationForest before 1.9 shows no sign of the gaps it was trained with.
    nan = "follow" if x is GAPS else "auto"
    model, _ = prepare(to_ir(estimator, nan=nan), "float", None)
    probe = np.concatenate([x, near_thresholds(model, x, np.random.default_rng(1))])
    if model.handles_categories:
        probe[:, 3] = np.random.default_rng(2).choice([-1, 0, 1, 2, 4, 9, 255, 300, 99999], len(probe))
    expected = estimator_answers(estimator, probe)
    host = HostModel(model, method)
    samples = host.device_features(probe)
    if not model.is_classifier:
        assert (np.abs(host.regress(samples) - expected) <= value_bounds(model)).all()
        return
    if model.has_probabilities:
        assert (np.abs(host.predict_proba(samples) - expected) <= value_bounds(model)).all()
    if model.has_scores:
        # What an outlier detector calls its score is the estimator's score_samples.
        exact = expected if model.link == "isolation" else _scores(model, estimator, probe, expected)
        assert (np.abs(host.score(samples) - exact) <= score_bounds(model)).all()
    labels = np.asarray(model.classes)[host.predict(samples)]
    clear = _margin(model, estimator, probe, expected) > model.noise
    assert clear.mean() > 0.8
    assert (labels == estimator.predict(probe))[clear].all()


def test_boosting_that_overshoots_is_refused() -> None:
    """With a large learning rate some leaves are 1e9 times as large as those that decide most samples."""
    estimator = GBC(**FEW, init="zero", learning_rate=1.5).fit(X, THREE)
    model, _ = prepare(to_ir(estimator), "float", None)
    assert max(abs(row[0]) for row in model.leaves) > 1e9
    with pytest.raises(UnsupportedModelError, match="smaller learning_rate"):
        HostModel(model)


def _scores(
    model: TreeEnsemble, estimator: Any, probe: NDArray[Any], answers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the score function should give, from what the estimator itself gives."""
    if model.link == "margin":
        return answers
    if model.link == "isolation":
        return -np.log2(-answers)
    found = np.asarray(estimator.decision_function(probe), dtype=float).reshape(len(probe), -1)
    if getattr(estimator, "loss", "") == "exponential":
        return 2 * found
    boosts = isinstance(estimator, ensemble.AdaBoostClassifier)
    return found / max(1, len(model.classes) - 1) if boosts else found


def _margin(
    model: TreeEnsemble, estimator: Any, probe: NDArray[Any], answers: NDArray[np.float64]
) -> NDArray[np.float64]:
    reached = _scores(model, estimator, probe, answers) if model.has_scores else answers
    if model.is_binary:
        return np.abs(reached[:, 0] - model.cut)
    best = np.sort(reached, axis=1)
    return best[:, -1] - best[:, -2]
