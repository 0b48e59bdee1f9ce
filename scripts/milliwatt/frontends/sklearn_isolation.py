"""scikit-learn's IsolationForest.

A sample's score is the mean over trees of the depth at which it is isolated, as a fraction of the
depth expected for the training sample size: Liu, Ting and Zhou, "Isolation Forest", 2008.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.nodes import RETRAIN, Nodes, assemble, damaged, learnt_missing
from milliwatt.frontends.sklearn_common import (
    feature_names,
    origin,
    quietly,
    require_fitted,
    tree_nodes,
)  # fmt: skip
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, ISOLATION

SUPPORTED = ("IsolationForest",)


def convert_isolation(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted IsolationForest as an IR model: classes -1 (outlier) and 1.

    With score s, ``score_samples`` is ``-2**-s``; a sample is no outlier from ``offset_`` upwards,
    which is from ``s = -log2(-offset_)`` upwards.
    """
    require_fitted(estimator, kind, "estimators_", "estimators_features_", "offset_")
    drawn = int(getattr(estimator, "max_samples_", 0) or estimator._max_samples)
    width = int(estimator.n_features_in_)
    subset = int(estimator._max_features) != width
    sources = [
        _nodes(member.tree_, drawn, np.asarray(features) if subset else np.arange(width), width)
        for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ]
    follow = nan == "follow" or (nan == "auto" and any(map(learnt_missing, sources)))
    leaves, trees = assemble(sources, follow=follow)
    return TreeEnsemble(
        task=CLASSIFIER,
        n_features=width,
        trees=trees,
        leaves=leaves,
        classes=(-1, 1),
        feature_names=feature_names(estimator),
        check_nan=nan != "ignore" and not follow,
        origin=origin(estimator, "random"),
        link=ISOLATION,
        cut=_cut(float(estimator.offset_)),
        cut_inclusive=True,
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """``score_samples``, one column."""
    return quietly(estimator.score_samples, samples)


def expected_path(samples: NDArray[Any]) -> NDArray[np.float64]:
    """The mean depth at which a random search tree over so many samples ends, equation (1) of the paper."""
    n = np.asarray(samples, dtype=np.float64)
    more = np.maximum(n, 3.0)
    harmonic = np.log(more - 1.0) + np.euler_gamma
    path: NDArray[np.float64] = 2.0 * harmonic - 2.0 * (more - 1.0) / more
    return np.where(n > 2, path, np.where(n == 2, 1.0, 0.0))


def _cut(offset: float) -> float:
    if math.isnan(offset):
        raise UnsupportedModelError("its offset_ is not a number", cure=RETRAIN)
    # Scores are negative: from 0 on nothing reaches the offset.
    return -math.log2(-offset) if offset < 0 else FLOAT32_MAX


def _nodes(tree: Any, drawn: int, features: NDArray[np.intp], n_features: int) -> Nodes:
    """A tree's nodes about the forest's own features, the value being the share of the expected depth."""
    if not ((features >= 0) & (features < n_features)).all():
        raise damaged("it looks at a feature that there is not")
    empty = np.zeros((len(tree.children_left), 1))
    nodes = tree_nodes(tree, empty, len(features))
    depth = _depths(nodes) + expected_path(nodes.samples)
    whole = float(expected_path(np.array([drawn]))[0])
    # A single training sample has no depth; scikit-learn sets its score to 1 then.
    value = depth / whole if whole > 0 else np.ones_like(depth)
    return dataclasses.replace(
        nodes, value=value.reshape(-1, 1), feature=features[np.where(nodes.leaf, 0, nodes.feature)]
    )


def _depths(nodes: Nodes) -> NDArray[np.float64]:
    """Splits above each node."""
    depth = np.zeros(len(nodes.left))
    level = np.array([0])
    for step in range(len(nodes.left) + 1):
        depth[level] = step
        level = level[~nodes.leaf[level]]
        if not level.size:
            return depth
        level = np.concatenate([nodes.left[level], nodes.right[level]])
        if len(level) > len(depth):
            break
    raise damaged("splits form a cycle")
