"""The intermediate representation evaluated by numpy: an oracle that shares no code with the C.

It reads thresholds and float64 leaf rows, not packed tables or integer sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Tree, TreeEnsemble


def evaluate(model: TreeEnsemble, samples: NDArray[Any]) -> NDArray[np.float64]:
    """The answer to each sample: probabilities (scores, where a classifier has none) or values.

    Args:
        samples: device features (already scaled, where the model has a scale).

    Returns:
        float64, shape (rows, classes) or (rows, outputs).
    """
    return answers(model, scores(model, samples))


def scores(model: TreeEnsemble, samples: NDArray[Any]) -> NDArray[np.float64]:
    """The scores of each sample, float64, shape (rows, outputs)."""
    values = np.asarray(samples)
    if model.dtype == "float":
        values = values.astype(np.float32)
    leaves = np.asarray(model.leaves, dtype=np.float64)
    if model.aggregate == "median":
        reached = [leaves[leaf_rows(model, tree, values), 0] for tree in model.trees]
        return _weighted_median(np.column_stack(reached), np.asarray(model.weights))
    total: NDArray[np.float64] = np.zeros((len(values), model.n_outputs))
    for index, tree in enumerate(model.trees):
        row = leaves[leaf_rows(model, tree, values)]
        if model.outputs:
            total[:, model.outputs[index]] += row[:, 0]
        else:
            total += row
    if model.aggregate == "mean":
        total /= len(model.trees)
    return total + np.asarray(model.base) if model.base else total


def answers(model: TreeEnsemble, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores through the model's link: probabilities or values, one column a class or output."""
    with np.errstate(over="ignore"):
        if model.link == "sigmoid":
            scores = 1.0 / (1.0 + np.exp(-scores))
        elif model.link == "softmax":
            raised = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores = raised / raised.sum(axis=1, keepdims=True)
        elif model.link == "exp":
            scores = np.exp(scores)
        elif model.link == "isolation":
            scores = -np.exp2(-scores)
    if model.is_binary and model.has_probabilities:
        return np.column_stack([1.0 - scores[:, 0], scores[:, 0]])
    return scores


def decide(model: TreeEnsemble, scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """A classifier's class indices."""
    if not model.is_binary:
        result: NDArray[np.intp] = scores.argmax(axis=1)
        return result
    above = scores[:, 0] >= model.cut if model.cut_inclusive else scores[:, 0] > model.cut
    return above.astype(np.intp)


def class_columns(model: TreeEnsemble, given: NDArray[Any]) -> NDArray[np.float64]:
    """A classifier's answers with one column a class, of which the largest is the class answered.

    A single score without probabilities gets the cut beside it, as what it has to exceed.
    """
    if given.shape[1] != 1 or not model.is_binary:
        return np.asarray(given, dtype=np.float64)
    cut = np.nextafter(model.cut, -np.inf) if model.cut_inclusive else model.cut
    at_cut = answers(model, np.array([[cut]]))[0, 0]
    columns: NDArray[np.float64] = np.column_stack([np.full(len(given), at_cut), given[:, 0]])
    return columns


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(values, axis=1, kind="stable")
    reached = np.cumsum(weights[order], axis=1)
    first = np.argmax(reached >= 0.5 * reached[:, -1:], axis=1)
    rows = np.arange(len(values))
    median: NDArray[np.float64] = values[rows, order[rows, first]][:, np.newaxis]
    return median


def leaf_rows(model: TreeEnsemble, tree: Tree, values: NDArray[Any]) -> NDArray[np.intp]:
    """Which leaf row each sample reaches."""
    node = np.full(len(values), tree.root, dtype=np.intp)
    feature = np.asarray(tree.feature, dtype=np.intp)
    threshold = np.asarray(tree.threshold, dtype=np.float64)
    left, right = np.asarray(tree.left, dtype=np.intp), np.asarray(tree.right, dtype=np.intp)
    missing = np.asarray(tree.missing_left, dtype=bool)
    sets = np.asarray(tree.category_set, dtype=np.intp)
    rows = np.arange(len(values))
    while (walking := rows[node[rows] >= 0]).size:
        rows = walking
        at = node[rows]
        x = values[rows, feature[at]].astype(np.float64)
        goes_left = x <= threshold[at]
        if sets.size:
            goes_left = _by_category(model, x, sets[at], goes_left)
        if missing.size:
            goes_left = np.where(np.isnan(x), missing[at], goes_left)
        node[rows] = np.where(goes_left, left[at], right[at])
    return ~node


def _by_category(
    model: TreeEnsemble, x: NDArray[np.float64], sets: NDArray[np.intp], goes_left: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Categorical splits decided, the others as they were."""
    whole = np.trunc(x)
    for index in set(sets[sets >= 0].tolist()):
        found = model.category_sets[index]
        here = sets == index
        goes_left = np.where(here, np.isin(whole, found.members) != found.inverted, goes_left)
    return goes_left
