"""Trees as arrays of nodes, as libraries hold them, and the way from there to the IR's trees.

Kept apart from the libraries so that every frontend checks and numbers nodes in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.ir import Tree
from milliwatt.ir.validate import check_shape

RETRAIN = "train and save the model again"
Leaves = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Nodes:
    """A tree, one entry a node; node 0 is the root.

    Attributes:
        left: left child, -1 at leaves.
        right: right child; means nothing at leaves.
        feature: which feature a split looks at.
        threshold: a split sends ``x <= threshold`` left.
        value: shape (nodes, outputs): what a leaf adds to the scores.
        missing_left: whether a split sends NaN left.
        samples: training samples that reached the node.
        category_set: for each node -1, or the set of categories that goes left; None without any.
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    samples: NDArray[Any]
    category_set: NDArray[np.intp] | None = None

    @property
    def leaf(self) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = self.left < 0
        return result


def damaged(what: str) -> UnsupportedModelError:
    """The error for something that no training can have left behind."""
    return UnsupportedModelError(f"a tree of it is damaged: {what}", cure=RETRAIN)


def check_nodes(nodes: Nodes, n_features: int) -> Nodes:
    """The nodes themselves if they are as a library makes them; a file may hold anything."""
    left, right = nodes.left, nodes.right
    leaf = left == -1
    split = (left >= 0) & (left < len(left)) & (right >= 0) & (right < len(left))
    if not len(left) or not (leaf | split).all():
        raise damaged("a child is not one of its nodes")
    feature, threshold = nodes.feature[split], nodes.threshold[split]
    if not ((feature >= 0) & (feature < n_features) & ~np.isnan(threshold)).all():
        raise damaged("a split without a test")
    return nodes


def learnt_missing(nodes: Nodes) -> bool:
    """True when a split sends NaN somewhere that only training data with NaN can have taught it.

    Without missing values in training, scikit-learn sends NaN to the child with more samples.
    """
    split = ~nodes.leaf
    if np.isposinf(nodes.threshold[split]).any():
        return True  # a split on missing or not
    majority = nodes.samples[nodes.left[split]] > nodes.samples[nodes.right[split]]
    return bool((nodes.missing_left[split] != majority).any())


def check_values(
    rows: NDArray[np.float64],
    what: str = "a leaf's value",
    cure: str = "scale the targets before training",
) -> NDArray[np.float64]:
    """The numbers themselves if a device can hold them."""
    if np.isnan(rows).any():
        raise UnsupportedModelError(
            f"{what} is not a number: a tree of it was given no sample to learn from",
            cure="train with more samples, or without weights of 0",
        )
    if not (np.abs(rows) <= FLOAT32_MAX).all():
        raise UnsupportedModelError(f"{what} is beyond what a float can hold on the device", cure=cure)
    return rows


def assemble(sources: Sequence[Nodes], *, follow: bool) -> tuple[Leaves, tuple[Tree, ...]]:
    """The distinct leaf rows of all trees, and the trees that refer to them.

    Args:
        follow: keep where missing values go.
    """
    rows = np.concatenate([nodes.value[nodes.leaf] for nodes in sources])
    distinct, number = distinct_rows(rows)
    trees, first = [], 0
    for nodes in sources:
        count = int(nodes.leaf.sum())
        tree = _tree(nodes, number[first : first + count], follow)
        _check_shape(tree, len(distinct))
        trees.append(tree)
        first += count
    return distinct, tuple(trees)


def distinct_rows(rows: NDArray[np.float64]) -> tuple[Leaves, NDArray[np.intp]]:
    """The rows (shape (n, outputs)) without repetition, ascending, and where each of them is found."""
    if rows.shape[1] == 1:
        values, inverse = np.unique(rows[:, 0], return_inverse=True)
        return tuple((value,) for value in values.tolist()), inverse.reshape(-1)
    # Sorting all rows takes numpy seconds for a large forest, finding equal bytes does not.
    # Adding zero makes 0.0 of -0.0, which equals it.
    images = (
        np.ascontiguousarray(rows + 0.0)
        .view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))
        .reshape(-1)
        .tolist()
    )
    seen: dict[bytes, int] = {}
    number = np.array([seen.setdefault(image, len(seen)) for image in images], dtype=np.intp)
    found = np.frombuffer(b"".join(seen), dtype=np.float64).reshape(len(seen), rows.shape[1])
    leaves = list(map(tuple, found.tolist()))
    order = sorted(range(len(leaves)), key=leaves.__getitem__)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return tuple([leaves[index] for index in order]), place[number]


def _check_shape(tree: Tree, n_rows: int) -> None:
    try:
        check_shape(tree, n_rows)
    except ModelFileError as error:
        raise damaged(error.problem) from None


def _tree(nodes: Nodes, rows: NDArray[np.intp], follow: bool) -> Tree:
    # Every node's name as a child: its number among the splits, or ~row of its leaf.
    leaf = nodes.leaf
    split = ~leaf
    child = np.empty(len(leaf), dtype=np.int64)
    child[split] = np.arange(int(split.sum()))
    child[leaf] = ~rows
    sets = None if nodes.category_set is None else nodes.category_set[split]
    return Tree(
        root=int(child[0]),
        feature=tuple(nodes.feature[split].tolist()),
        threshold=tuple(nodes.threshold[split].tolist()),
        left=tuple(child[nodes.left[split]].tolist()),
        right=tuple(child[nodes.right[split]].tolist()),
        missing_left=tuple(nodes.missing_left[split].tolist()) if follow else (),
        category_set=tuple(sets.tolist()) if sets is not None and (sets >= 0).any() else (),
    )
