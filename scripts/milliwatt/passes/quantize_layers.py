"""One float layer as integers, given the grids before and after it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir.network import AveragePool, Conv, Dense, Depthwise
from milliwatt.ir.network_array import Array
from milliwatt.ir.network_grids import BYTE
from milliwatt.ir.network_integers import (
    Grid,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Requantize,
    Summing,
)  # fmt: skip
from milliwatt.ir.validate_integers import MOST_SCALE, sums
from milliwatt.passes.quantize_hints import kept_bias, kept_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SumOf = Callable[[Summing], Integers]

_WEIGHT = 127
_SUM_BITS = 15  # of a sum that is scaled
_ROOM = 30  # bits that sums may have: biases add to them
_MOST_BIAS = 1 << 29  # what an output that is nearly all bias gets: its steps are made coarser
_MOST_SHIFT = 21  # 255 << 21 leaves room for the scaled sum
_MOST_SHIFT_WORD = 30
_FAINT = 256  # a channel's step is at least this part of the largest


def array(values: NDArray[np.generic], kind: str) -> Array:
    """Numbers as the IR has them."""
    exact = np.ascontiguousarray(values).astype(np.dtype(kind).newbyteorder("<"))
    return Array(exact.shape, kind, exact.tobytes())


def sum_layer(
    layer: Dense | Conv | Depthwise,
    given: int,
    grid: Grid,
    units: Floats,
    before: Floats,
    target: Grid,
    sum_of: SumOf,
    *,
    bits: int,
    kept: Floats | None = None,
) -> Summing:
    """A layer of weights whose sums are requantised.

    Args:
        given: number of the tensor it takes, with ``grid``; ``units``: one a feature, or one.
        before: its real outputs on the calibration data before the activation, shape (rows, *shape).
        target: the grid of what it gives.
        sum_of: the layer's sums on the calibration data.
        kept: the units of weights that are integers in a file, an output each; no data are needed then.

    Raises:
        OverflowError: sums do not fit 32 bits.
    """
    raw, unit = _integers(layer, given, grid, units, before, sum_of, kept)
    raw = dataclasses.replace(raw, grid=target)
    bounds = _bounds(raw, grid)
    fits = max(0, max(max(abs(low), abs(high)) for low, high in bounds).bit_length() - _SUM_BITS)
    ratio = unit / target.unit
    sum_shift = fits if bits == 8 else _finest_shift(bounds, ratio, target, fits)
    return dataclasses.replace(
        raw,
        bias=_rounded(raw.bias, sum_shift),
        requantize=_requantize(ratio, sum_shift, target.zero, _MOST_SHIFT if bits == 8 else _MOST_SHIFT_WORD),
    )


def scores_layer(
    layer: Dense,
    given: int,
    grid: Grid,
    units: Floats,
    before: Floats,
    sum_of: SumOf,
    *,
    apart: bool,
    kept: Floats | None = None,
) -> IntDense:
    """The last layer, which gives scores of 32 bits.

    Args:
        apart: scores are not compared with each other, so that each may have a unit of its own.

    Raises:
        OverflowError: sums do not fit 32 bits.
    """
    raw, unit = _integers(layer, given, grid, units, before, sum_of, kept, apart=apart)
    assert isinstance(raw, IntDense)
    bounds = _bounds(raw, grid)
    alike = bool((unit == unit[0]).all())  # as those of weights by tensor in a file
    if apart or alike:
        return dataclasses.replace(raw, grid=None, units=tuple((unit[:1] if alike else unit).tolist()))
    widest = max(max(abs(low), abs(high)) for low, high in bounds).bit_length()
    sum_shift = max(0, widest - _SUM_BITS)
    common = float(unit.max()) / MOST_SCALE
    return dataclasses.replace(
        raw,
        bias=_rounded(raw.bias, sum_shift),
        requantize=Requantize(sum_shift, array(np.rint(unit / common), "int16")),
        grid=None,
        units=(common * 2.0**sum_shift,),
    )


def _integers(
    layer: Dense | Conv | Depthwise,
    given: int,
    grid: Grid,
    units: Floats,
    before: Floats,
    sum_of: SumOf,
    kept: Floats | None,
    *,
    apart: bool = False,
) -> tuple[Summing, Floats]:
    """The layer with integer weights and bias, and what a step of each output's sum is in real numbers."""
    if kept is not None:
        whole, unit = kept_weights(layer, kept, grid.unit)
        start = kept_bias(layer, whole, unit, grid.zero)
        return _biased(_raw(layer, given, whole, grid), start), unit
    whole, unit = _weights(layer, units, apart=apart)
    raw = _raw(layer, given, whole, grid)
    start = _start(raw, before, unit, sum_of)
    if (coarser := np.abs(start) >= 1 << _ROOM).any():
        factor = np.where(coarser, np.abs(start) / _MOST_BIAS, 1.0)
        unit = unit * factor
        raw = _raw(layer, given, np.rint(whole / factor), grid)
        start = _start(raw, before, unit, sum_of)
    return _biased(raw, start), unit


