"""Leaf rows shared by many leaves: k-means over all leaves of a model.

Every leaf counts once, however many training samples it holds. Lloyd's algorithm (S. P. Lloyd, "Least
squares quantization in PCM", 1982) from starting points drawn as D. Arthur and S. Vassilvitskii
("k-means++: the advantages of careful seeding", 2007) do. It is written here and not taken from a
library, so that models of any ML library can be clustered without scikit-learn, and so that a model file
does not depend on which version of it is installed: the random numbers are numpy's, of a fixed seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError
from milliwatt.ir import TreeEnsemble
from milliwatt.passes.leaf_rows import LeafGroup, has_proportions, leaf_groups, replace_rows
from milliwatt.passes.leaf_width import rounded

CENTRE_BITS = 8
_STARTS = 2
_ROUNDS = 100
_RESTLESS = 1e-3  # part of the points that may still change their cluster when it is good enough
# Beyond so many distinct rows centres are found on a sample of them.
_MOST_ROWS = 20_000
# Beyond so many centres it matters little where they start, and much how long it takes to choose.
_MOST_SEEDED = 512
_WORK = 5e9  # multiplications after which it is good enough
_CHUNK = 1 << 22  # distances held at a time


def cluster_leaves(model: TreeEnsemble, clusters: int, bits: int = CENTRE_BITS) -> TreeEnsemble:
    """The model with few different leaf rows; what ``prune`` can take out it leaves in.

    Args:
        clusters: rows a class: ``clusters`` times the number of classes in all, for regressors
            ``clusters`` (an output, where each tree has one). Fewer where leaves are no more various,
            or where rounding made rows equal.
        bits: width of the rows' values, 1 to 16, as ``set_leaf_bits`` rounds them.
    """
    if clusters < 1:
        raise MilliwattError(
            f"{clusters} leaf rows a class are not possible", option="leaf_clusters", cure="give 1 or more"
        )
    groups = leaf_groups(model)
    wanted = clusters * max(1, len(model.classes))
    return replace_rows(model, groups, [_clustered(model, group, wanted, bits) for group in groups])


def _clustered(model: TreeEnsemble, group: LeafGroup, wanted: int, bits: int) -> NDArray[np.float64]:
    """The group's rows, each replaced by the rounded centre of its cluster."""
    # Regressed outputs may have different units: each counts by how much it varies.
    unit = np.ones(group.values.shape[1])
    if not has_proportions(model) and not model.is_classifier:
        spread = group.values.std(axis=0)
        unit = np.where(spread > 0, spread, 1.0)
    centres, label = kmeans(group.values / unit, group.count.astype(np.float64), wanted)
    return rounded(model, centres * unit, bits)[label]


def kmeans(
    points: NDArray[np.float64], weight: NDArray[np.float64], clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Centres of at most so many clusters, and for each point the index of its own.

    Args:
        points: distinct, shape (points, dimensions).
        weight: how often each point counts, > 0.
    """
    if len(points) <= clusters:
        return points, np.arange(len(points))
    rng = np.random.default_rng(0)
    middle = np.average(points, axis=0, weights=weight)
    moved = points - middle  # distances are differences of squares: large offsets would cost digits
    chosen = _sample(len(points), max(_MOST_ROWS, 4 * clusters), rng)
    some, counts = moved[chosen], weight[chosen]
    best, least = moved[:0], np.inf
    for _ in range(_STARTS):
        centres, inertia = _lloyd(some, counts, _start(some, counts, clusters, rng))
        if inertia < least:
            best, least = centres, inertia
    return best + middle, _nearest(moved, best)[0]


def _sample(n: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.arange(n) if n <= most else np.sort(rng.permutation(n)[:most])


def _start(
    points: NDArray[np.float64], weight: NDArray[np.float64], clusters: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Points drawn one after the other, likelier the farther they are from those drawn before.

    Of several drawn each time, the one that brings the points nearest to what is chosen is taken.
    """
    if clusters > _MOST_SEEDED:
        return points[np.sort(rng.permutation(len(points))[:clusters])]
    chosen = [_draw(weight, rng)]
    distance = _squared(points - points[chosen[0]])
    tries = 2 + int(np.log(clusters))
    while len(chosen) < clusters and (weight * distance).any():
        drawn = [_draw(weight * distance, rng) for _ in range(tries)]
        nearer = [np.minimum(distance, _squared(points - points[index])) for index in drawn]
        best = int(np.argmin([(weight * near).sum() for near in nearer]))
        chosen.append(drawn[best])
        distance = nearer[best]
    return points[chosen]


def _draw(weight: NDArray[np.float64], rng: np.random.Generator) -> int:
    total = np.cumsum(weight)
    at = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return min(at, int(np.flatnonzero(weight)[-1]))


def _lloyd(
    points: NDArray[np.float64], weight: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Centres moved to the middle of their points until hardly any changes its cluster; and the inertia."""
    label, distance = _nearest(points, centres)
    rounds = _WORK / (points.size * len(centres))
    for _ in range(min(_ROUNDS, max(3, int(rounds)))):
        centres = _middles(points, weight, label, distance, len(centres))
        before, (label, distance) = label, _nearest(points, centres)
        if np.count_nonzero(label != before) <= _RESTLESS * len(points):
            break
    return centres, float((distance * weight).sum())


def _middles(
    points: NDArray[np.float64],
    weight: NDArray[np.float64],
    label: NDArray[np.intp],
    distance: NDArray[np.float64],
    clusters: int,
) -> NDArray[np.float64]:
    size = np.bincount(label, weights=weight, minlength=clusters)
    sums = [np.bincount(label, weights=weight * column, minlength=clusters) for column in points.T]
    centres: NDArray[np.float64] = np.column_stack(sums) / np.maximum(size, 1e-300)[:, np.newaxis]
    empty = np.flatnonzero(size == 0)
    # A cluster that lost all its points starts again where points are worst served.
    centres[empty] = points[np.argsort(-distance * weight, kind="stable")[: len(empty)]]
    return centres


def _nearest(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The nearest centre of each point, the first among equals, and the squared distance to it."""
    label = np.empty(len(points), dtype=np.intp)
    distance = np.empty(len(points))
    length = _squared(centres)
    rows = max(1, _CHUNK // len(centres))
    for first in range(0, len(points), rows):
        part = slice(first, first + rows)
        # The points' own length is the same for all centres.
        near = length - 2.0 * (points[part] @ centres.T)
        label[part] = near.argmin(axis=1)
        distance[part] = _squared(points[part] - centres[label[part]])
    return label, distance


def _squared(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows)
    return total
