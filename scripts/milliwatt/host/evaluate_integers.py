"""Networks of integers evaluated by numpy in 64-bit integers: the numbers that every device has to give.

Written as the docstrings of ``ir.network_integers`` say; it shares no code with the C and packs no weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host import evaluate_network as floats
from milliwatt.ir.network import Array, Concat, Layer, MaxPool, Network, Pad, Reshape
from milliwatt.ir.network_grids import grids, score_units
from milliwatt.ir.network_integers import (
    Grid,
    InputMap,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Requantize,
    Summing,
    Table,
)  # fmt: skip

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def evaluate(model: Network, samples: NDArray[Any]) -> Floats:
    """The answer to each sample: probabilities or values, shape (rows, classes) or (rows, outputs)."""
    return floats.answers(model, scores(model, samples))


def scores(model: Network, samples: NDArray[Any]) -> Floats:
    """The scores of each sample as real numbers, shape (rows, outputs)."""
    return np.asarray(integer_scores(model, samples) * np.asarray(score_units(model)))


def integer_scores(model: Network, samples: NDArray[Any]) -> Integers:
    """The scores of each sample as the integers that a device compares, shape (rows, outputs)."""
    grid = grids(model)[-1]
    return tensors(model, samples)[-1] - (0 if grid is None else grid.zero)


def tensors(model: Network, samples: NDArray[Any]) -> list[Integers]:
    """Every tensor by its number, shape (rows, *the tensor's shape).

    Args:
        samples: device features, shape (rows, features).
    """
    assert model.input_map is not None
    values = quantized_features(model.input_map, samples, real=model.dtype == "float")
    found = [values.reshape(len(values), *model.shapes[0])]
    known = grids(model)
    for index, layer in enumerate(model.layers):
        given = [found[number] for number in layer.inputs]
        found.append(run_layer(layer, given, known[layer.inputs[0]], known[index + 1]))
    return found


def quantized_features(given: InputMap, samples: NDArray[Any], *, real: bool) -> Integers:
    """Features as integers; see :class:`InputMap`.

    Args:
        real: features are real numbers, else integers.
    """
    if not real:
        whole = np.asarray(samples, dtype=np.int64)
        if given.scale:
            whole = (whole * np.asarray(given.scale) + np.asarray(given.offset)) >> given.shift
        return whole.clip(given.low, given.high)
    inverse = (1.0 / np.asarray(given.unit)).astype(np.float32)
    steps = (np.asarray(samples, dtype=np.float32) * inverse).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps))  # halves away from zero; exact in float64
    low, high = given.low - np.asarray(given.zero), given.high - np.asarray(given.zero)
    found: Integers = rounded.clip(low, high).astype(np.int64) + np.asarray(given.zero)
    return found


def real_values(grid: Grid, values: Integers) -> Floats:
    """What integers stand for."""
    return np.asarray((values - grid.zero) * grid.unit, dtype=np.float64)


def run_layer(layer: Layer, given: list[Integers], before: Grid | None, after: Grid | None) -> Integers:
    """What a layer makes of its inputs, each of shape (rows, *shape).

    Args:
        before: the grid of the first input.
        after: the grid of the output; None: scores.
    """
    x = given[0]
    if isinstance(layer, IntDense):
        sums = x @ integers(layer.weights) + integers(layer.bias)
        return _requantized(layer.requantize, sums, after)
    if isinstance(layer, IntConv | IntDepthwise):
        assert before is not None
        return _requantized(layer.requantize, _sums(layer, x, before.zero), after)
    if isinstance(layer, IntAveragePool):
        assert before is not None
        return _mean(layer, x, before, after).reshape(len(x), *layer.shape)
    if isinstance(layer, IntAdd):
        total = sum((x * scale for x, scale in zip(given, layer.scales, strict=True)), np.int64(layer.offset))
        return _clamped(np.asarray(total) >> layer.shift, after)
    if isinstance(layer, Table):
        return _looked_up(integers(layer.values), x)
    if isinstance(layer, MaxPool):
        return _highest(layer, x)
    if isinstance(layer, Concat):
        return np.concatenate(given, axis=-1)
    if isinstance(layer, Reshape):
        return x.reshape(len(x), *layer.shape)
    assert isinstance(layer, Pad)
    assert before is not None
    return _padded(x, layer.padding, before.zero)


def integers(given: Array) -> Integers:
    """An array's numbers in their shape."""
    return np.asarray(given.numbers(), dtype=np.int64).reshape(given.shape)


def _clamped(values: Integers, grid: Grid | None) -> Integers:
    return values if grid is None else values.clip(grid.low, grid.high)


def _requantized(how: Requantize, sums: Integers, after: Grid | None) -> Integers:
    return _clamped(((sums >> how.sum_shift) * integers(how.scale) + how.offset) >> how.shift, after)


def _padded(x: Integers, padding: tuple[int, ...], value: int) -> Integers:
    top, left, bottom, right = padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _windows(layer: IntConv | IntDepthwise, x: Integers, zero: int) -> Integers:
    """What each window sees: shape (rows, height, width, kernel height, kernel width, channels)."""
    padded = _padded(x, layer.padding, zero)
    height, width = layer.weights.shape[:2]
    rows = np.arange(layer.shape[0])[:, None] * layer.strides[0] + np.arange(height) * layer.dilation[0]
    columns = np.arange(layer.shape[1])[:, None] * layer.strides[1] + np.arange(width) * layer.dilation[1]
    return padded[:, rows[:, None, :, None], columns[None, :, None, :]]


def _sums(layer: Summing, x: Integers, zero: int) -> Integers:
    assert isinstance(layer, IntConv | IntDepthwise)
    seen, weights = _windows(layer, x, zero), integers(layer.weights)
    if isinstance(layer, IntConv):
        found = np.tensordot(seen, weights, axes=3)
    else:
        found = np.einsum("nyxijc,ijcm->nyxcm", seen, weights).reshape(len(x), *layer.shape)
    return np.asarray(found + integers(layer.bias))


def _spans(count: int, size: int, stride: int, before: int, side: int) -> list[tuple[int, int]]:
    """Of each window along a side, the part in the image."""
    starts = [index * stride - before for index in range(count)]
    return [(max(start, 0), min(start + size, side)) for start in starts]


def _pooled(layer: MaxPool | IntAveragePool, x: Integers) -> list[list[Integers]]:
    """What each window sees of the image, shape (rows, numbers, channels)."""
    height, width = layer.shape[:2] if len(layer.shape) > 1 else (1, 1)  # one window: scores
    rows = _spans(height, layer.size[0], layer.strides[0], layer.padding[0], x.shape[1])
    columns = _spans(width, layer.size[1], layer.strides[1], layer.padding[1], x.shape[2])
    return [
        [x[:, top:bottom, left:right].reshape(len(x), -1, x.shape[3]) for left, right in columns]
        for top, bottom in rows
    ]


def _highest(layer: MaxPool, x: Integers) -> Integers:
    return np.stack(
        [np.stack([seen.max(axis=1) for seen in row], axis=1) for row in _pooled(layer, x)], axis=1
    )


def _mean(layer: IntAveragePool, x: Integers, before: Grid, after: Grid | None) -> Integers:
    full = layer.size[0] * layer.size[1]
    lines = []
    for row in _pooled(layer, x):
        line = []
        for seen in row:
            outside = full - seen.shape[1] if layer.counts_padding else 0
            n = seen.shape[1] + outside
            line.append(_mean_of(seen.sum(axis=1) + outside * before.zero, n, bytes_=layer.bits == 8))
        lines.append(np.stack(line, axis=1))
    means = np.stack(lines, axis=1)
    return _clamped((means * layer.scale + layer.offset) >> layer.shift, after)


def _mean_of(sums: Integers, n: int, *, bytes_: bool) -> Integers:
    if bytes_:
        return np.asarray((sums * (((1 << 24) + n // 2) // n) + (1 << 15)) >> 16)
    return np.asarray((sums + n // 2) // n)


def _looked_up(values: Integers, x: Integers) -> Integers:
    if len(values) == 256:
        return values[x]
    index, fraction = (x >> 8) + 128, x & 255
    return np.asarray(values[index] + (((values[index + 1] - values[index]) * fraction + 128) >> 8))
