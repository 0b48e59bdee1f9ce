"""What reading trees from other programs' files takes: checks of their shape, and category sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.frontends.nodes import Nodes, check_values
from milliwatt.ir import CategorySet
from milliwatt.ir.validate import MAX_CATEGORY

RESAVE = "save the model again with the library that trained it"
_EPSILON = {np.float32: 2.0**-24, np.float64: 2.0**-53}


class CategoryTable:
    """The distinct category sets of an ensemble, numbered in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[CategorySet, int] = {}

    def number(self, members: Iterable[int], *, inverted: bool) -> int:
        """The number of a set; a set that the device cannot hold is an error."""
        found = CategorySet(tuple(sorted(set(members))), inverted)
        for category in (*found.members[:1], *found.members[-1:]):
            if not 0 <= category <= MAX_CATEGORY:
                raise UnsupportedModelError(
                    f"a split on categories names category {category}; 0 to {MAX_CATEGORY} are possible",
                    cure="number the categories from 0 before training",
                )
        return self._numbers.setdefault(found, len(self._numbers))

    @property
    def sets(self) -> tuple[CategorySet, ...]:
        return tuple(self._numbers)


def reached(left: NDArray[np.int64], right: NDArray[np.int64], leaf: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which nodes hang under node 0 of a table of nodes.

    Args:
        left, right: children of the nodes that are not leaves; leaves' entries are not looked at.

    Raises:
        ModelFileError: a child is none of the nodes, or a node is reached twice.
    """
    seen = np.zeros(len(leaf), dtype=bool)
    seen[0] = True
    level = np.zeros(1, dtype=np.int64)
    while level.size:
        inner = level[~leaf[level]]
        level = np.concatenate([left[inner], right[inner]])
        if level.size and not (level.min() >= 0 and level.max() < len(leaf)):
            raise ModelFileError("a child is not one of the tree's nodes", cure=RESAVE)
        if seen[level].any() or (np.diff(np.sort(level)) == 0).any():
            raise ModelFileError("a node of the tree is reached in two ways", cure=RESAVE)
        seen[level] = True
    return seen


def check_tests(feature: NDArray[np.int64], threshold: NDArray[np.floating], n_features: int) -> None:
    """Every split must look at a feature of the model, and compare with a number."""
    if feature.size and not (feature.min() >= 0 and feature.max() < n_features):
        raise ModelFileError(f"a split looks at a feature outside 0..{n_features - 1}", cure=RESAVE)
    if np.isnan(threshold).any():
        raise ModelFileError("a split compares with NaN", cure=RESAVE)


def check_leaves(trees: Sequence[Nodes]) -> None:
    """Leaves must be numbers that a device can hold."""
    for index, nodes in enumerate(trees):
        rows = nodes.value[nodes.leaf]
        if not np.isfinite(rows).all():
            raise ModelFileError("a leaf's value is not finite", option=f"trees[{index}]", cure=RESAVE)
        check_values(rows)


def sum_rounding(trees: Sequence[Nodes], base: NDArray[np.float64], kind: type[np.floating]) -> float:
    """How far a library's own sums of leaves can be from the exact ones, at most.

    A sum of n + 1 numbers a_i, added up in any order with rounding to p bits, differs from the exact
    one by at most ``g * sum |a_i|`` with ``g = n*u / (1 - n*u)`` and ``u = 2**-p`` (Higham, Accuracy
    and Stability of Numerical Algorithms, 2nd ed., eq. 4.4). Here n is the number of trees, and
    ``sum |a_i|`` at most the base plus each tree's largest leaf. Trees are counted for one output
    though they may add to several; that is on the safe side.

    Args:
        base: what scores start from, shape (outputs,).
        kind: the type that the library adds in.
    """
    largest = float(np.abs(base).max()) + sum(float(np.abs(t.value[t.leaf]).max()) for t in trees)
    relative = len(trees) * _EPSILON[kind]
    return relative / (1.0 - relative) * largest
