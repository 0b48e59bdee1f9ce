"""scikit-learn's decision trees and the forests made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.nodes import Nodes, assemble, check_values, learnt_missing
from milliwatt.frontends.sklearn_common import (
    class_labels,
    feature_names,
    origin,
    quietly,
    task_of,
    tree_nodes,
)  # fmt: skip
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import CLASSIFIER

_SINGLE = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
_FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")
SUPPORTED = _SINGLE + _FORESTS


def convert_trees(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted tree or forest as an IR model; ``kind`` is the supported class's name."""
    members = _members(estimator, kind)
    task = task_of(kind)
    classes = class_labels(estimator) if task == CLASSIFIER else ()
    sources = [_nodes(member.tree_, task, int(estimator.n_features_in_)) for member in members]
    follow = nan == "follow" or (nan == "auto" and any(map(learnt_missing, sources)))
    leaves, trees = assemble(sources, follow=follow)
    return TreeEnsemble(
        task=task,
        n_features=int(estimator.n_features_in_),
        trees=trees,
        leaves=leaves,
        classes=classes,
        feature_names=feature_names(estimator),
        check_nan=nan != "ignore" and not follow,
        origin=origin(estimator, str(getattr(members[0], "splitter", "best"))),
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values."""
    return quietly(getattr(estimator, "predict_proba", estimator.predict), samples)


def _members(estimator: Any, kind: str) -> Sequence[Any]:
    fitted = hasattr(estimator, "tree_") if kind in _SINGLE else hasattr(estimator, "estimators_")
    if not fitted:
        raise MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")
    if kind.endswith("Classifier") and int(estimator.n_outputs_) > 1:
        raise UnsupportedModelError(
            f"{kind} with {estimator.n_outputs_} outputs is not supported",
            cure="train one classifier per output; regressors may have several outputs",
        )
    return [estimator] if kind in _SINGLE else list(estimator.estimators_)


def _nodes(tree: Any, task: str, n_features: int) -> Nodes:
    """A tree's nodes; values are class proportions, or one value an output."""
    value = np.asarray(tree.value, dtype=np.float64)
    nodes = tree_nodes(tree, value[:, 0, :] if task == CLASSIFIER else value[:, :, 0], n_features)
    _check_rows(nodes.value[nodes.leaf], task)
    return nodes


def _check_rows(rows: NDArray[np.float64], task: str) -> None:
    """Leaves must be what a device can answer."""
    check_values(rows)
    if task == CLASSIFIER and not ((rows >= 0) & (rows <= 1)).all():
        raise UnsupportedModelError(
            "a leaf's class proportions are not between 0 and 1: sample weights were negative",
            cure="train without negative sample weights",
        )
