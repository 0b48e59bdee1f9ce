"""How far a network's answers may be off before something is wrong.

Sums of floats are rounded at every step, in an order that is not the library's. What that can do has no
useful bound, but what it does is known: less than a hundred-thousandth of what the last layer adds up,
positive and negative alike. Layers of integers are off by what calibration data showed besides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host import evaluate_network as floats
from milliwatt.host.batches import in_batches
from milliwatt.ir.model import EXP, SIGMOID, SOFTMAX
from milliwatt.ir.network import Dense, Network

RELATIVE = 1e-5
_LINK = 1e-6  # what exp() adds to a probability: include/milliwatt/links.h
_STEEPEST = {SIGMOID: 0.25, SOFTMAX: 0.5}

Floats = NDArray[np.float64]


def score_bounds(model: Network, samples: NDArray[Any]) -> Floats:
    """How far a score of a network of floats may be off, shape (rows, outputs).

    Args:
        samples: device features.
    """
    return RELATIVE * in_batches(model, np.asarray(samples), lambda some: _added_up(model, some))


def answer_bounds(model: Network, samples: NDArray[Any]) -> Floats:
    """How far an answer may be off the estimator's, shape (rows, answers).

    Of a network of integers, that is the largest difference that calibration data showed.
    """
    rows = len(samples)
    if model.is_integer:
        trade = model.calibration.quantize if model.calibration else None
        largest = trade.largest_difference if trade else 0.0
        return np.full((rows, model.n_answers), largest * (1 + RELATIVE) + _LINK)
    bound = score_bounds(model, samples)
    if model.link == EXP:
        reached = in_batches(model, np.asarray(samples), lambda some: floats.evaluate(model, some))
        return np.asarray(reached * (np.expm1(bound) + _LINK))
    if model.link == SOFTMAX:
        bound = np.broadcast_to(bound.max(axis=1, keepdims=True), bound.shape)
    bound = bound * _STEEPEST.get(model.link, 1.0)
    if model.link in _STEEPEST:
        bound = bound + _LINK
    return np.column_stack([bound, bound]) if model.is_binary else np.asarray(bound)


def _added_up(model: Network, samples: NDArray[Any]) -> Floats:
    """The sizes of what is added up to each score, all positive."""
    tensors = floats.tensors(model, samples)
    last = model.layers[-1]
    given = np.abs(tensors[last.inputs[0]])
    if isinstance(last, Dense):
        sizes = given @ np.abs(floats.real(last.weights)) + np.abs(floats.real(last.bias))
        return np.asarray(sizes)
    largest = given.reshape(len(given), -1).max(axis=1, keepdims=True)
    return np.broadcast_to(largest, (len(given), model.n_outputs))
