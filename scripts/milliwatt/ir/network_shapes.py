"""What shape each layer's output has."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from milliwatt.ir.network import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Pad,
    Padding,
    Pair,
    Reshape,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_integers import IntAdd, IntAveragePool, IntConv, IntDense, IntDepthwise

IMAGE = 3  # sides of an image
Windowed: TypeAlias = Conv | IntConv | Depthwise | IntDepthwise | MaxPool | AveragePool | IntAveragePool


def windows(size: int, window: int, stride: int, dilation: int, before: int, after: int) -> int:
    """How many windows fit along a side of an image with padding, 0 or less if none."""
    return (size + before + after - (window - 1) * dilation - 1) // stride + 1


def window_shape(image: Shape, size: Pair, strides: Pair, dilation: Pair, padding: Padding) -> Pair:
    """Rows and columns of what windows make of an image; 0 or less where none fits."""
    top, left, bottom, right = padding
    return (
        windows(image[0], size[0], strides[0], dilation[0], top, bottom),
        windows(image[1], size[1], strides[1], dilation[1], left, right),
    )


def output_shape(layer: Layer, given: Sequence[Shape]) -> Shape:
    """The shape of a layer's output, whatever its own ``shape`` says.

    Args:
        given: the shapes of its inputs.

    Raises:
        ValueError: the layer cannot take them; the text says why.
    """
    if isinstance(layer, Add | IntAdd | Concat):
        return _merged(layer, given)
    if len(given) != 1:
        raise ValueError(f"it takes one tensor, not {len(given)}")
    shape = given[0]
    if isinstance(layer, Dense | IntDense):
        if shape != (layer.n_in,):
            raise ValueError(f"weights for {layer.n_in} inputs, but it is given {_text(shape)}")
        return (layer.n_out,)
    if isinstance(layer, Reshape):
        if prod(layer.shape) != prod(shape):
            raise ValueError(f"{_text(shape)} cannot be seen as {_text(layer.shape)}")
        return layer.shape
    if isinstance(layer, Pad):
        _require_image(shape)
        top, left, bottom, right = layer.padding
        return (shape[0] + top + bottom, shape[1] + left + right, shape[2])
    if isinstance(layer, Windowed):
        return _windowed(layer, shape)
    return shape


def _merged(layer: Add | IntAdd | Concat, given: Sequence[Shape]) -> Shape:
    if len(given) < (1 if isinstance(layer, IntAdd) else 2):
        raise ValueError("it takes two tensors or more")
    first = given[0]
    if isinstance(layer, Add | IntAdd):
        if any(shape != first for shape in given):
            raise ValueError(f"tensors of different shapes: {', '.join(map(_text, given))}")
        return first
    if any(shape[:-1] != first[:-1] or len(shape) != len(first) for shape in given):
        raise ValueError(f"tensors that differ in more than channels: {', '.join(map(_text, given))}")
    return (*first[:-1], sum(shape[-1] for shape in given))


def _windowed(layer: Windowed, shape: Shape) -> Shape:
    _require_image(shape)
    channels = shape[2]
    if isinstance(layer, Conv | IntConv | Depthwise | IntDepthwise):
        height, width, n_in, n_out = layer.weights.shape
        size, dilation = (height, width), layer.dilation
        if n_in != channels:
            raise ValueError(f"weights for {n_in} channels, but it is given {channels}")
        channels = n_out if isinstance(layer, Conv | IntConv) else channels * n_out
    else:
        size, dilation = layer.size, (1, 1)
    found = window_shape(shape, size, layer.strides, dilation, layer.padding)
    if min(found) < 1:
        raise ValueError(f"no window of {size[0]} by {size[1]} fits into {_text(shape)}")
    if isinstance(layer, IntAveragePool) and layer.is_last and found == (1, 1):
        return (channels,)
    return (*found, channels)


def _require_image(shape: Shape) -> None:
    if len(shape) != IMAGE:
        raise ValueError(f"it takes an image, not {_text(shape)}")


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} numbers"
