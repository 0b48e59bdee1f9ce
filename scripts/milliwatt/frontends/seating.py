"""Members that are no single sum of trees together: how they become a committee."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.emit.ranges import answer_ranges
from milliwatt.frontends.combine import Member, average, decisions, is_linear, is_single, one_hot
from milliwatt.ir import Committee, Tree, TreeEnsemble, TreeModel, as_member
from milliwatt.ir.model import EXP, IDENTITY, MEAN

_FLOAT32 = 2.0**-22  # what a library that averages in float32 may be off by, each time it adds
_FLOAT64 = 2.0**-50
_NOISE = 1e-9
_LARGEST = 1e300


@dataclass(frozen=True)
class Seat:
    """A model on its way into a committee.

    Attributes:
        model: the model as its own frontend gives it.
        weight: what it counts, >= 0.
        columns: for each of its classes the class of the whole; None: the same.
        features: for each of its features the feature of the whole; None: the same.
    """

    model: TreeModel
    weight: float = 1.0
    columns: Sequence[int] | None = None
    features: Sequence[int] | None = None


def seat(whole: Committee, members: Sequence[Seat]) -> Committee:
    """The committee with these members; those that count nothing are left out.

    Members' features and classes are numbered as the committee's. A mean of means becomes one mean, and
    trees that all count alike in it become one member. A single tree that votes gives all to the class
    it decides for.

    Args:
        whole: everything but ``members``, ``weights`` and ``noise``; a weight of ``whole`` other than ()
            says that votes are sums of weights.
    """
    seats = [_placed(member, whole) for member in members if member.weight > 0]
    if whole.vote != MEAN:
        counted = [seat.weight for seat in seats] if whole.weights else []
        return dataclasses.replace(_filled(whole, [voter(s.model) for s in seats], counted), noise=_NOISE)
    merged = _merged([part for seat in seats for part in _opened(seat)])
    weights = [seat.weight for seat in merged]
    models = [seat.model for seat in merged]
    found = _filled(whole, models, [] if len(set(weights)) == 1 else weights)
    return dataclasses.replace(found, noise=_noise(found, models))


def _filled(whole: Committee, models: Sequence[TreeModel], weights: Sequence[float]) -> Committee:
    seated = tuple(as_member(model, check_nan=whole.check_nan) for model in models)
    return dataclasses.replace(whole, members=seated, weights=tuple(weights))


def _placed(member: Seat, whole: Committee) -> Seat:
    """The member with the committee's features and classes."""
    model = _with_features(member.model, member.features, whole.n_features)
    if whole.is_classifier:
        known = range(len(whole.classes)) if member.columns is None else member.columns
        model = dataclasses.replace(model, classes=tuple(map(int, known)))
    return Seat(model, member.weight)


def _with_features(model: TreeModel, features: Sequence[int] | None, n_features: int) -> TreeModel:
    def renumbered(tree: Tree) -> Tree:
        if features is None:
            return tree
        return dataclasses.replace(tree, feature=tuple(int(features[f]) for f in tree.feature))

    if isinstance(model, TreeEnsemble):
        return dataclasses.replace(
            model, n_features=n_features, trees=tuple(map(renumbered, model.trees)), feature_names=()
        )
    members = (_with_features(member, features, n_features) for member in model.members)
    return dataclasses.replace(model, n_features=n_features, members=tuple(members), feature_names=())


def _opened(member: Seat) -> Iterator[Seat]:
    """The member itself, or the members of a mean with the shares they have of it."""
    model = member.model
    if isinstance(model, TreeEnsemble) or model.vote != MEAN:
        yield member
        return
    n = len(model.members)
    for part, weight in zip(model.members, model.weights or (1.0,) * n, strict=True):
        total = sum(model.weights) if model.weights else float(n)
        # Classes of a part are indices of the mean's, whose own are the committee's.
        classes = tuple(model.classes[int(label)] for label in part.classes)
        yield Seat(dataclasses.replace(part, classes=classes), member.weight * weight / total)


def _merged(members: Sequence[Seat]) -> list[Seat]:
    """Members whose trees all count alike are one; the others stay, in their order."""
    groups: list[list[Seat]] = []
    for member in members:
        for group in groups:
            if _counts_alike(group[0], member):
                group.append(member)
                break
        else:
            groups.append([member])
    return list(map(_joined, groups))


def _counts_alike(one: Seat, other: Seat) -> bool:
    a, b = one.model, other.model
    if not isinstance(a, TreeEnsemble) or not isinstance(b, TreeEnsemble):
        return False
    plain = all(is_linear(m) and m.aggregate == MEAN and not any(m.base) for m in (a, b))
    if not plain or a.classes != b.classes:
        return False
    return math.isclose(one.weight * len(b.trees), other.weight * len(a.trees), rel_tol=1e-15)


def _joined(group: Sequence[Seat]) -> Seat:
    if len(group) == 1:
        return group[0]
    models = [member.model for member in group if isinstance(member.model, TreeEnsemble)]
    # Weights that are equal to the last bit, so that leaf rows stay as they are.
    alike = [Member(model, float(len(model.trees))) for model in models]
    found = average(alike, models[0].n_outputs)
    model = dataclasses.replace(
        models[0],
        trees=found.joined.trees,
        leaves=found.joined.leaves,
        category_sets=found.joined.category_sets,
        noise=max(model.noise for model in models),
    )
    return Seat(model, sum(member.weight for member in group))


def voter(model: TreeModel) -> TreeModel:
    """A single tree gives all to the class it decides for: what it has voted can then be counted."""
    if not isinstance(model, TreeEnsemble) or not is_single(model):
        return model
    rows = one_hot(decisions(model), len(model.classes))
    return dataclasses.replace(
        model, leaves=tuple(map(tuple, rows.tolist())), base=(), link=IDENTITY, aggregate=MEAN
    )


def _noise(found: Committee, models: Sequence[TreeModel]) -> float:
    """How far the estimator's own rounding can move two answers against each other."""
    sizes = [_largest(model) for model in models]
    own = sum(
        share * _answer_noise(model, size)
        for model, share, size in zip(models, found.shares, sizes, strict=True)
    )
    single = any("XGBoost" in model.origin.get("library", "") for model in models)
    added = len(models) * (_FLOAT32 if single else _FLOAT64) * (1.0 if found.is_classifier else max(sizes))
    return min(max(own + added, _NOISE), _LARGEST)


def _answer_noise(model: TreeModel, size: float) -> float:
    if isinstance(model, TreeEnsemble) and model.link == EXP:
        return size * math.expm1(min(model.noise, 1.0))
    return model.noise  # no other link is steeper than 1


def _largest(model: TreeModel) -> float:
    return float(np.clip(max(max(-low, high) for low, high in answer_ranges(model)), 0.0, _LARGEST))
