"""scikit-learn's pipelines: what stands before the model becomes part of it.

Scalers and other functions of one feature each move into thresholds of trees, and into the first layer of
networks; selection leaves features out. So the device takes the features that the pipeline takes, and
computes nothing but the model.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.fold_thresholds import compares_single, fold_trees
from milliwatt.frontends.network_graph import float_array
from milliwatt.frontends.preparation import Preparation
from milliwatt.frontends.sklearn_common import feature_names
from milliwatt.frontends.sklearn_transformers import preparation_of
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.network import Dense
from milliwatt.ir.validate_network import validate_network

SUPPORTED = ("Pipeline",)


def convert_pipeline(estimator: Any, kind: str, *, nan: str) -> AnyModel:
    """The last step on the features that the first step takes.

    Raises:
        UnsupportedModelError: a step is not supported, or cannot become part of this model; it is named.
        MilliwattError: not fitted.
    """
    steps, (name, final) = _split(estimator)
    known = [step.n_features_in_ for _, step in (*steps, (name, final)) if hasattr(step, "n_features_in_")]
    if not known:
        raise MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")
    prepared = preparation_of(steps, int(known[0]))
    model = _model_of(final, nan, fills=any(column.fills for column in prepared.columns))
    if model.n_features != prepared.width:
        raise UnsupportedModelError(
            f"step {name!r} ({type(final).__name__}) takes {model.n_features} features, and gets "
            f"{prepared.width}",
            cure="fit the pipeline as a whole",
        )
    if isinstance(model, Network):
        folded: AnyModel = _fold_network(model, prepared)
    else:
        folded = fold_trees(model, prepared, single=compares_single(final))
    made_of = ", ".join(type(step).__name__ for _, step in (*steps, (name, final)))
    # Thresholds do not lie in the middle between two integers any more.
    origin = {**model.origin, "class": f"Pipeline of {made_of}", "splitter": "random"}
    return dataclasses.replace(
        folded,
        feature_names=feature_names(estimator),
        origin={key: text for key, text in origin.items() if key in model.origin},
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the last step answers to what the others make of the samples."""
    from milliwatt.frontends import answers_of  # which lists this module

    steps, (_, final) = _split(estimator)
    given: Any = samples
    names = feature_names(estimator)
    if names and any(_wants_names(step) for _, step in steps):
        # Whoever named columns has pandas; only a table of it has names.
        given = importlib.import_module("pandas").DataFrame(samples, columns=list(names))
    for _, step in steps:
        if not (isinstance(step, str) or step is None):
            given = step.transform(given)
    return answers_of(final, np.asarray(given, dtype=np.float64))


def _split(estimator: Any) -> tuple[list[tuple[str, Any]], tuple[str, Any]]:
    """The transformers, those of pipelines at the end included, and the last step."""
    *steps, (name, final) = estimator.steps
    if type(final).__name__ == "Pipeline":
        inner, last = _split(final)
        return [*steps, *inner], last
    return steps, (name, final)


def _wants_names(step: Any) -> bool:
    return hasattr(step, "feature_names_in_")


def _model_of(final: Any, nan: str, *, fills: bool) -> AnyModel:
    from milliwatt.frontends import to_ir  # which lists this module

    if isinstance(final, str) or final is None:
        raise UnsupportedModelError(
            "a pipeline that ends with a transformer is not supported",
            cure="let it end with the model",
        )
    if fills and nan == "follow":
        # Filled values are followed where the model itself would refuse them.
        nan = "auto"
    return to_ir(final, nan=nan)


def _fold_network(model: Network, prepared: Preparation) -> Network:
    """The first layer takes features as they come: ``(x @ a + b) @ w + bias``."""
    for column in prepared.columns:
        for step in column.steps:
            if step.fill is not None:
                raise UnsupportedModelError(
                    f"{step.label} before a network is not supported: networks refuse missing values",
                    cure="leave it out, and fill them in the firmware",
                )
            if step.affine is None:
                raise UnsupportedModelError(
                    f"{step.label} cannot become part of a network: it is no multiplication and addition",
                    cure="let it be a feature that the firmware computes; or train trees, which can take it",
                )
    first = model.layers[0]
    if not isinstance(first, Dense) or any(0 in layer.inputs for layer in model.layers[1:]):
        raise UnsupportedModelError(
            "transformers before a network that does not begin with one dense layer are not supported",
            cure="let the network itself scale its input (BatchNormalization)",
        )
    matrix, offset = prepared.as_matrix()
    weights = np.array(first.weights.numbers(), dtype=np.float64).reshape(first.weights.shape)
    bias = np.array(first.bias.numbers(), dtype=np.float64)
    begin = dataclasses.replace(
        first,
        weights=float_array(matrix @ weights, "the first layer with the steps before it"),
        bias=float_array(offset @ weights + bias, "the first layer with the steps before it"),
    )
    return validate_network(
        dataclasses.replace(
            model,
            n_features=prepared.n_features,
            input_shape=(prepared.n_features,),
            layers=(begin, *model.layers[1:]),
        )
    )
