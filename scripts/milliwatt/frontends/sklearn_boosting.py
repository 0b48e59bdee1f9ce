"""scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.nodes import Nodes, damaged
from milliwatt.frontends.sklearn_common import (
    boosted,
    quietly,
    refuse_follow,
    require_fitted,
    tree_nodes,
)  # fmt: skip
from milliwatt.ir import TreeEnsemble

SUPPORTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
# What DummyClassifier and DummyRegressor answer whatever they are asked.
_CONSTANT = ("prior", "most_frequent", "uniform", "constant", "mean", "median", "quantile")


def convert_boosting(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted GradientBoosting as an IR model; ``kind`` is the supported class's name.

    It adds ``learning_rate`` times each tree's leaf to what its ``init`` estimator answers.
    """
    require_fitted(estimator, kind, "estimators_", "init_")
    refuse_follow(kind, nan)
    grid = np.atleast_2d(np.asarray(estimator.estimators_, dtype=object))
    rate = float(estimator.learning_rate)
    width = int(estimator.n_features_in_)
    stages = [[_nodes(member, rate, width) for member in stage] for stage in grid]
    return boosted(
        estimator,
        kind,
        stages,
        _base(estimator, kind),
        follow=False,
        check_nan=nan != "ignore",
        cut_inclusive=True,  # predict() asks for decision_function(X) >= 0
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values."""
    return quietly(getattr(estimator, "predict_proba", estimator.predict), samples)


def _nodes(member: Any, rate: float, n_features: int) -> Nodes:
    tree = getattr(member, "tree_", None)
    if tree is None:
        raise damaged("a stage of it is empty")
    value = np.asarray(tree.value, dtype=np.float64)
    return tree_nodes(tree, rate * value[:, 0, :1], n_features)


def _base(estimator: Any, kind: str) -> NDArray[np.float64]:
    """The scores before the first tree, shape (outputs,)."""
    init = estimator.init_
    constant = type(init).__module__ == "sklearn.dummy" and init.strategy in _CONSTANT
    if not constant and not (isinstance(init, str) and init == "zero"):
        raise UnsupportedModelError(
            f"a {kind} that starts from a {type(init).__name__} is not supported: "
            "its answer is not the same for all samples",
            option="init",
            cure="train with init=None, init='zero', or a DummyClassifier or DummyRegressor that is constant",
        )
    # The library's own way from a prior to a score; any sample will do.
    sample = np.zeros((1, int(estimator.n_features_in_)), dtype=np.float32)
    return np.asarray(estimator._raw_predict_init(sample), dtype=np.float64).reshape(-1)
