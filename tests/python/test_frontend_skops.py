"""Every supported ensemble of scikit-learn in a skops file: loads, or says what to do instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn import ensemble, tree

from milliwatt.errors import MilliwattError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
X[:, 2] = rng.integers(0, 4, 60)
LABELS = rng.integers(0, 3, 60)
VALUES = np.abs(X[:, 0]) + 0.1

FEW = {"n_estimators": 3}
HGC, HGR = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
TREES = [("a", tree.DecisionTreeClassifier()), ("b", ensemble.RandomForestClassifier(2))]
CASES: dict[str, tuple[Any, Any]] = {
    "boosting": (ensemble.GradientBoostingClassifier(**FEW), LABELS),
    "boosting two": (ensemble.GradientBoostingClassifier(**FEW, loss="exponential"), LABELS > 0),
    "histogram": (HGC(max_iter=3), LABELS),
    "histogram two": (HGC(max_iter=3), LABELS > 0),
    "isolation": (ensemble.IsolationForest(**FEW), None),
    "adaboost": (ensemble.AdaBoostClassifier(**FEW), LABELS),
    "adaboost values": (ensemble.AdaBoostRegressor(**FEW), VALUES),
    "bagging": (ensemble.BaggingClassifier(**FEW), LABELS),
    "bagging values": (ensemble.BaggingRegressor(HGR(max_iter=2), **FEW), VALUES),
    "voting": (ensemble.VotingClassifier(TREES, voting="soft"), LABELS),
    "voting values": (ensemble.VotingRegressor([("a", ensemble.RandomForestRegressor(2))]), VALUES),
}
for _loss in ("squared_error", "absolute_error", "huber", "quantile"):
    CASES[f"boosting {_loss}"] = (ensemble.GradientBoostingRegressor(**FEW, loss=_loss), VALUES)
for _loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
    CASES[f"histogram {_loss}"] = (HGR(max_iter=3, loss=_loss, quantile=0.4), VALUES)


@pytest.mark.parametrize("name", CASES)
def test_loads_without_trusting_more(name: str, tmp_path: Path) -> None:
    estimator, y = CASES[name]
    estimator.fit(X, y)
    path = tmp_path / "model.skops"
    skops.io.dump(estimator, path)
    assert to_ir(load_estimator(path, trust_pickle=False)) == to_ir(estimator)


def test_histograms_with_categories_hold_code(tmp_path: Path) -> None:
    """scikit-learn keeps a function with arguments in them, which is no data; the error says the way out."""
    path = tmp_path / "model.skops"
    skops.io.dump(HGC(max_iter=2, categorical_features=[2]).fit(X, LABELS), path)
    with pytest.raises(MilliwattError, match=r"does not trust: functools\.partial") as caught:
        load_estimator(path, trust_pickle=False)
    assert "*.mw.json" in str(caught.value.cure)