def _weights(layer: Dense | Conv | Depthwise, units: Floats, *, apart: bool) -> tuple[Floats, Floats]:
    """Integer weights, and what a step of each output's sum is in real numbers."""
    weights = np.asarray(layer.weights.numbers(), dtype=np.float64).reshape(layer.weights.shape)
    if len(units) > 1:
        weights = weights * units[:, np.newaxis]
        units = np.ones(1)
    flat = weights.reshape(-1, layer.bias.size)
    step = np.abs(flat).max(axis=0) / _WEIGHT
    if not apart:  # a channel of next to nothing needs no fine steps, which would cost the others theirs
        step = np.maximum(step, float(step.max()) / _FAINT)
    step[step == 0.0] = 1.0
    return np.rint(flat / step).reshape(weights.shape), step * units[0]


def _raw(layer: Dense | Conv | Depthwise, given: int, whole: Floats, grid: Grid) -> Summing:
    """The layer with no bias, and sums as they are."""
    n = layer.bias.size
    weights, bias = array(whole, "int8"), array(np.zeros(n), "int32")
    plain = Requantize(0, array(np.ones(n), "int16"))
    if isinstance(layer, Dense):
        return IntDense(weights, bias, plain, grid, (given,))
    windows = (layer.shape, layer.strides, layer.dilation, layer.padding)
    kind = IntConv if isinstance(layer, Conv) else IntDepthwise
    return kind(weights, bias, plain, grid, (given,), *windows)


def _biased(raw: Summing, start: Floats) -> Summing:
    if np.abs(start).max() >= 1 << _ROOM:
        raise OverflowError
    return dataclasses.replace(raw, bias=array(start, "int32"))


def _start(raw: Summing, before: Floats, unit: Floats, sum_of: SumOf) -> Floats:
    """The bias that leaves the mean of every output what it was: the input's zero and rounding are in it."""
    found = sum_of(raw)
    axes = tuple(range(found.ndim - 1))
    return np.asarray(np.rint(before.mean(axis=axes) / unit - found.mean(axis=axes)))


def _bounds(raw: Summing, grid: Grid) -> list[tuple[int, int]]:
    bounds = sums(raw, grid)
    if any(max(abs(low), abs(high)) >= 1 << _ROOM for low, high in bounds):
        raise OverflowError
    return bounds


def _rounded(bias: Array, sum_shift: int) -> Array:
    """The bias with half a step of the shift, so that sums are rounded."""
    return array(np.asarray(bias.numbers(), dtype=np.int64) + (1 << sum_shift >> 1), "int32")


def _finest_shift(bounds: list[tuple[int, int]], ratio: Floats, target: Grid, fits: int) -> int:
    """The smallest shift of sums whose saturation to 16 bits is hidden by the output's clamp."""
    largest = np.array([max(abs(low), abs(high)) for low, high in bounds], dtype=np.float64)
    reach = max(abs(target.low), abs(target.high)) + 1
    for shift in range(fits):
        steps = 2.0**shift
        if ((largest < 32767 * steps) | (32766 * steps * ratio >= reach)).all():
            return shift
    return fits


def _requantize(ratio: Floats, sum_shift: int, zero: int, most: int) -> Requantize:
    """From sums whose steps are ``ratio`` of the output's."""
    steps = ratio * 2.0**sum_shift
    shift = min(most, 15 - math.frexp(float(steps.max()))[1])
    shift = max(shift, 0)  # an output of next to nothing: scales saturate, and so does it
    scale = np.rint(steps * 2.0**shift).clip(0, MOST_SCALE)
    return Requantize(sum_shift, array(scale, "int16"), (zero << shift) + (1 << shift >> 1), shift)


def mean_layer(
    layer: AveragePool, given: int, grid: Grid, target: Grid | None, *, bits: int
) -> IntAveragePool:
    """A mean; ``target`` is None where it gives scores."""
    steps = 256 if bits == 8 else 1  # of a mean in one of the input's
    window = (layer.size, layer.strides, layer.padding, layer.counts_padding)
    if target is None:
        return IntAveragePool(
            (given,), (layer.shape[-1],), *window, 1, -grid.zero * steps, 0, bits, None, (grid.unit / steps,)
        )
    ratio = grid.unit / steps / target.unit
    shift = max(0, min(_MOST_SHIFT, 14 - math.frexp(ratio)[1]))
    scale = min(MOST_SCALE, round(ratio * 2.0**shift))
    offset = (target.zero << shift) + (1 << shift >> 1) - grid.zero * steps * scale
    return IntAveragePool((given,), layer.shape, *window, scale, offset, shift, bits, target)


def add_layer(inputs: tuple[int, ...], shape: tuple[int, ...], given: list[Grid], target: Grid) -> IntAdd:
    """A sum of tensors of different units."""
    ratios = [grid.unit / target.unit for grid in given]
    reach = sum(ratio * max(abs(grid.low), abs(grid.high)) for ratio, grid in zip(ratios, given, strict=True))
    most = _MOST_SHIFT if target.high <= BYTE[1] else _MOST_SHIFT_WORD
    shift = max(0, min(most, 15 - math.frexp(max(ratios))[1], 29 - math.frexp(reach)[1]))
    scales = tuple(min(MOST_SCALE, round(ratio * 2.0**shift)) for ratio in ratios)
    offset = (target.zero << shift) + (1 << shift >> 1)
    offset -= sum(scale * grid.zero for scale, grid in zip(scales, given, strict=True))
    return IntAdd(inputs, shape, scales, offset, shift, target)
