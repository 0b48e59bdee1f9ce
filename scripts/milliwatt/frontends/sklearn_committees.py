"""scikit-learn's Bagging and Voting: one sum of trees where that is exact, else a committee.

A committee votes or averages as they do: ``VotingClassifier`` counts what members' ``predict`` answers,
or averages their ``predict_proba``; ``BaggingClassifier`` averages, and counts the votes of members that
have no ``predict_proba``; regressors average.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.emit.ballots import counts_exactly
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.combine import (
    Average,
    Member,
    Part,
    average,
    check_weights,
    columns_of,
    decisions,
    is_linear,
    is_single,
    join,
    one_hot,
)  # fmt: skip
from milliwatt.frontends.nodes import check_values, damaged
from milliwatt.frontends.seating import Seat, seat, voter
from milliwatt.frontends.sklearn_common import (
    class_labels,
    feature_names,
    origin,
    quietly,
    require_fitted,
    task_of,
)  # fmt: skip
from milliwatt.frontends.sklearn_members import member_models, merged_splitter
from milliwatt.ir import Committee, TreeEnsemble, TreeModel
from milliwatt.ir.committee import HARD, SHARE
from milliwatt.ir.model import CLASSIFIER, IDENTITY, MARGIN, MEAN, SUM

BAGGING = ("BaggingClassifier", "BaggingRegressor")
VOTING = ("VotingClassifier", "VotingRegressor")
SUPPORTED = BAGGING + VOTING


def convert_committee(estimator: Any, kind: str, *, nan: str) -> TreeModel:
    """A fitted Bagging or Voting as an IR model; ``kind`` is the supported class's name.

    Raises:
        UnsupportedModelError: a member is not converted, or has no probabilities to average.
    """
    if kind in BAGGING:
        return _bagging(estimator, kind, nan)
    require_fitted(estimator, kind, "estimators_")
    models = member_models(estimator.estimators_, kind, nan=nan)
    given = _weights(estimator)
    weights = check_weights(given or [1.0] * len(models), len(models))
    whole = _whole(estimator, kind, models)
    members = [
        Seat(model, weight, _columns(model, whole)) for model, weight in zip(models, weights, strict=True)
    ]
    for model in models:
        if model.n_features != whole.n_features:
            raise damaged("members differ in their features")
    if kind == "VotingClassifier" and estimator.voting == "hard":
        if all(map(is_single, models)) and counts_exactly([w for w in weights if w > 0]):
            return _hard_votes(whole, members, weighted=given is not None)
        weighted = tuple(weights) if given is not None else ()
        return seat(dataclasses.replace(whole, vote=HARD, weights=weighted), members)
    return _mean(whole, members, kind, estimator.estimators_)


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values; hard voting's votes, as a fraction where members count alike."""
    if getattr(estimator, "voting", "soft") == "soft" or not hasattr(estimator, "classes_"):
        return quietly(getattr(estimator, "predict_proba", estimator.predict), samples)
    decided = quietly(estimator.transform, samples).astype(np.intp)
    weights = _weights(estimator) or [1.0 / decided.shape[1]] * decided.shape[1]
    votes = np.zeros((len(samples), len(estimator.classes_)))
    for column, weight in zip(decided.T, weights, strict=True):
        votes[np.arange(len(samples)), column] += weight
    return votes


def _bagging(estimator: Any, kind: str, nan: str) -> TreeModel:
    require_fitted(estimator, kind, "estimators_", "estimators_features_")
    found = list(estimator.estimators_)
    if int(estimator.n_estimators) != len(found):
        raise MilliwattError(
            f"n_estimators={estimator.n_estimators} was set after fitting {len(found)} of them",
            option="n_estimators",
            cure="fit it again, or set it back",
        )
    models = member_models(found, kind, nan=nan)
    whole = _whole(estimator, kind, models)
    members = []
    for model, features in zip(models, estimator.estimators_features_, strict=True):
        chosen = np.asarray(features)
        if len(chosen) != model.n_features or not ((chosen >= 0) & (chosen < whole.n_features)).all():
            raise damaged("it looks at a feature that there is not")
        members.append(Seat(model, 1.0, _columns(model, whole), chosen.tolist()))
    votes = whole.is_classifier and not any(hasattr(member, "predict_proba") for member in found)
    if votes and all(map(is_single, models)):
        members = [dataclasses.replace(member, model=voter(member.model)) for member in members]
    elif votes:
        return seat(dataclasses.replace(whole, vote=SHARE), members)
    return _mean(whole, members, kind, found)


