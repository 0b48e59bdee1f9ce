"""What the frontends of networks share: a graph that grows layer by layer, in any library's order of numbers.

Libraries have images as (channels, height, width) or (height, width, channels); the IR has the latter only. A
:class:`Value` says where each of its numbers lies in the IR's tensor. Reshaping and transposing change only
that, so they cost nothing, and a dense layer after them gets its weights in the IR's order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.network_hints import Hints
from milliwatt.frontends.network_places import Value, image_shape, places_of
from milliwatt.ir.model import CLASSIFIER, IDENTITY, REGRESSOR, SIGMOID, SOFTMAX
from milliwatt.ir.network import (
    NO_PADDING,
    Activation,
    Add,
    Array,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Network,
    Pad,
    Padding,
    Pair,
    Reshape,
    Scale,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_shapes import window_shape
from milliwatt.ir.validate_network import MAX_TENSOR
from milliwatt.passes.fold_networks import fold_network


def refuse(where: str, why: str, cure: str) -> UnsupportedModelError:
    """The error for a layer that is not converted, told by its name."""
    return UnsupportedModelError(f"{where} {why}", cure=cure)


def float_array(values: NDArray[Any], where: str = "a layer") -> Array:
    """Numbers as float32."""
    with np.errstate(over="ignore"):
        exact = np.ascontiguousarray(values, dtype="<f4")
    if not np.isfinite(exact).all():
        raise refuse(
            where, "has a weight that float32 cannot hold", "train again, with a smaller learning rate"
        )
    return Array(exact.shape, "float32", exact.tobytes())


class Graph:
    """Layers so far. Methods take values, and give the value that a layer makes of them.

    Args:
        shape: the input's, as the library has it, without the batch.
        channels_first: how the library orders it; (channels, length) and (length, channels) are signals.

    Raises:
        UnsupportedModelError: in all methods: the layer ``where`` cannot be expressed, and why.
    """

    def __init__(self, shape: Sequence[int], *, channels_first: bool) -> None:
        if not 1 <= len(shape) <= 3 or not all(side >= 1 for side in shape) or prod(shape) > MAX_TENSOR:
            raise UnsupportedModelError(
                f"an input of the shape {tuple(shape)} is not supported",
                cure="give samples the shape (n), (length, channels) or (height, width, channels), all known",
            )
        self.layers: list[FloatLayer] = []
        self.shapes: list[Shape] = []
        self.names: list[str] = []
        self.reshaped: dict[tuple[int, Shape], int] = {}
        self.hints = Hints()
        self.input_shape = image_shape(shape, channels_first) if len(shape) > 1 else tuple(shape)
        self.shapes.append(self.input_shape)
        first = channels_first and len(shape) > 1
        self.input = Value(0, places_of(self.input_shape, len(shape), first))

    def _append(self, layer: FloatLayer, where: str) -> int:
        if min(layer.shape) < 1 or prod(layer.shape) > MAX_TENSOR:
            raise refuse(
                where,
                f"gives {layer.shape}, which is not possible",
                "give it a larger input, or a smaller one",
            )
        self.layers.append(layer)
        self.shapes.append(layer.shape)
        self.names.append(where)
        return len(self.layers)

    # -- how numbers lie -----------------------------------------------------------------------

    def image(self, value: Value, where: str, *, channels_first: bool) -> int:
        """The number of a tensor that is the image which the library sees."""
        n = len(value.shape)
        if n not in (2, 3):
            raise refuse(
                where, f"takes {n} dimensions", "use 1D and 2D layers on samples of one batch dimension"
            )
        if not self.is_image(value, channels_first=channels_first):
            raise refuse(
                where,
                "follows a reshape or transpose that moves numbers between rows, columns and channels",
                "keep images as they are up to the layer that flattens them",
            )
        return self._shaped(value.tensor, image_shape(value.shape, channels_first), where)

    @staticmethod
    def is_image(value: Value, *, channels_first: bool) -> bool:
        """Whether the numbers of a value lie as those of such an image."""
        shape = image_shape(value.shape, channels_first)
        return np.array_equal(value.places, places_of(shape, len(value.shape), channels_first))

    def _shaped(self, tensor: int, shape: Shape, where: str) -> int:
        if self.shapes[tensor] == shape:
            return tensor
        if (tensor, shape) not in self.reshaped:
            self.reshaped[tensor, shape] = self._append(Reshape((tensor,), shape), where)
        return self.reshaped[tensor, shape]

    def _seen(self, tensor: int, n: int, channels_first: bool) -> Value:
        """An image in the IR as the library sees it, in 2 or 3 dimensions."""
        return Value(tensor, places_of(self.shapes[tensor], n, channels_first))

    def reshape(self, value: Value, shape: Sequence[int], where: str) -> Value:
        """The library's reshape; one side may be -1."""
        try:
            return Value(value.tensor, value.places.reshape(tuple(shape)))
        except ValueError:
            raise refuse(where, f"makes {tuple(shape)} of {value.shape}", "check its shape") from None

    def transpose(self, value: Value, order: Sequence[int], where: str) -> Value:
        """The library's transpose."""
        try:
            return Value(value.tensor, value.places.transpose(tuple(order)))
        except ValueError:
            raise refuse(where, f"transposes {value.shape} by {tuple(order)}", "check its order") from None

    # -- layers with weights -------------------------------------------------------------------

    def dense(self, value: Value, weights: NDArray[Any], bias: NDArray[Any] | None, where: str) -> Value:
        """Weights of shape (inputs, outputs), along the library's last dimension."""
        if value.shape[-1:] != weights.shape[:1]:
            raise refuse(
                where, f"has weights for {weights.shape[0]} inputs, not {value.shape}", "check the model"
            )
        bias = np.zeros(weights.shape[1]) if bias is None else bias
        if len(value.shape) > 1:
            return self.conv(value, weights[np.newaxis, np.newaxis], bias, where, channels_first=False)
        moved = np.empty_like(weights)
        moved[value.places] = weights
        tensor = self._shaped(value.tensor, value.shape, where)
        layer = Dense(float_array(moved, where), float_array(bias, where), IDENTITY, (tensor,))
        return Value(self._append(layer, where), np.arange(weights.shape[1]))

    def conv(
        self,
        value: Value,
        kernel: NDArray[Any],
        bias: NDArray[Any] | None,
        where: str,
        *,
        channels_first: bool,
        strides: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = NO_PADDING,
        depthwise: bool = False,
    ) -> Value:
        """A kernel of shape (rows, columns, channels, channels out), of depthwise ones (…, multiplier)."""
        tensor = self.image(value, where, channels_first=channels_first)
        image = self.shapes[tensor]
        if image[2] != kernel.shape[2]:
            raise refuse(
                where, f"has weights for {kernel.shape[2]} channels, not {image[2]}", "check the model"
            )
        out = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[3]
        found = window_shape(image, (kernel.shape[0], kernel.shape[1]), strides, dilation, padding)
        bias = np.zeros(out) if bias is None else bias
        layer = (Depthwise if depthwise else Conv)(
            float_array(kernel, where),
            float_array(bias, where),
            (tensor,),
            (*found, out),
            strides,
            dilation,
            padding,
        )
        return self._seen(self._append(layer, where), len(value.shape), channels_first)

    def scale(
        self, value: Value, scale: NDArray[Any], offset: NDArray[Any], where: str, *, channels_first: bool
    ) -> Value:
        """``x * scale + offset``, a number each channel."""
        if np.size(scale) == np.size(offset) == 1:  # whatever the order
            tensor, scale, offset = value.tensor, np.reshape(scale, 1), np.reshape(offset, 1)
        elif len(value.shape) == 1:
            tensor = self._shaped(value.tensor, value.shape, where)
            moved = np.empty((2, *value.shape))
            moved[:, value.places] = np.broadcast_to(scale, value.shape), np.broadcast_to(offset, value.shape)
            scale, offset = moved
        else:
            tensor = self.image(value, where, channels_first=channels_first)
        shape = self.shapes[tensor]
        arrays = [float_array(np.broadcast_to(numbers, shape[-1:]), where) for numbers in (scale, offset)]
        number = self._append(Scale(arrays[0], arrays[1], (tensor,), shape), where)
        return Value(number, value.places)

    # -- layers without ------------------------------------------------------------------------

    def pool(
        self,
        value: Value,
        kind: str,
        where: str,
        *,
        channels_first: bool,
        size: Pair,
        strides: Pair,
        padding: Padding = NO_PADDING,
        counts_padding: bool = False,
    ) -> Value:
        """The largest number (``kind`` max) or the mean (average) of windows."""
        tensor = self.image(value, where, channels_first=channels_first)
        image = self.shapes[tensor]
        if any(side >= size[index % 2] for index, side in enumerate(padding)):
            raise refuse(where, "pads as much as its window is wide", "use less padding")
        shape = (*window_shape(image, size, strides, (1, 1), padding), image[2])
        layer: FloatLayer = MaxPool((tensor,), shape, size, strides, padding)
        if kind == "average":
            counts = counts_padding and padding != NO_PADDING
            layer = AveragePool((tensor,), shape, size, strides, padding, counts)
        return self._seen(self._append(layer, where), len(value.shape), channels_first)

    def global_pool(self, value: Value, kind: str, where: str, *, channels_first: bool) -> Value:
        """The largest number or the mean of each channel, the sides kept as 1."""
        height, width, _ = self.shapes[self.image(value, where, channels_first=channels_first)]
        return self.pool(
            value, kind, where, channels_first=channels_first, size=(height, width), strides=(1, 1)
        )

    def activation(self, value: Value, kind: str, where: str, alpha: float = 0.0) -> Value:
        """An activation number by number; or ``softmax``, which only the last layer may be."""
        if kind == IDENTITY:
            return value
        if kind == SOFTMAX and prod(value.shape) != value.shape[-1]:
            raise refuse(where, f"is a softmax of {value.shape}", "flatten before it")
        if not math.isfinite(alpha):
            raise refuse(where, f"has the parameter {alpha}", "use a finite one")
        layer = Activation((value.tensor,), self.shapes[value.tensor], kind, alpha)
        return Value(self._append(layer, where), value.places)

    def softmax(self, value: Value, axis: int, where: str) -> Value:
        """A softmax along a dimension of the library's (which does not count the batch)."""
        if value.shape[axis] != prod(value.shape):
            raise refuse(
                where, f"is a softmax along {value.shape[axis]} of {value.shape}", "flatten before it"
            )
        flat = self.activation(self.reshape(value, [-1], where), SOFTMAX, where)
        return self.reshape(flat, value.shape, where)

    def add(self, values: Sequence[Value], where: str) -> Value:
        """The sum of values of one shape."""
        first = values[0]
        if any(value.shape != first.shape for value in values):
            shapes = ", ".join(str(value.shape) for value in values)
            raise refuse(
                where, f"adds different shapes: {shapes}", "add tensors of one shape, not by broadcasting"
            )
        if not all(np.array_equal(value.places, first.places) for value in values):
            raise refuse(
                where, "adds tensors whose numbers are in different orders", "flatten them after adding"
            )
        if len(values) == 1:
            return first
        shape = self.shapes[first.tensor]
        tensors = tuple(self._shaped(value.tensor, shape, where) for value in values)
        return Value(self._append(Add(tensors, shape), where), first.places)

    def concat(self, values: Sequence[Value], axis: int, where: str, *, channels_first: bool) -> Value:
        """Values after each other, along a dimension of the library's (which does not count the batch)."""
        n = len(values[0].shape)
        if len(values) == 1:
            return values[0]
        if any(len(value.shape) != n for value in values) or not -n <= axis < n:
            raise refuse(where, "joins tensors of different dimensions", "flatten them first")
        if n == 1:
            return self._end_to_end(values, where)
        if axis % n != (0 if channels_first else n - 1):
            raise refuse(where, f"joins along dimension {axis}, which is not channels", "join channels only")
        tensors = tuple(self.image(value, where, channels_first=channels_first) for value in values)
        shapes = [self.shapes[tensor] for tensor in tensors]
        if any(shape[:2] != shapes[0][:2] for shape in shapes):
            raise refuse(where, "joins images of different sizes", "crop or pad them first")
        shape = (*shapes[0][:2], sum(shape[2] for shape in shapes))
        return self._seen(self._append(Concat(tensors, shape), where), n, channels_first)

    def _end_to_end(self, values: Sequence[Value], where: str) -> Value:
        places, tensors, begin = [], [], 0
        for value in values:
            tensors.append(self._shaped(value.tensor, value.shape, where))
            places.append(value.places + begin)
            begin += value.shape[0]
        return Value(self._append(Concat(tuple(tensors), (begin,)), where), np.concatenate(places))

    def pad(self, value: Value, padding: Padding, where: str, *, channels_first: bool) -> Value:
        """Zeros around an image: top, left, bottom, right."""
        if min(padding) < 0:
            raise refuse(where, "crops (a negative padding)", "crop samples before they reach the model")
        if padding == NO_PADDING:
            return value
        tensor = self.image(value, where, channels_first=channels_first)
        height, width, channels = self.shapes[tensor]
        shape = (height + padding[0] + padding[2], width + padding[1] + padding[3], channels)
        number = self._append(Pad((tensor,), shape, padding), where)
        return self._seen(number, len(value.shape), channels_first)

    # -- what a file says about integers -------------------------------------------------------

    def requantised(self, tensor: int, where: str) -> int:
        """Another tensor of the same numbers, for which the file has another scale."""
        return self._append(Reshape((tensor,), self.shapes[tensor]), where)

    # -- the whole -----------------------------------------------------------------------------

    def network(self, value: Value, origin: dict[str, str], **fields: Any) -> Network:
        """The network that gives this value, folded and valid.

        A softmax, or a sigmoid, that is the last layer makes it a classifier, of classes 0, 1, …; else it is
        a regressor (``network_task.as_classifier`` says otherwise).

        Args:
            fields: others of :class:`Network`.
        """
        flat = value.places.reshape(-1)
        if not np.array_equal(flat, np.arange(flat.size)):
            raise UnsupportedModelError(
                "the model's output is an image with channels first, or rearranged",
                cure="end the model with a dense layer or a global pool, or with channels last",
            )
        tensor, link = value.tensor, IDENTITY
        last = self.layers[tensor - 1] if tensor else None
        while isinstance(last, Reshape):
            tensor = last.inputs[0]
            last = self.layers[tensor - 1] if tensor else None
        if isinstance(last, Activation) and last.activation in (SIGMOID, SOFTMAX):
            tensor, link = last.inputs[0], last.activation
        self._refuse_softmax(tensor)
        if tensor == 0:
            raise UnsupportedModelError(
                "the model has no layers", cure="give a model that computes something"
            )
        self._append(Reshape((tensor,), (flat.size,)), "the output")
        task = REGRESSOR if link == IDENTITY else CLASSIFIER
        classes = _classes(flat.size, link) if task == CLASSIFIER else ()
        given = {"task": task, "classes": classes, "link": link, "origin": origin, **fields}
        network = Network(
            n_features=prod(self.input_shape),
            layers=tuple(self.layers),
            input_shape=self.input_shape,
            hints=self.hints.collected(self.names),
            **given,
        )
        try:
            return fold_network(network)
        except UnsupportedModelError:
            raise
        except MilliwattError as error:
            raise UnsupportedModelError(
                f"the model is too large, or damaged ({error.option}: {error.problem})",
                cure="use a smaller model",
            ) from None

    def _refuse_softmax(self, last: int) -> None:
        needed = {last}
        for number in range(len(self.layers), 0, -1):
            layer = self.layers[number - 1]
            if number not in needed:
                continue
            needed.update(layer.inputs)
            if isinstance(layer, Activation) and layer.activation == SOFTMAX:
                raise refuse(
                    self.names[number - 1], "is a softmax within the model", "use softmax at its end only"
                )


def _classes(n: int, link: str) -> tuple[int, ...]:
    return (0, 1) if n == 1 and link == SIGMOID else tuple(range(n))
