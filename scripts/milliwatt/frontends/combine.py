"""Several models made one: members' leaf rows scaled and added up, or their decisions counted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.nodes import RETRAIN, Leaves, distinct_rows
from milliwatt.ir import CategorySet, Label, Tree, TreeEnsemble, TreeModel
from milliwatt.ir.model import IDENTITY, MEAN, MEDIAN, SUM


@dataclass(frozen=True)
class Part:
    """Trees of one member on their way into a larger ensemble.

    Attributes:
        model: whose trees and category sets.
        rows: shape (its leaf rows, outputs of the whole): what its leaves become.
        features: for each of its features the feature of the whole; None: the same.
    """

    model: TreeEnsemble
    rows: NDArray[np.float64]
    features: Sequence[int] | None = None


@dataclass(frozen=True)
class Joined:
    """The trees of all parts over common leaf rows and category sets."""

    leaves: Leaves
    trees: tuple[Tree, ...]
    category_sets: tuple[CategorySet, ...]


@dataclass(frozen=True)
class Member:
    """A model that takes part in an average.

    Attributes:
        model: one whose scores are linear (``is_linear``).
        weight: its share before normalisation, > 0.
        columns: for each of its outputs the output of the whole; None: the same.
        features: see :class:`Part`.
    """

    model: TreeEnsemble
    weight: float = 1.0
    columns: Sequence[int] | None = None
    features: Sequence[int] | None = None


@dataclass(frozen=True)
class Average:
    """The weighted mean of members: what an ensemble needs to say it."""

    joined: Joined
    aggregate: str
    base: tuple[float, ...]


def is_linear(model: TreeModel) -> TypeGuard[TreeEnsemble]:
    """True when the model's answer is its sum or mean of leaf rows, one column a class or output."""
    if not isinstance(model, TreeEnsemble):
        return False
    whole = not model.is_classifier or model.n_outputs == len(model.classes)
    return model.link == IDENTITY and model.aggregate != MEDIAN and not model.outputs and whole


def is_single(model: TreeModel) -> TypeGuard[TreeEnsemble]:
    """True when a leaf alone decides the model's answer."""
    return isinstance(model, TreeEnsemble) and len(model.trees) == 1 and not model.outputs


def leaf_scores(model: TreeEnsemble) -> NDArray[np.float64]:
    """The scores that each leaf row of a single tree gives, shape (rows, outputs)."""
    rows = np.asarray(model.leaves, dtype=np.float64)
    return rows + np.asarray(model.base) if model.base else rows


def decisions(model: TreeEnsemble) -> NDArray[np.intp]:
    """The class index that each leaf row of a single tree answers."""
    scores = leaf_scores(model)
    if not model.is_binary:
        best: NDArray[np.intp] = scores.argmax(axis=1)
        return best
    score = scores[:, 0]
    return (score >= model.cut if model.cut_inclusive else score > model.cut).astype(np.intp)


def one_hot(indices: NDArray[np.intp], width: int) -> NDArray[np.float64]:
    """A row a decision, 1 in its column."""
    rows = np.zeros((len(indices), width))
    rows[np.arange(len(indices)), indices] = 1.0
    return rows


def columns_of(model: TreeModel, classes: Sequence[Label]) -> list[int]:
    """Where each of a member's classes is found among the classes of the whole."""
    try:
        return [list(classes).index(label) for label in model.classes]
    except ValueError:
        raise UnsupportedModelError(
            f"a member knows the classes {list(model.classes)}, which are not all among {list(classes)}",
            cure=RETRAIN,
        ) from None


def check_weights(weights: Sequence[float], n_members: int) -> list[float]:
    """The weights themselves if an average can be made with them."""
    found = [float(weight) for weight in weights]
    if len(found) != n_members:
        raise MilliwattError(
            f"{len(found)} weights for {n_members} members", option="weights", cure="fit it again"
        )
    if not all(0.0 <= w < math.inf for w in found) or not sum(found) > 0:
        raise UnsupportedModelError(
            f"the weights {found} are not numbers >= 0 of which one is > 0",
            option="weights",
            cure="use positive weights",
        )
    return found


def average(members: Sequence[Member], width: int) -> Average:
    """The weighted mean of linear members.

    Leaf rows stay as they are, to be averaged over all trees, where every tree has the same share;
    else each is scaled by its tree's share.

    Args:
        width: outputs of the whole.
    """
    members = [member for member in members if member.weight > 0]
    total = sum(member.weight for member in members)
    rows = [_columns(np.asarray(m.model.leaves, dtype=np.float64), m.columns, width) for m in members]
    if _equal_shares(members):
        parts = [Part(m.model, r, m.features) for m, r in zip(members, rows, strict=True)]
        return Average(join(parts), MEAN, ())
    parts, base = [], np.zeros(width)
    for member, row in zip(members, rows, strict=True):
        model, weight = member.model, member.weight / total
        share = weight / len(model.trees) if model.aggregate == MEAN else weight
        parts.append(Part(model, row * share, member.features))
        if model.base:
            base += weight * _columns(np.asarray([model.base]), member.columns, width)[0]
    return Average(join(parts), SUM, tuple(base.tolist()) if base.any() else ())


def join(parts: Sequence[Part]) -> Joined:
    """All trees, renumbered for leaf rows, features and category sets that are common to them."""
    leaves, number = distinct_rows(np.concatenate([part.rows for part in parts]))
    sets: dict[CategorySet, int] = {}
    trees: list[Tree] = []
    first = 0
    for part in parts:
        here = number[first : first + len(part.rows)]
        chosen = [sets.setdefault(found, len(sets)) for found in part.model.category_sets]
        trees += [_renumbered(tree, here, part.features, chosen) for tree in part.model.trees]
        first += len(part.rows)
    return Joined(leaves, tuple(trees), tuple(sets))


def _equal_shares(members: Sequence[Member]) -> bool:
    first = members[0]
    return all(
        m.model.aggregate == MEAN
        and not any(m.model.base)
        # weight / trees, without the rounding of a division
        and m.weight * len(first.model.trees) == first.weight * len(m.model.trees)
        for m in members
    )


def _columns(rows: NDArray[np.float64], columns: Sequence[int] | None, width: int) -> NDArray[np.float64]:
    if columns is None:
        return rows
    spread = np.zeros((len(rows), width))
    spread[:, list(columns)] = rows
    return spread


def _renumbered(
    tree: Tree, rows: NDArray[np.intp], features: Sequence[int] | None, sets: Sequence[int]
) -> Tree:
    def children(given: Sequence[int]) -> tuple[int, ...]:
        child = np.asarray(given, dtype=np.int64)
        leaf = child < 0
        child[leaf] = ~rows[~child[leaf]]
        return tuple(child.tolist())

    return dataclasses.replace(
        tree,
        root=children((tree.root,))[0],
        left=children(tree.left),
        right=children(tree.right),
        feature=tree.feature if features is None else tuple(int(features[f]) for f in tree.feature),
        category_set=tuple(index if index < 0 else sets[index] for index in tree.category_set),
    )
