"""What the tests of bagging and voting share: one problem, and samples that hit a model's thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from milliwatt.frontends import to_ir
from mwtest.oracle import near_thresholds

_rng = np.random.default_rng(5)
X = _rng.normal(size=(150, 5)).astype(np.float32)
GAPS = np.where(_rng.random(X.shape) < 0.15, np.float32(np.nan), X)
TWO = ((X[:, 0] > 0) ^ (_rng.random(150) < 0.1)).astype(int)
THREE = TWO + (X[:, 1] > 0.4)
VALUES = X[:, 0] * 3 + _rng.normal(size=150)


def probe(estimator: Any, x: NDArray[Any] = X, gaps: float = 0.0) -> NDArray[Any]:
    """The samples and some near thresholds, of which a share ``gaps`` of the features is missing."""
    local = np.random.default_rng(1)
    found = np.concatenate([x, near_thresholds(to_ir(estimator), x, local)])
    return np.where(local.random(found.shape) < gaps, np.nan, found)


def trees(depth: int | None = 4) -> DecisionTreeClassifier:
    """A classifier to be bagged or to vote."""
    return DecisionTreeClassifier(max_depth=depth, random_state=0)