def _columns(model: TreeModel, whole: Committee) -> list[int] | None:
    """Where a member's classes are among those of the whole, which members know by their numbers."""
    return columns_of(model, range(len(whole.classes))) if whole.is_classifier else None


def _mean(whole: Committee, members: Sequence[Seat], kind: str, named: Sequence[Any]) -> TreeModel:
    """The weighted mean of what members answer: one sum of trees where all of them are."""
    width = _width(members, len(whole.classes))
    for member, estimator in zip(members, named, strict=True):
        model = member.model
        if model.is_classifier != whole.is_classifier:
            raise damaged(f"{kind} over {type(estimator).__name__} mixes classes and values")
        if model.is_classifier and not model.has_probabilities:
            raise UnsupportedModelError(
                f"{kind}: averaging over {type(estimator).__name__} is not supported: this one has no "
                "probabilities",
                cure="let members vote (voting='hard'), or train trees that know probabilities, with "
                "objective='binary:logistic', say",
            )
    linear = [
        Member(seat.model, seat.weight, seat.columns, seat.features)
        for seat in members
        if is_linear(seat.model)
    ]
    return _sum(whole, average(linear, width)) if len(linear) == len(members) else seat(whole, members)


def _hard_votes(whole: Committee, members: Sequence[Seat], *, weighted: bool) -> TreeEnsemble:
    """Each tree's weight at the class it decides for; votes are all there is, no probabilities."""
    parts = []
    for member in members:
        if member.weight > 0 and is_single(member.model):
            voted = np.asarray(member.columns)[decisions(member.model)]
            parts.append(Part(member.model, one_hot(voted, len(whole.classes)) * member.weight))
    return _sum(whole, Average(join(parts), SUM if weighted else MEAN, ()), link=MARGIN)


def _whole(estimator: Any, kind: str, models: Sequence[TreeModel]) -> Committee:
    """What is said of all members together; who they are and how they decide is left open."""
    return Committee(
        task=task_of(kind),
        n_features=int(estimator.n_features_in_),
        members=(),
        vote=MEAN,
        classes=class_labels(estimator) if task_of(kind) == CLASSIFIER else (),
        feature_names=feature_names(estimator),
        check_nan=any(model.check_nan for model in models),
        origin=origin(estimator, merged_splitter(models)),
        noise=max(model.noise for model in models),
    )


def _sum(whole: Committee, found: Average, link: str = IDENTITY) -> TreeEnsemble:
    joined = found.joined
    check_values(np.asarray(joined.leaves))
    check_values(np.asarray(found.base), "the value that its sum starts from")
    return TreeEnsemble(
        task=whole.task,
        n_features=whole.n_features,
        trees=joined.trees,
        leaves=joined.leaves,
        classes=whole.classes,
        feature_names=whole.feature_names,
        check_nan=whole.check_nan,
        origin=whole.origin,
        aggregate=found.aggregate,
        base=found.base,
        link=link,
        category_sets=joined.category_sets,
        noise=whole.noise,
    )


def _width(members: Sequence[Seat], n_classes: int) -> int:
    width = n_classes or members[0].model.n_outputs
    if not n_classes and any(member.model.n_outputs != width for member in members):
        raise damaged("members differ in their number of outputs")
    return width


def _weights(estimator: Any) -> list[float] | None:
    """The weights of the members that were not dropped, or None where all count alike."""
    if estimator.weights is None:
        return None
    named = zip(estimator.estimators, estimator.weights, strict=False)
    return [float(weight) for (_, member), weight in named if not isinstance(member, str)]
