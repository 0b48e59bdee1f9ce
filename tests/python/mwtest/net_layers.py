"""Random layers and tensors for kernels: sizes at their edges, numbers at theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt.ir.network import AveragePool, Conv, Dense, Depthwise, MaxPool, Pair, Shape
from milliwatt.ir.network_array import Array
from milliwatt.ir.network_integers import (
    Grid,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Requantize,
    Summing,
)  # fmt: skip
from milliwatt.ir.network_shapes import window_shape

Integers = NDArray[np.int64]
RANGES = {8: (0, 255), 16: (-32768, 32767)}
_INT32 = (1 << 31) - 1
_INT16 = (1 << 15) - 1


@dataclass(frozen=True)
class LayerSpec:
    """What a layer is; the seed decides on its numbers.

    Attributes:
        kind: dense, scores, conv, depthwise, max, average or means (whose outputs are scores).
        image: its input's shape; of a dense layer (n,).
        outputs: numbers, or channels; of a depthwise layer for each channel.
        padding: of pools only.
        values: ``any``, ``ends`` (the largest and smallest numbers everywhere) or ``same`` (one number).
        tight: how few of the sums' bits are kept, and how narrow the clamp is.
    """

    seed: int
    kind: str
    image: Shape
    outputs: int = 1
    size: Pair = (1, 1)
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    values: str = "any"
    tight: int = 0


@st.composite
def layer_specs(draw: st.DrawFn, kinds: tuple[str, ...]) -> LayerSpec:
    """Layers that fit their image."""
    kind = draw(st.sampled_from(kinds))
    seed, tight = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 3))
    values = draw(st.sampled_from(("any", "any", "ends", "same")))
    if kind in ("dense", "scores"):
        n_in, n_out = draw(st.integers(1, 40)), draw(st.integers(1, 13))
        return LayerSpec(seed, kind, (n_in,), n_out, values=values, tight=tight)
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = (1, 1)
    if kind in ("conv", "depthwise"):
        dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    spans = [(window - 1) * step + 1 for window, step in zip(size, dilation, strict=True)]
    padding = (0, 0, 0, 0)
    if kind in ("max", "average", "means"):
        most = [size[index % 2] - 1 for index in range(4)]
        padding = draw(st.tuples(*(st.integers(0, side) for side in most)))
    image = (
        draw(st.integers(max(spans[0] - padding[0] - padding[2], 1), 10)),
        draw(st.integers(max(spans[1] - padding[1] - padding[3], 1), 10)),
        draw(st.integers(1, 9)),
    )
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    outputs = draw(st.integers(1, 9)) if kind == "conv" else draw(st.sampled_from((1, 1, 2, 3, 5)))
    return LayerSpec(seed, kind, image, outputs, size, strides, dilation, padding, values, tight)


def shape_of(spec: LayerSpec) -> Shape:
    """Of the output."""
    if len(spec.image) == 1:
        return (spec.outputs,)
    height, width = window_shape(spec.image, spec.size, spec.strides, spec.dilation, spec.padding)
    channels = spec.image[2]
    if spec.kind == "conv":
        channels = spec.outputs
    elif spec.kind == "depthwise":
        channels *= spec.outputs
    return (height, width, channels)


def numbers(spec: LayerSpec, rng: np.random.Generator, shape: Shape, low: int, high: int) -> Integers:
    """Integers of a shape, as ``spec.values`` says."""
    if spec.values == "ends":
        return rng.choice([low, high], shape)
    if spec.values == "same":
        return np.full(shape, rng.choice([low, high, rng.integers(low, high + 1)]))
    return rng.integers(low, high + 1, shape)


def array(kind: str, values: NDArray[Any]) -> Array:
    """Numbers as the IR has them."""
    code = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "int32": "<i4", "float32": "<f4"}[kind]
    return Array(values.shape, kind, values.astype(code).tobytes())


def weights_shape(spec: LayerSpec) -> Shape:
    if len(spec.image) == 1:
        return (spec.image[0], spec.outputs)
    return (*spec.size, spec.image[2], spec.outputs)


def integer_sums(spec: LayerSpec, bits: int) -> tuple[Summing, Grid, Grid | None, Integers]:
    """A layer with weights, the grids before and after it, and two samples of its input.

    Its sums come close to what 32 bits hold, and what follows to what the contract allows.
    """
    rng = np.random.default_rng(spec.seed)
    low, high = RANGES[bits]
    x = numbers(spec, rng, (2, *spec.image), low, high)
    weights = numbers(spec, rng, weights_shape(spec), -128, 127)
    n_out = spec.outputs * (spec.image[2] if spec.kind == "depthwise" else 1)
    worst = int((np.abs(weights).reshape(-1, n_out).sum(axis=0) * max(-low, high)).max())
    room = int(rng.choice([0, 1000, _INT32 - worst]))
    bias = rng.integers(-room, room + 1, n_out)
    how, after = _requantize(spec, rng, bits, worst + room, n_out)
    common = (array("int8", weights), array("int32", bias), how, after)
    before = Grid(1.0, 0, low, high)
    if len(spec.image) == 1:
        return IntDense(*common, (0,), (1.0,) if after is None else ()), before, after, x
    assert after is not None
    kind = IntConv if spec.kind == "conv" else IntDepthwise
    return kind(*common, (0,), shape_of(spec), spec.strides, spec.dilation), before, after, x


def _requantize(
    spec: LayerSpec, rng: np.random.Generator, bits: int, worst: int, n_out: int
) -> tuple[Requantize, Grid | None]:
    """Numbers that keep sums up to ``worst`` within 32 bits, or whose clamp hides that they do not."""
    low, high = (0, 255) if bits == 8 else (-32767, 32767)
    if spec.kind == "scores":
        sum_shift = max(0, worst.bit_length() - 16)
        return Requantize(sum_shift, array("int16", rng.integers(0, _INT16 + 1, n_out))), None
    sum_shift = max(0, worst.bit_length() - 15)
    scale = rng.integers(1 << 14, _INT16 + 1, n_out)
    if bits == 16 and spec.tight > 1:  # sums beyond 16 bits: 2^15 * scale has to end beyond the clamp
        sum_shift = max(0, sum_shift - 4)
    shift = int(rng.integers(10, 14)) if bits == 16 else int(rng.integers(8, 23))
    offset = int(rng.integers(-(1 << 29), 1 << 29)) if bits == 8 and spec.tight else (1 << shift) >> 1
    if spec.tight == 3:
        low, high = sorted(int(bound) for bound in rng.integers(low, high + 1, 2))
    return Requantize(sum_shift, array("int16", scale), offset, shift), Grid(1.0, 0, low, high)


def integer_pool(spec: LayerSpec, bits: int) -> tuple[MaxPool | IntAveragePool, Grid, Grid | None, Integers]:
    """A pool, the grids before and after it, and two samples of its input."""
    rng = np.random.default_rng(spec.seed)
    low, high = RANGES[bits]
    x = numbers(spec, rng, (2, *spec.image), low, high)
    zero = int(rng.integers(low, high + 1))
    before = Grid(1.0, zero, low, high)
    common = ((0,), shape_of(spec), spec.size, spec.strides, spec.padding)
    if spec.kind == "max":
        return MaxPool(*common), before, before, x
    counts, scale = bool(rng.integers(2)), int(rng.integers(0, _INT16 + 1))
    if spec.kind == "means":
        offset = int(rng.integers(-1000, 1000))
        return IntAveragePool(*common, counts, scale, offset, 0, bits, None, (1.0,)), before, None, x
    offset = int(rng.integers(-(1 << 30), 1 << 20))
    after = Grid(1.0, 0, *sorted(int(bound) for bound in rng.integers(low, high + 1, 2)))
    shift = int(rng.integers(4, 24))
    return IntAveragePool(*common, counts, scale, offset, shift, bits, after), before, after, x


def float_layer(
    spec: LayerSpec,
) -> tuple[Dense | Conv | Depthwise | MaxPool | AveragePool, NDArray[np.float32]]:
    """A layer of floats and two samples of its input."""
    rng = np.random.default_rng(spec.seed)
    size = float(10.0 ** rng.integers(-3, 4))
    x = (rng.normal(size=(2, *spec.image)) * size).astype(np.float32)
    shape = shape_of(spec)
    if spec.kind in ("max", "average"):
        common = ((0,), shape, spec.size, spec.strides, spec.padding)
        counts = bool(rng.integers(2))
        return (MaxPool(*common) if spec.kind == "max" else AveragePool(*common, counts)), x
    weights = array("float32", rng.normal(size=weights_shape(spec)))
    n_out = spec.outputs * (spec.image[2] if spec.kind == "depthwise" else 1)
    bias = array("float32", rng.normal(size=n_out))
    if spec.kind == "dense":
        return Dense(weights, bias), x
    kind = Conv if spec.kind == "conv" else Depthwise
    return kind(weights, bias, (0,), shape, spec.strides, spec.dilation), x
