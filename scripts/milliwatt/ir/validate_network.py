"""Checks that a network is well formed, so that everything after it can trust it."""

from __future__ import annotations

import math
from math import prod

from milliwatt.errors import ModelFileError
from milliwatt.ir.model import EXP, IDENTITY, REGRESSOR, SIGMOID, SOFTMAX
from milliwatt.ir.network import (
    ACTIVATIONS,
    WITH_ALPHA,
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
    Reshape,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_array import KINDS
from milliwatt.ir.network_integers import (
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Table,
)
from milliwatt.ir.network_shapes import IMAGE, Windowed, output_shape
from milliwatt.ir.validate import check_calibration, check_classes, check_name, check_settings, fail
from milliwatt.ir.validate_integers import IntegerChecks

MAX_LAYERS = 1000
MAX_SIDE = 65_535  # of a shape, and of everything that is counted in rows or columns
MAX_TENSOR = 1 << 22  # numbers in a tensor
MAX_WEIGHTS = 1 << 24  # in a layer
MAX_ALPHA = 1e6
_MOVING = (MaxPool, Concat, Reshape, Pad)
_FLOATS = (Dense, Conv, Depthwise, AveragePool, Activation, Add, *_MOVING)
_INTEGERS = (IntDense, IntConv, IntDepthwise, IntAveragePool, IntAdd, Table, *_MOVING)
_FLOAT_ARRAYS = (("weights", "float32"), ("bias", "float32"))
_INTEGER_ARRAYS = (("weights", "int8"), ("bias", "int32"))
_ARRAYS: dict[type, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys((Dense, Conv, Depthwise), _FLOAT_ARRAYS),
    **dict.fromkeys((IntDense, IntConv, IntDepthwise), _INTEGER_ARRAYS),
}
QUANTIZE = ("none", "int8", "int16")
ARENA = ("static", "caller")


def validate_network(model: Network) -> Network:
    """The network itself if it is well formed, else :class:`ModelFileError`.

    Checks counts and sizes, that every layer takes what is there and gives the shape that it says, that
    weights are finite, and that scores fit the task. Of integers it proves that none overflows.
    """
    check_name(model.name)
    check_settings(model)
    check_classes(model)
    check_calibration(model)
    if not 1 <= len(model.layers) <= MAX_LAYERS:
        raise fail(f"{len(model.layers)} layers; 1 to {MAX_LAYERS} are possible", "layers")
    if model.quantize not in QUANTIZE or model.arena not in ARENA:
        raise fail("not an option that there is", "quantize")
    _check_layers(model)
    _check_link(model)
    if not 0.0 <= model.noise < math.inf:
        raise fail("not a number >= 0", "noise")
    return model


def check_shape(shape: Shape) -> None:
    """A tensor of that shape is possible, else :class:`ModelFileError`."""
    whole = all(type(side) is int and 1 <= side <= MAX_SIDE for side in shape)
    if len(shape) not in (1, IMAGE) or not whole or prod(shape) > MAX_TENSOR:
        raise fail(f"no shape of a tensor: {list(shape)}", "shape")


def _check_layers(model: Network) -> None:
    shape = model.input_shape or (model.n_features,)
    try:
        check_shape(shape)
    except ModelFileError as error:
        raise fail(error.problem, "input_shape") from None
    if prod(shape) != model.n_features:
        raise fail(f"a shape for {prod(shape)} features, not {model.n_features}", "input_shape")
    shapes = [shape]
    integers = IntegerChecks(model) if model.is_integer else None
    for index, layer in enumerate(model.layers):
        try:
            if not isinstance(layer, _FLOATS if integers is None else _INTEGERS):
                raise fail(f"a layer of the kind {type(layer).__name__} cannot be here")
            shapes.append(_checked(layer, shapes))
            if integers is not None:
                integers.add(layer)
        except ModelFileError as error:
            raise error.inside(f"layers[{index}]") from None
    if len(shapes[-1]) != 1:
        raise fail("the last layer gives an image, not a row of scores", f"layers[{len(model.layers) - 1}]")


def _checked(layer: Layer, shapes: list[Shape]) -> Shape:
    """The shape of what a layer gives, everything about it checked."""
    if not all(type(number) is int and 0 <= number < len(shapes) for number in layer.inputs):
        raise fail(f"inputs that are not among the {len(shapes)} tensors before it", "inputs")
    for name, kind in _ARRAYS.get(type(layer), ()):
        check_array(getattr(layer, name), name, kind)
    _check_sizes(layer)
    if not isinstance(layer, Dense | IntDense):
        check_shape(layer.shape)
    _check_activation(layer)
    try:
        found = output_shape(layer, [shapes[number] for number in layer.inputs])
    except ValueError as error:
        raise fail(str(error)) from None
    if layer.shape != found:
        raise fail(f"it gives {list(found)}, not {list(layer.shape)}", "shape")
    check_shape(found)
    return found


def check_array_shape(shape: Shape) -> None:
    """Weights of that shape are possible, else :class:`ModelFileError`."""
    whole = all(type(side) is int and 1 <= side <= MAX_SIDE for side in shape)
    if len(shape) not in (1, 2, 4) or not whole or prod(shape) > MAX_WEIGHTS:
        raise fail(f"no shape of weights: {list(shape)}", "shape")


def check_array(array: Array, name: str, kind: str = "float32") -> None:
    """Numbers of that type, finite, as many as the shape says."""
    try:
        check_array_shape(array.shape)
    except ModelFileError as error:
        raise error.inside(name) from None
    if array.kind != kind:
        raise fail(f"numbers of the type {array.kind!r}, not {kind}", name)
    if len(array.data) != array.size * KINDS[array.kind][1]:
        raise fail(f"{len(array.data)} bytes for {array.size} numbers", name)
    if not all(map(math.isfinite, array.numbers())):
        raise fail("a number that is not finite", name)


def _check_sizes(layer: Layer) -> None:
    """Weights fit each other, and every count of rows and columns is one."""
    if isinstance(layer, Dense | IntDense):
        shape = layer.weights.shape
        if len(shape) != 2 or layer.bias.shape != (shape[-1],):
            raise fail("weights are no table, or biases are not one an output", "weights")
    if isinstance(layer, Conv | Depthwise | IntConv | IntDepthwise):
        shape = layer.weights.shape
        outputs = 0
        if len(shape) == 4:
            outputs = shape[3] if isinstance(layer, Conv | IntConv) else shape[2] * shape[3]
        if layer.bias.shape != (outputs,):
            raise fail("weights are not those of a kernel, or biases are not one a channel", "weights")
        _check_counts(layer.dilation, 2, 1, "dilation")
        _check_gaps(layer)
    if isinstance(layer, MaxPool | AveragePool | IntAveragePool):
        _check_counts(layer.size, 2, 1, "size")
    if isinstance(layer, Windowed):
        _check_counts(layer.strides, 2, 1, "strides")
    if isinstance(layer, Windowed | Pad):
        _check_counts(layer.padding, 4, 0, "padding")
    if isinstance(layer, MaxPool | AveragePool | IntAveragePool) and any(
        side >= layer.size[index % 2] for index, side in enumerate(layer.padding)
    ):
        raise fail("padding that is not smaller than the window", "padding")


def _check_gaps(layer: Conv | Depthwise | IntConv | IntDepthwise) -> None:
    """A kernel of several rows is stored with zeros where dilation leaves its columns apart."""
    height, width, *channels = layer.weights.shape
    if height > 1 and height * ((width - 1) * layer.dilation[1] + 1) * prod(channels) > MAX_WEIGHTS:
        raise fail(f"a kernel of more than {MAX_WEIGHTS} numbers, gaps included", "dilation")


def _check_counts(values: tuple[int, ...], n: int, low: int, name: str) -> None:
    if len(values) != n or not all(type(value) is int and low <= value <= MAX_SIDE for value in values):
        raise fail(f"not {n} whole numbers from {low} to {MAX_SIDE}", name)


def _check_activation(layer: Layer) -> None:
    if not isinstance(layer, Dense | Conv | Depthwise | Add | Activation):
        return
    known = [kind for kind in ACTIVATIONS if kind != IDENTITY or not isinstance(layer, Activation)]
    if layer.activation not in known:
        raise fail(f"unknown activation {layer.activation!r}", "activation")
    if not abs(layer.alpha) <= MAX_ALPHA:
        raise fail(f"not a number from -{MAX_ALPHA:.0f} to {MAX_ALPHA:.0f}", "alpha")
    if layer.alpha and layer.activation not in WITH_ALPHA:
        raise fail(f"{layer.activation} has no such number", "alpha")


def _check_link(model: Network) -> None:
    links = (IDENTITY, SIGMOID, EXP) if model.task == REGRESSOR else (SIGMOID, SOFTMAX)
    if model.link not in links:
        raise fail(f"a {model.task} cannot have the link {model.link!r}", "link")
    if not model.is_classifier:
        return
    n = model.n_outputs
    if n != len(model.classes) and not (n == 1 and len(model.classes) == 2 and model.link == SIGMOID):
        raise fail(f"{n} scores for {len(model.classes)} classes", "classes")
