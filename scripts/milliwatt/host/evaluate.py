"""The intermediate representation evaluated by numpy: an oracle that shares no code with the C.

It reads thresholds and float64 leaf rows, not packed tables or integer sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Tree, TreeEnsemble


def evaluate(model: TreeEnsemble, samples: NDArray[Any]) -> NDArray[np.float64]:
    """Mean leaf row of each sample, float64, shape (rows, outputs).

    Args:
        samples: device features (already scaled, where the model has a scale).
    """
    values = np.asarray(samples)
    if model.dtype == "float":
        values = values.astype(np.float32)
    leaves = np.asarray(model.leaves, dtype=np.float64)
    total = np.zeros((len(values), model.n_outputs))
    for tree in model.trees:
        total += leaves[_leaf_rows(tree, values)]
    return total / len(model.trees)


def _leaf_rows(tree: Tree, values: NDArray[Any]) -> NDArray[np.intp]:
    """Which leaf row each sample reaches."""
    node = np.full(len(values), tree.root, dtype=np.intp)
    feature = np.asarray(tree.feature, dtype=np.intp)
    threshold = np.asarray(tree.threshold, dtype=np.float64)
    left, right = np.asarray(tree.left, dtype=np.intp), np.asarray(tree.right, dtype=np.intp)
    missing = np.asarray(tree.missing_left, dtype=bool)
    rows = np.arange(len(values))
    while (walking := rows[node[rows] >= 0]).size:
        rows = walking
        at = node[rows]
        x = values[rows, feature[at]].astype(np.float64)
        goes_left = x <= threshold[at]
        if missing.size:
            goes_left = np.where(np.isnan(x), missing[at], goes_left)
        node[rows] = np.where(goes_left, left[at], right[at])
    return ~node
