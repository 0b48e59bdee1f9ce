"""scikit-learn's AdaBoostClassifier (SAMME) and AdaBoostRegressor (AdaBoost.R2) over single trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.combine import (
    Part,
    check_weights,
    columns_of,
    decisions,
    is_single,
    join,
    leaf_scores,
)  # fmt: skip
from milliwatt.frontends.nodes import RETRAIN
from milliwatt.frontends.sklearn_common import (
    class_labels,
    feature_names,
    origin,
    quietly,
    refuse_follow,
    require_fitted,
    summed_noise,
)  # fmt: skip
from milliwatt.frontends.sklearn_members import member_models, merged_splitter
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, IDENTITY, MEDIAN, REGRESSOR, SIGMOID, SOFTMAX, SUM

SUPPORTED = ("AdaBoostClassifier", "AdaBoostRegressor")


def convert_adaboost(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted AdaBoost as an IR model; ``kind`` is the supported class's name."""
    require_fitted(estimator, kind, "estimators_", "estimator_weights_")
    refuse_follow(kind, nan)
    members = list(estimator.estimators_)
    # Its own check refuses missing values, whatever its trees have learnt.
    models = member_models(members, kind, nan="ignore" if nan == "ignore" else "refuse", own_only=True)
    single = [model for model in models if is_single(model)]
    for member, model in zip(members, models, strict=True):
        if not is_single(model):
            raise UnsupportedModelError(
                f"{kind} over {type(member).__name__} of several trees is not supported: "
                "what it counts is decided by all of them together",
                option="estimator",
                cure="train it over single decision trees, which is its default",
            )
    # Boosting that ends early leaves zeros behind the last weight.
    weights = np.asarray(estimator.estimator_weights_, dtype=np.float64)[: len(members)].tolist()
    make = _classifier if kind.endswith("Classifier") else _regressor
    return make(estimator, single, weights)


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values."""
    return quietly(getattr(estimator, "predict_proba", estimator.predict), samples)


def _classifier(estimator: Any, models: Sequence[TreeEnsemble], weights: list[float]) -> TreeEnsemble:
    """Each tree gives its weight to its class and ``-weight / (classes - 1)`` to each of the others.

    Scores are these sums over the sum of weights; probabilities the softmax of scores / (classes - 1).
    """
    classes = class_labels(estimator)
    weights = check_weights(weights, len(models))
    total, k = sum(weights), len(classes)
    parts = []
    for model, weight in zip(models, weights, strict=True):
        voted = np.asarray(columns_of(model, classes))[decisions(model)]
        share = weight / total
        if k == 1:
            rows = np.ones((len(voted), 1))
        elif k == 2:
            # softmax of (-d, d) / 2 is the sigmoid of d, and d is twice the weighted mean of +-1.
            rows = np.where(voted == 1, 2.0 * share, -2.0 * share).reshape(-1, 1)
        else:
            rows = np.full((len(voted), k), -share / (k - 1))
            rows[np.arange(len(voted)), voted] = share
            rows /= k - 1
        parts.append(Part(model, rows))
    joined = join(parts)
    return TreeEnsemble(
        task=CLASSIFIER,
        n_features=int(estimator.n_features_in_),
        trees=joined.trees,
        leaves=joined.leaves,
        classes=classes,
        feature_names=feature_names(estimator),
        check_nan=any(model.check_nan for model in models),
        origin=origin(estimator, merged_splitter(models)),
        # One class only: nothing is added up, all leaves say 1.
        aggregate=SUM if k > 1 else "mean",
        link=(IDENTITY, SIGMOID)[k - 1] if k <= 2 else SOFTMAX,
        category_sets=joined.category_sets,
        noise=summed_noise(len(models), 2.0 * max(weights) / total),
    )


def _regressor(estimator: Any, models: Sequence[TreeEnsemble], weights: list[float]) -> TreeEnsemble:
    """The weighted median of what the trees answer."""
    if any(model.link != IDENTITY or model.is_classifier for model in models):
        raise UnsupportedModelError(
            "AdaBoostRegressor over a model with a link function is not supported",
            option="estimator",
            cure="train it over decision trees",
        )
    if len(models) == 1:
        weights = [1.0]  # a first tree that was no good is kept, with weight 0
    used = [i for i, weight in enumerate(check_weights(weights, len(models))) if weight > 0]
    joined = join([Part(models[i], leaf_scores(models[i])) for i in used])
    if len(joined.leaves[0]) != 1:
        raise UnsupportedModelError("this AdaBoostRegressor is damaged: several outputs", cure=RETRAIN)
    return TreeEnsemble(
        task=REGRESSOR,
        n_features=int(estimator.n_features_in_),
        trees=joined.trees,
        leaves=joined.leaves,
        feature_names=feature_names(estimator),
        check_nan=any(model.check_nan for model in models),
        origin=origin(estimator, merged_splitter(models)),
        aggregate=MEDIAN,
        weights=tuple(weights[i] for i in used),
        category_sets=joined.category_sets,
    )
