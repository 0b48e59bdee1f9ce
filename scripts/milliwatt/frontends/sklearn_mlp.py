"""scikit-learn's ``MLPClassifier`` and ``MLPRegressor``.

scikit-learn computes in the type it was trained with, mostly float64; weights are rounded to float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.network_graph import float_array
from milliwatt.frontends.sklearn_common import (
    class_labels,
    feature_names,
    origin,
    quietly,
    refuse_follow,
    require_fitted,
    task_of,
)  # fmt: skip
from milliwatt.ir.model import CLASSIFIER, EXP, IDENTITY, SIGMOID, SOFTMAX
from milliwatt.ir.network import RELU, TANH, Dense, Network
from milliwatt.ir.validate_network import validate_network

SUPPORTED = ("MLPClassifier", "MLPRegressor")
_ACTIVATIONS = {"identity": IDENTITY, "relu": RELU, "logistic": SIGMOID, "tanh": TANH}
_LINKS = {"identity": IDENTITY, "logistic": SIGMOID, "softmax": SOFTMAX, "exp": EXP}


def convert_mlp(estimator: Any, kind: str, *, nan: str) -> Network:
    """The layers as trained, rounded to float32.

    Raises:
        UnsupportedModelError: an activation, or classes, that a network cannot have.
        MilliwattError: not fitted, or ``nan=follow``.
    """
    require_fitted(estimator, kind, "coefs_", "out_activation_")
    refuse_follow(kind, nan)
    hidden = _ACTIVATIONS.get(estimator.activation)
    link = _LINKS.get(estimator.out_activation_)
    if hidden is None or link is None:
        raise UnsupportedModelError(
            f"activation {estimator.activation!r} is not supported", cure=f"use {', '.join(_ACTIVATIONS)}"
        )
    task = task_of(kind)
    classes = class_labels(estimator) if task == CLASSIFIER else ()
    if task == CLASSIFIER and len(classes) < 2:
        raise UnsupportedModelError(
            f"this {kind} knows a single class", cure="train it on samples of two classes or more"
        )
    last = len(estimator.coefs_) - 1
    layers = tuple(
        Dense(
            float_array(weights, f"layer {index + 1}"),
            float_array(bias, f"layer {index + 1}"),
            hidden if index < last else IDENTITY,
            (index,),
        )
        for index, (weights, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    )
    n_features = int(estimator.n_features_in_)
    return validate_network(
        Network(
            task=task,
            n_features=n_features,
            layers=layers,
            link=link,
            classes=classes,
            input_shape=(n_features,),
            check_nan=nan != "ignore",
            feature_names=feature_names(estimator),
            origin={key: text for key, text in origin(estimator, "").items() if text},
        )
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of classes or labels, or values."""
    return quietly(
        estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.predict, samples
    )
