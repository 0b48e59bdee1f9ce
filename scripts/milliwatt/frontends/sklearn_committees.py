"""scikit-learn's Bagging and Voting, where their members can be added up to one sum of trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from milliwatt.frontends.sklearn_common import (
    class_labels,
    feature_names,
    origin,
    quietly,
    require_fitted,
    task_of,
)  # fmt: skip
from milliwatt.frontends.sklearn_members import member_models, merged_splitter
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, IDENTITY, MARGIN, MEAN, SUM

BAGGING = ("BaggingClassifier", "BaggingRegressor")
VOTING = ("VotingClassifier", "VotingRegressor")
SUPPORTED = BAGGING + VOTING


def convert_committee(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted Bagging or Voting as an IR model; ``kind`` is the supported class's name.

    Raises:
        UnsupportedModelError: what its members answer cannot be added up tree by tree.
    """
    if kind in BAGGING:
        return _bagging(estimator, kind, nan)
    require_fitted(estimator, kind, "estimators_")
    models = member_models(estimator.estimators_, kind, nan=nan)
    weights = check_weights(_weights(estimator) or [1.0] * len(models), len(models))
    if kind == "VotingClassifier" and estimator.voting == "hard":
        return _hard_votes(estimator, models, weights)
    classes = range(len(estimator.classes_)) if task_of(kind) == CLASSIFIER else ()
    members = []
    for member, model, weight in zip(estimator.estimators_, models, weights, strict=True):
        _require_linear(kind, member, model, "soft voting" if classes else "averaging")
        columns = columns_of(model, classes) if classes else None
        members.append(Member(model, weight, columns))
    return _model(estimator, kind, models, average(members, _width(models, classes)))


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


def _bagging(estimator: Any, kind: str, nan: str) -> TreeEnsemble:
    require_fitted(estimator, kind, "estimators_", "estimators_features_")
    found = list(estimator.estimators_)
    if int(estimator.n_estimators) != len(found):
        raise MilliwattError(
            f"n_estimators={estimator.n_estimators} was set after fitting {len(found)} of them",
            option="n_estimators",
            cure="fit it again, or set it back",
        )
    models = member_models(found, kind, nan=nan)
    classes = range(len(estimator.classes_)) if task_of(kind) == CLASSIFIER else ()
    members = []
    for member, model, features in zip(found, models, estimator.estimators_features_, strict=True):
        chosen = np.asarray(features)
        if not ((chosen >= 0) & (chosen < int(estimator.n_features_in_))).all():
            raise damaged("it looks at a feature that there is not")
        if classes and not hasattr(member, "predict_proba") and is_single(model):
            model = _voter(model)
        _require_linear(kind, member, model, "averaging")
        columns = columns_of(model, classes) if classes else None
        members.append(Member(model, 1.0, columns, chosen.tolist()))
    return _model(estimator, kind, models, average(members, _width(models, classes)))


def _voter(model: TreeEnsemble) -> TreeEnsemble:
    """A single tree that gives all to the class it decides for."""
    rows = one_hot(decisions(model), len(model.classes))
    return dataclasses.replace(
        model, leaves=tuple(map(tuple, rows.tolist())), base=(), link=IDENTITY, aggregate=MEAN
    )


def _require_linear(kind: str, member: Any, model: TreeEnsemble, what: str) -> None:
    if is_linear(model) and model.is_classifier == (task_of(kind) == CLASSIFIER):
        return
    raise UnsupportedModelError(
        f"{kind}: {what} over {type(member).__name__} is not supported: what it answers is no sum of leaves",
        cure="use decision trees, forests or bagged trees as members"
        + ("" if model.is_classifier else ", or boosted trees that have no link function"),
    )


def _hard_votes(estimator: Any, models: Sequence[TreeEnsemble], weights: Sequence[float]) -> TreeEnsemble:
    """Each tree's weight at the class it decides for; votes are all there is, no probabilities."""
    classes = range(len(estimator.classes_))
    parts = []
    for member, model, weight in zip(estimator.estimators_, models, weights, strict=True):
        if not is_single(model):
            raise UnsupportedModelError(
                f"VotingClassifier: hard voting over {type(member).__name__} is not supported: "
                "what it counts is decided by several trees together",
                option="voting",
                cure="use voting='soft' with forests, or vote over single decision trees",
            )
        voted = np.asarray(columns_of(model, classes))[decisions(model)]
        if weight > 0:
            parts.append(Part(model, one_hot(voted, len(classes)) * weight))
    weighted = estimator.weights is not None
    return _model(
        estimator,
        "VotingClassifier",
        models,
        Average(join(parts), SUM if weighted else MEAN, ()),
        link=MARGIN,
    )


def _model(
    estimator: Any, kind: str, models: Sequence[TreeEnsemble], found: Average, link: str = IDENTITY
) -> TreeEnsemble:
    joined = found.joined
    check_values(np.asarray(joined.leaves))
    check_values(np.asarray(found.base), "the value that its sum starts from")
    return TreeEnsemble(
        task=task_of(kind),
        n_features=int(estimator.n_features_in_),
        trees=joined.trees,
        leaves=joined.leaves,
        classes=class_labels(estimator) if task_of(kind) == CLASSIFIER else (),
        feature_names=feature_names(estimator),
        check_nan=any(model.check_nan for model in models),
        origin=origin(estimator, merged_splitter(models)),
        aggregate=found.aggregate,
        base=found.base,
        link=link,
        category_sets=joined.category_sets,
        noise=max(model.noise for model in models),
    )


def _width(models: Sequence[TreeEnsemble], classes: Sequence[int]) -> int:
    width = len(classes) or models[0].n_outputs
    if not classes and any(model.n_outputs != width for model in models):
        raise damaged("members differ in their number of outputs")
    return width


def _weights(estimator: Any) -> list[float] | None:
    """The weights of the members that were not dropped, or None where all count alike."""
    if estimator.weights is None:
        return None
    named = zip(estimator.estimators, estimator.weights, strict=False)
    return [float(weight) for (_, member), weight in named if not isinstance(member, str)]
