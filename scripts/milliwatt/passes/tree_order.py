"""The order in which trees are evaluated: those first that decide most for their cost.

Leaves are added up as integers, so the order changes no answer; but an early exit comes sooner. Only
for trees that all classes' sums get something from: boosted trees come in rounds and by size already.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Tree, TreeEnsemble

# What a tree costs beside its splits, in splits.
_OVERHEAD = 2.0


def order_trees(model: TreeEnsemble, reached: NDArray[np.intp] | None) -> TreeEnsemble:
    """The same model, trees in the order in which they should be evaluated.

    Args:
        reached: row of ``leaves`` that each calibration sample reaches in each tree, shape (samples,
            trees); None: trees are taken to be equally good, so that only their cost counts.
    """
    if not model.is_classifier or model.is_binary or model.outputs or len(model.trees) < 2:
        return model
    worth = np.ones(len(model.trees)) if reached is None else _worth(model, reached)
    cost = np.array([expected_splits(tree) + _OVERHEAD for tree in model.trees])
    order = np.argsort(-worth / cost, kind="stable")
    trees = tuple(model.trees[index] for index in order.tolist())
    weights = tuple(model.weights[index] for index in order.tolist()) if model.weights else ()
    return dataclasses.replace(model, trees=trees, weights=weights)


def _worth(model: TreeEnsemble, reached: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far each tree, on average, brings the class answered ahead of the others' best."""
    leaves = np.asarray(model.leaves, dtype=np.float64)
    total = np.zeros((len(reached), model.n_outputs))
    for rows in reached.T:
        total += leaves[rows]
    samples = np.arange(len(reached))
    winner = total.argmax(axis=1)
    total[samples, winner] = -np.inf
    second = total.argmax(axis=1)
    ahead = [(leaves[rows, winner] - leaves[rows, second]).mean() for rows in reached.T]
    # A tree that on average is wrong has some worth too: what it says has to be heard in the end.
    worth: NDArray[np.float64] = np.maximum(np.asarray(ahead), 1e-3)
    return worth


def expected_splits(tree: Tree) -> float:
    """Splits on the way to a leaf when every split goes either way equally often."""
    total = 0.0
    stack = [(tree.root, 1.0)]
    while stack:
        node, share = stack.pop()
        if node >= 0:
            total += share
            stack += [(tree.left[node], share / 2), (tree.right[node], share / 2)]
    return total
