"""What a split of the packed table costs: costs of rows against the splits they visit.

Every tree is walked to its end (``predict_proba``, no early exit). In one forest all rows walk the same
number of trees, so what varies with the row is how many splits it leaves to the left and to the right.
Least squares give the cost of each; direction and depth go together, so one slope for both would mislead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt import ir

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Walk:
    """One forest on one target.

    Attributes:
        turns: splits left to the left and to the right, shape (rows, 2).
        cost: of every row.
    """

    forest: str
    target: str
    dtype: str
    turns: FloatArray
    cost: FloatArray


@dataclass(frozen=True)
class WalkFit:
    """Cost = base + ``left`` and ``right`` a split; ``forest`` is ``all`` for all of them together.

    Attributes:
        slope: the mean of ``left`` and ``right``, weighted by how often each happens.
        all_in: mean cost over splits visited: what a tree and the answer cost besides is in it.
        r2: the share of variance explained.
    """

    forest: str
    target: str
    dtype: str
    slope: float
    left: float
    right: float
    all_in: float
    r2: float
    visited: float
    cost: float


def turns(model: ir.TreeEnsemble, samples: FloatArray) -> FloatArray:
    """How many splits each sample leaves to the left and to the right, of the model as converted."""
    total = np.zeros((len(samples), 2))
    for tree in model.trees:
        node = np.full(len(samples), tree.root)
        feature, threshold = np.asarray(tree.feature, dtype=int), np.asarray(tree.threshold)
        children = np.array([tree.left, tree.right], dtype=int)
        while (rows := np.flatnonzero(node >= 0)).size:
            at = node[rows]
            right = (samples[rows, feature[at]] > threshold[at]).astype(int)
            node[rows] = children[right, at]
            total[rows, right] += 1
    return total


def fits(walks: Sequence[Walk]) -> list[WalkFit]:
    """One a forest, and one over all of them, each forest with a base of its own."""
    found = []
    for target, dtype in dict.fromkeys((walk.target, walk.dtype) for walk in walks):
        mine = [walk for walk in walks if (walk.target, walk.dtype) == (target, dtype)]
        found += [_fit(walk.forest, [walk]) for walk in mine]
        found.append(_fit("all", mine))
    return found


def _fit(forest: str, walks: Sequence[Walk]) -> WalkFit:
    x = np.concatenate([walk.turns - walk.turns.mean(axis=0) for walk in walks])
    y = np.concatenate([walk.cost - walk.cost.mean() for walk in walks])
    each = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ each
    happens = np.sum([walk.turns.mean(axis=0) for walk in walks], axis=0)
    cost = float(np.sum([walk.cost.mean() for walk in walks]))
    visited = float(happens.sum())
    return WalkFit(
        forest,
        walks[0].target,
        walks[0].dtype,
        slope=float(each @ happens / visited),
        left=float(each[0]),
        right=float(each[1]),
        all_in=cost / visited,
        r2=1.0 - float(rest @ rest / (y @ y)),
        visited=visited / len(walks),
        cost=cost / len(walks),
    )
