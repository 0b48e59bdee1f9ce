"""Networks of float layers evaluated by numpy in float64: an oracle that shares no code with the C.

Written as the docstrings of ``ir.network`` say what layers do: a loop over the kernel's rows and columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir.network import (
    Activation,
    Add,
    Array,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Network,
    Pad,
    Padding,
    Pair,
    Reshape,
    Scale,
)  # fmt: skip

Floats = NDArray[np.float64]


def evaluate(model: Network, samples: NDArray[Any]) -> Floats:
    """The answer to each sample: probabilities or values, shape (rows, classes) or (rows, outputs)."""
    return answers(model, scores(model, samples))


def scores(model: Network, samples: NDArray[Any]) -> Floats:
    """The scores of each sample, shape (rows, outputs)."""
    return tensors(model, samples)[-1]


def tensors(model: Network, samples: NDArray[Any]) -> list[Floats]:
    """Every tensor by its number, shape (rows, *the tensor's shape).

    Args:
        samples: device features, shape (rows, features).
    """
    values = input_values(model, samples)
    found = [values.reshape(len(values), *model.shapes[0])]
    for layer in model.layers:
        found.append(run_layer(layer, [found[number] for number in layer.inputs]))
    return found


def input_values(model: Network, samples: NDArray[Any]) -> Floats:
    """What features stand for: themselves, or of integers with a scale ``feature * (1 / scale)``.

    In float32, as on the device: the factor and the product are rounded.
    """
    values = np.asarray(samples).astype(np.float32)
    if model.scale:
        values = values * (1.0 / np.asarray(model.scale)).astype(np.float32)
    return values.astype(np.float64)


def answers(model: Network, scores: Floats) -> Floats:
    """Scores through the model's link: probabilities or values, one column a class, label or output."""
    if model.link == "softmax":
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))
    if model.link == "exp":
        return np.exp(scores)
    if model.link == "sigmoid":
        scores = activated("sigmoid", 0.0, scores)
    return np.column_stack([1.0 - scores[:, 0], scores[:, 0]]) if model.is_binary else scores


def real(given: Array) -> Floats:
    """An array's numbers in their shape."""
    return np.asarray(given.numbers(), dtype=np.float64).reshape(given.shape)


def activated(kind: str, alpha: float, x: Floats) -> Floats:
    """An activation, number by number."""
    if kind == "identity":
        return x
    if kind == "relu":
        return np.maximum(x, 0.0)
    if kind == "relu6":
        return np.clip(x, 0.0, 6.0)
    if kind == "leaky_relu":
        return np.where(x >= 0.0, x, alpha * x)
    if kind == "elu":
        return np.where(x >= 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))
    if kind == "sigmoid":
        return _sigmoid(x)
    if kind == "tanh":
        return np.tanh(x)
    if kind == "hard_sigmoid":
        return np.clip(alpha * x + 0.5, 0.0, 1.0)
    if kind == "hard_swish":
        return np.asarray(x * np.clip(x + 3.0, 0.0, 6.0) / 6.0)
    if kind == "swish":
        return np.asarray(x * _sigmoid(x))
    raise ValueError(kind)


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-x)))


def run_layer(layer: Layer, given: list[Floats]) -> Floats:
    """What a layer makes of its inputs, each of shape (rows, *shape)."""
    x = given[0]
    if isinstance(layer, Dense):
        return activated(layer.activation, layer.alpha, x @ real(layer.weights) + real(layer.bias))
    if isinstance(layer, Conv | Depthwise):
        return activated(layer.activation, layer.alpha, _convolved(layer, x))
    if isinstance(layer, MaxPool):
        return _highest(layer, x)
    if isinstance(layer, AveragePool):
        return _mean(layer, x)
    if isinstance(layer, Activation):
        return activated(layer.activation, layer.alpha, x)
    if isinstance(layer, Add):
        return activated(layer.activation, layer.alpha, np.sum(given, axis=0))
    if isinstance(layer, Concat):
        return np.concatenate(given, axis=-1)
    if isinstance(layer, Reshape):
        return x.reshape(len(x), *layer.shape)
    if isinstance(layer, Pad):
        return _padded(x, layer.padding, 0.0)
    assert isinstance(layer, Scale)
    return x * real(layer.scale) + real(layer.offset)


def _padded(x: Floats, padding: Padding, value: float) -> Floats:
    top, left, bottom, right = padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _seen(x: Floats, at: Pair, strides: Pair, count: Pair) -> Floats:
    """What one place of a kernel sees, for every window: rows, window rows, window columns, channels."""
    rows = at[0] + strides[0] * np.arange(count[0])
    columns = at[1] + strides[1] * np.arange(count[1])
    return x[:, rows[:, np.newaxis], columns]


def _convolved(layer: Conv | Depthwise, x: Floats) -> Floats:
    padded, weights = _padded(x, layer.padding, 0.0), real(layer.weights)
    count = (layer.shape[0], layer.shape[1])
    total = np.zeros((len(x), *layer.shape)) + real(layer.bias)
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            seen = _seen(padded, (i * layer.dilation[0], j * layer.dilation[1]), layer.strides, count)
            if isinstance(layer, Conv):
                total += seen @ weights[i, j]
            else:
                total += (seen[..., np.newaxis] * weights[i, j]).reshape(total.shape)
    return total


def _highest(layer: MaxPool, x: Floats) -> Floats:
    padded = _padded(x, layer.padding, -np.inf)
    best = np.full((len(x), *layer.shape), -np.inf)
    for i in range(layer.size[0]):
        for j in range(layer.size[1]):
            best = np.maximum(best, _seen(padded, (i, j), layer.strides, (layer.shape[0], layer.shape[1])))
    return best


def _mean(layer: AveragePool, x: Floats) -> Floats:
    padded = _padded(x, layer.padding, 0.0)
    inside = np.ones_like(padded) if layer.counts_padding else _padded(np.ones_like(x), layer.padding, 0.0)
    total, n = np.zeros((len(x), *layer.shape)), np.zeros((len(x), *layer.shape))
    for i in range(layer.size[0]):
        for j in range(layer.size[1]):
            total += _seen(padded, (i, j), layer.strides, (layer.shape[0], layer.shape[1]))
            n += _seen(inside, (i, j), layer.strides, (layer.shape[0], layer.shape[1]))
    return np.asarray(total / n)
