"""Networks with fewer layers that answer the same: what training needed, and devices do not.

- ``Scale`` (batch normalisation) becomes a part of the layer before it, or of the one after it, or else a
  ``Depthwise`` layer of 1 by 1 (exact where zeros pad the image: they are not scaled);
- an ``Activation`` becomes a part of the layer before it;
- a ``Pad`` becomes the padding of what follows;
- a convolution of 1 by 1 before the mean of the whole image comes after it, as a ``Dense`` layer: the mean of
  sums is the sum of means;
- a ``Reshape`` that changes nothing, or is followed by another, and layers nobody reads, go.

A layer whose output has two readers stays as it is. Weights are multiplied in float64 and rounded once.
``Network.hints`` follow their layers; where weights change, they are no longer the file's integers.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    Activation,
    Add,
    Array,
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    Network,
    Pad,
    Padding,
    Reshape,
    Scale,
)  # fmt: skip
from milliwatt.ir.network_integers import Grid
from milliwatt.ir.quantization_hints import LayerHint, QuantizationHints, same_steps
from milliwatt.ir.validate_network import validate_network

Floats = NDArray[np.float64]


def fold_network(model: Network) -> Network:
    """A valid network without ``Scale``, of float layers that answer the same up to the rounding of weights.

    Raises:
        UnsupportedModelError: a folded weight does not fit float32.
        ModelFileError: the network given is not well formed.
    """
    given = model.hints or QuantizationHints(0, (LayerHint(),) * len(model.layers))
    layers = _Layers([layer for layer in model.layers if _is_float(layer)], given, hinted=bool(model.hints))  # type: ignore[misc]
    layers.drop_unread()
    before: list[FloatLayer] = []
    while before != layers.layers:
        before = list(layers.layers)
        for step in layers.steps:
            layers.everywhere(step)
        if before == layers.layers:
            layers.everywhere(layers.scale_as_depthwise)  # which the others then look at again
    hints = (
        dataclasses.replace(given, layers=tuple(layers.hints), input=layers.input) if model.hints else None
    )
    return validate_network(dataclasses.replace(model, layers=tuple(layers.layers), hints=hints))


def _is_float(layer: object) -> bool:
    if not hasattr(layer, "inputs"):
        raise TypeError("layers of bytes are folded already")
    return True


class _Layers:
    """Layers that are being changed; ``layers[i]`` gives tensor ``i + 1``, ``hints[i]`` is its hint."""

    def __init__(self, layers: list[FloatLayer], hints: QuantizationHints, *, hinted: bool) -> None:
        self.layers, self.hints, self.input = layers, list(hints.layers), hints.input
        steps = [self.drop_reshape, self.fold_back, self.fold_on, self.merge_pad, self.fuse]
        if not hinted:  # for the file rounds before the mean
            steps.append(self.mean_first)
        self.steps = tuple(steps)

    def everywhere(self, step: Callable[[int], bool]) -> None:
        """Take a step at each layer until none changes anything any more."""
        index = 0
        while index < len(self.layers):
            index = max(0, index - 1) if step(index) else index + 1

    def _readers(self, tensor: int) -> list[int]:
        """The layers that read a tensor, once for each time they do; the output is read by nobody here."""
        return [i for i, layer in enumerate(self.layers) for number in layer.inputs if number == tensor]

    def _reader(self, tensor: int) -> int | None:
        """The only reader of a tensor."""
        readers = self._readers(tensor)
        return readers[0] if len(readers) == 1 else None

    def _before(self, index: int) -> FloatLayer | None:
        """The layer that a layer takes its only input from, if nobody else reads that."""
        inputs = self.layers[index].inputs
        if len(inputs) != 1 or inputs[0] == 0 or self._reader(inputs[0]) is None:
            return None
        return self.layers[inputs[0] - 1]

    def _remove(self, index: int) -> None:
        """Take a layer out; those that read it read its input."""
        removed, given = index + 1, self.layers[index].inputs[0]

        def moved(number: int) -> int:
            number = given if number == removed else number
            return number - 1 if number > removed else number

        del self.layers[index], self.hints[index]
        self._renumber(moved)

    def _insert(self, index: int, layer: FloatLayer) -> None:
        """Put a layer before the one at ``index``, which alone reads it."""
        self._renumber(lambda number: number + 1 if number > index else number)
        self.layers.insert(index, layer)
        self.hints.insert(index, LayerHint())
        self.layers[index + 1] = dataclasses.replace(self.layers[index + 1], inputs=(index + 1,))

    def _renumber(self, moved: Callable[[int], int]) -> None:
        self.layers[:] = [
            dataclasses.replace(layer, inputs=tuple(map(moved, layer.inputs))) for layer in self.layers
        ]

    def drop_unread(self) -> None:
        """Layers nobody reads go."""
        readers = Counter(number for layer in self.layers for number in layer.inputs)
        for index in range(len(self.layers) - 2, -1, -1):
            if not readers[index + 1]:
                readers.subtract(self.layers[index].inputs)
                self._remove(index)

    def drop_reshape(self, index: int) -> bool:
        layer = self.layers[index]
        if not isinstance(layer, Reshape) or self._requantises(index):
            return False
        before = self.layers[layer.inputs[0] - 1] if layer.inputs[0] else None
        if isinstance(before, Reshape) and not self._requantises(layer.inputs[0] - 1):
            self._inherit(index + 1, layer.inputs[0])
            self.layers[index] = dataclasses.replace(layer, inputs=before.inputs)
            if not self._readers(place := layer.inputs[0]):
                self._remove(place - 1)
            return True
        if before is not None and before.shape == layer.shape:
            self._inherit(layer.inputs[0], index + 1)
            self._remove(index)
            return True
        return False

    def _grid(self, tensor: int) -> Grid | None:
        return self.hints[tensor - 1].grid if tensor else self.input

    def _requantises(self, index: int) -> bool:
        """A layer that moves numbers only, before and after which the file has different scales."""
        before, own = self._grid(self.layers[index].inputs[0]), self.hints[index].grid
        return own is not None and before is not None and not same_steps(own, before)

    def _set_grid(self, tensor: int, grid: Grid | None) -> None:
        if tensor == 0:
            self.input = grid
        else:
            self.hints[tensor - 1] = dataclasses.replace(self.hints[tensor - 1], grid=grid)

    def _inherit(self, tensor: int, other: int) -> None:
        """The grid of another tensor of the same numbers, where the file does not say a tensor's own."""
        if self._grid(tensor) is None:
            self._set_grid(tensor, self._grid(other))

    def fold_back(self, index: int) -> bool:
        """A scale into the layer before it."""
        layer, before = self.layers[index], self._before(index)
        if not isinstance(layer, Scale):
            return False
        scale, offset = _real(layer.scale), _real(layer.offset)
        where = layer.inputs[0] - 1
        hint = _scaled(self.hints[where], self.hints[index], scale)
        if isinstance(before, Scale):
            self.layers[where] = dataclasses.replace(
                before,
                scale=_array(_real(before.scale) * scale),
                offset=_array(_real(before.offset) * scale + offset),
            )
        elif isinstance(before, Dense | Conv | Depthwise) and before.activation == IDENTITY:
            weights = _real(before.weights)
            # A depthwise layer's last two sides are its output channels.
            outputs = scale.reshape(weights.shape[2:]) if isinstance(before, Depthwise) else scale
            self.layers[where] = dataclasses.replace(
                before, weights=_array(weights * outputs), bias=_array(_real(before.bias) * scale + offset)
            )
        else:
            return False
        self.hints[where] = dataclasses.replace(hint, grid=self.hints[index].grid)
        self._remove(index)
        return True

    def fold_on(self, index: int) -> bool:
        """A scale into the layer after it, or after the reshape after it."""
        layer = self.layers[index]
        at = self._reader(index + 1)
        if not isinstance(layer, Scale) or at is None:
            return False
        after = self.layers[at]
        scale, offset = _real(layer.scale), _real(layer.offset)
        if (
            isinstance(after, Reshape)
            and len(after.shape) == 1
            and (behind := self._reader(at + 1)) is not None
        ):
            times = prod(layer.shape) // len(scale)
            at, after, scale, offset = (
                behind,
                self.layers[behind],
                np.tile(scale, times),
                np.tile(offset, times),
            )
        if isinstance(after, Dense):
            weights = _real(after.weights)
            changed = weights * scale[:, np.newaxis]
            more = offset @ weights
        elif isinstance(after, Conv | Depthwise) and (not any(after.padding) or not offset.any()):
            weights = _real(after.weights)
            changed = weights * scale[:, np.newaxis]
            seen = weights.sum(axis=(0, 1))
            more = offset @ seen if isinstance(after, Conv) else (offset[:, np.newaxis] * seen).reshape(-1)
        else:
            return False
        self.hints[at] = _scaled(self.hints[at], self.hints[index], scale)
        if (between := after.inputs[0]) != index + 1:
            self._set_grid(between, None)  # its numbers are not scaled any more
        self.layers[at] = dataclasses.replace(
            after, weights=_array(changed), bias=_array(_real(after.bias) + more)
        )
        self._remove(index)
        return True

    def scale_as_depthwise(self, index: int) -> bool:
        layer = self.layers[index]
        if not isinstance(layer, Scale):
            return False
        n, shape = layer.scale.size, layer.shape
        kernel = Array((1, 1, n, 1), "float32", layer.scale.data)
        image = shape if len(shape) > 1 else (1, 1, n)
        self.layers[index] = Depthwise(kernel, layer.offset, layer.inputs, image)
        if image != shape:
            self._insert(index, Reshape(layer.inputs, image))
            self._reshape_after(index + 1, shape)
        return True

    def _reshape_after(self, index: int, shape: tuple[int, ...]) -> None:
        """Put a reshape behind a layer, which all that read the layer then read."""
        self._renumber(lambda number: number + 1 if number > index else number)
        self.layers.insert(index + 1, Reshape((index + 1,), shape))
        self.hints.insert(index + 1, LayerHint())

    def merge_pad(self, index: int) -> bool:
        """Padding into the layer after it."""
        layer = self.layers[index]
        at = self._reader(index + 1)
        if not isinstance(layer, Pad) or at is None or self._requantises(index):
            return False
        after = self.layers[at]
        if isinstance(after, Conv | Depthwise | Pad):
            self.layers[at] = dataclasses.replace(after, padding=_sum(layer.padding, after.padding))
        elif isinstance(after, AveragePool) and not any(after.padding) and _fits(layer.padding, after):
            self.layers[at] = dataclasses.replace(after, padding=layer.padding, counts_padding=True)
        else:
            return False
        self._inherit(layer.inputs[0], index + 1)
        self._remove(index)
        return True

    def fuse(self, index: int) -> bool:
        """An activation into the layer before it, or before a reshape before it."""
        layer, where = self.layers[index], index
        if not isinstance(layer, Activation):
            return False
        before, crossed = self._before(index), []
        while isinstance(before, Reshape) and not self._requantises(self.layers[where].inputs[0] - 1):
            crossed.append(self.layers[where].inputs[0])
            where = self.layers[where].inputs[0] - 1
            before = self._before(where)
        if not isinstance(before, Dense | Conv | Depthwise | Add) or before.activation != IDENTITY:
            return False
        where = self.layers[where].inputs[0] - 1
        self.layers[where] = dataclasses.replace(before, activation=layer.activation, alpha=layer.alpha)
        hint, read = self.hints[where], self._grid(layer.inputs[0])
        self.hints[where] = dataclasses.replace(hint, grid=self.hints[index].grid, before=hint.grid or read)
        for tensor in crossed:  # which now give what the activation gave
            self._set_grid(tensor, None)
        self._remove(index)
        return True

    def mean_first(self, index: int) -> bool:
        """A convolution of 1 by 1, a mean of the whole image, a row of it: the mean first."""
        row, mean = self.layers[index], self._before(index)
        if not isinstance(row, Reshape) or len(row.shape) != 1 or not isinstance(mean, AveragePool):
            return False
        at = row.inputs[0] - 1
        conv = self._before(at)
        if not isinstance(conv, Conv) or conv.activation != IDENTITY or any(mean.padding):
            return False
        if conv.weights.shape[:2] != (1, 1) or conv.strides != (1, 1) or any(conv.padding):
            return False
        if mean.shape[:2] != (1, 1) or mean.size != conv.shape[:2]:
            return False
        n_in, n_out = conv.weights.shape[2:]
        first = mean.inputs[0] - 1
        self.layers[first] = dataclasses.replace(mean, inputs=conv.inputs, shape=(1, 1, n_in))
        self.layers[at] = Reshape((first + 1,), (n_in,))
        weights = Array((n_in, n_out), conv.weights.kind, conv.weights.data)
        self.layers[index] = Dense(weights, conv.bias, inputs=(at + 1,))
        return True


def _scaled(weights: LayerHint, scale: LayerHint, factors: Floats) -> LayerHint:
    """The hint of a layer that a scale becomes a part of: a mere offset leaves weights as they are."""
    if (factors == 1.0).all():
        return weights
    return dataclasses.replace(
        weights,
        units=(),
        problem=f"is multiplied by {scale.name}, and then its weights are not the file's integers any more",
        cure="fold it into the weights before quantising, as onnxruntime.quantization.preprocess does",
    )


def _sum(a: Padding, b: Padding) -> Padding:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


def _fits(padding: Padding, pool: AveragePool) -> bool:
    return all(side < pool.size[index % 2] for index, side in enumerate(padding))


def _real(given: Array) -> Floats:
    return np.asarray(given.numbers(), dtype=np.float64).reshape(given.shape)


def _array(values: Floats) -> Array:
    with np.errstate(over="ignore"):
        exact = np.ascontiguousarray(values, dtype="<f4")
    if not np.isfinite(exact).all():
        raise UnsupportedModelError(
            "a weight does not fit float32 once batch normalisation is folded into it",
            cure="train again, with a smaller learning rate, or with a larger epsilon",
        )
    return Array(exact.shape, "float32", exact.tobytes())
