"""What passes over leaves share: which leaves are chosen for together, and new rows put in their place."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.ir.model import EXP, MEAN, MEDIAN, SIGMOID, SOFTMAX

_ONE = 1e-9  # proportions that add up to 1 within this are taken to be meant so


@dataclass(frozen=True)
class LeafGroup:
    """Leaves that values are chosen for together.

    Attributes:
        trees: indices of the trees they belong to.
        rows: the rows of ``model.leaves`` that these trees reach, ascending.
        count: for each of them, how many leaves refer to it.
        values: the rows themselves, float64, shape (len(rows), width).
    """

    trees: tuple[int, ...]
    rows: NDArray[np.intp]
    count: NDArray[np.intp]
    values: NDArray[np.float64]


def has_proportions(model: TreeEnsemble) -> bool:
    """True for classifiers that average rows of class proportions: each row adds up to 1."""
    if not model.averages_proportions:
        return False
    return all(abs(math.fsum(row) - 1.0) <= _ONE and min(row) >= 0.0 for row in model.leaves)


def leaf_groups(model: TreeEnsemble) -> list[LeafGroup]:
    """All leaves in use: one group, or one for each output where trees regress different outputs.

    A classifier's scores are compared with each other, so that its leaves are one group always.
    """
    members: dict[int, list[int]] = {}
    for index in range(len(model.trees)):
        output = 0 if model.is_classifier or not model.outputs else model.outputs[index]
        members.setdefault(output, []).append(index)
    leaves = np.asarray(model.leaves, dtype=np.float64)
    groups = []
    for _, trees in sorted(members.items()):
        reached = np.concatenate([reached_rows(model.trees[index]) for index in trees])
        rows, count = np.unique(reached, return_counts=True)
        groups.append(LeafGroup(tuple(trees), rows, count, leaves[rows]))
    return groups


def reached_rows(tree: Tree) -> NDArray[np.intp]:
    """The leaf row of every leaf of a tree, in no particular order."""
    children = np.asarray((tree.root, *tree.left, *tree.right), dtype=np.intp)
    return ~children[children < 0]


def replace_rows(
    model: TreeEnsemble, groups: Sequence[LeafGroup], values: Sequence[NDArray[np.float64]]
) -> TreeEnsemble:
    """The model with other leaf values: rows that became equal are one row, and ``leaf_error`` is set.

    Args:
        groups: what :func:`leaf_groups` gave.
        values: for each group the new rows, of its own rows' shape.
    """
    distinct: dict[tuple[float, ...], int] = {}
    trees = list(model.trees)
    for group, new in zip(groups, values, strict=True):
        number = np.zeros(len(model.leaves), dtype=np.intp)
        # Adding zero makes 0.0 of -0.0.
        named = [distinct.setdefault(tuple(row), len(distinct)) for row in (new + 0.0).tolist()]
        number[group.rows] = named
        for index in group.trees:
            trees[index] = _renumbered(trees[index], number)
    return dataclasses.replace(
        model, trees=tuple(trees), leaves=tuple(distinct), leaf_error=_leaf_error(model, groups, values)
    )


def _renumbered(tree: Tree, number: NDArray[np.intp]) -> Tree:
    def renumbered(children: Sequence[int]) -> tuple[int, ...]:
        child = np.asarray(children, dtype=np.intp)
        return tuple(np.where(child < 0, ~number[~np.minimum(child, -1)], child).tolist())

    (root,) = renumbered((tree.root,))
    return dataclasses.replace(tree, root=root, left=renumbered(tree.left), right=renumbered(tree.right))


def _leaf_error(
    model: TreeEnsemble, groups: Sequence[LeafGroup], values: Sequence[NDArray[np.float64]]
) -> tuple[float, ...]:
    """How far each answer can be from what it was, at most, one number a column of the oracle's."""
    moved = np.zeros((len(model.trees), model.n_outputs))
    for group, new in zip(groups, values, strict=True):
        change = np.zeros((len(model.leaves), new.shape[1]))
        change[group.rows] = np.abs(new - group.values)
        for index in group.trees:
            largest = change[reached_rows(model.trees[index])].max(axis=0)
            if model.outputs:
                moved[index, model.outputs[index]] = largest[0]
            else:
                moved[index] = largest
    error = moved.sum(axis=0)
    if model.aggregate == MEAN:
        error = error / len(model.trees)
    elif model.aggregate == MEDIAN:
        error = moved.max(axis=0)  # a median of values that each moved by d at most moves by d at most
    before = model.leaf_error or (0.0,) * model.n_columns
    return tuple((_through_link(model, error) + np.asarray(before)).tolist())


def _through_link(model: TreeEnsemble, error: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores' errors as errors of the answers."""
    if model.link == SOFTMAX:
        # A probability p moves by p (1 - p) times the difference of two scores' errors at most.
        return np.full(model.n_columns, error.max() / 2.0)
    if model.link == SIGMOID:
        error = error / 4.0  # its steepest slope
    if model.link == EXP:
        highest = np.asarray(model.base or (0.0,) * model.n_outputs) + _highest(model)
        error = np.exp(np.minimum(highest, 88.0)) * np.expm1(np.minimum(error, 88.0))
    # ``isolation`` is flatter than the score itself where scores are not negative, as path lengths are.
    return np.repeat(error, 2) if model.n_columns == 2 * len(error) == 2 else error


def _highest(model: TreeEnsemble) -> NDArray[np.float64]:
    """No sum, or mean, of leaves is higher than this, one an output."""
    leaves = np.asarray(model.leaves, dtype=np.float64)
    total = np.zeros(model.n_outputs)
    for index, tree in enumerate(model.trees):
        largest = leaves[reached_rows(tree)].max(axis=0)
        if model.outputs:
            total[model.outputs[index]] += largest[0]
        else:
            total += largest
    return total / len(model.trees) if model.aggregate == MEAN else total
