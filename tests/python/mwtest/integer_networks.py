"""Random networks of integers: the graphs of ``mwtest.networks`` with weights of 8 bits and random scales.

What matters is that every kernel sees odd sizes and numbers at the ends of their ranges, not that the
networks mean anything: scales and shifts are drawn so that outputs are spread over their range.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.host.evaluate_integers import Integers, quantized_features, run_layer
from milliwatt.ir import Network, validate
from milliwatt.ir.network import (
    Activation,
    Add,
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    Layer,
)  # fmt: skip
from milliwatt.ir.network_array import Array
from milliwatt.ir.network_integers import (
    Grid,
    InputMap,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Requantize,
    Table,
)  # fmt: skip
from milliwatt.ir.validate_integers import sums

_ARRAYS = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "int32": "<i4"}


def integers(
    model: Network, seed: int, *, bits: int = 8, dtype: str = "float", scores: bool = True
) -> Network:
    """A network of integers with the layers of one of floats.

    Args:
        bits: 8 or 16.
        dtype: of features.
        scores: the last layer gives scores of 32 bits, else integers as the others do.
    """
    return _Rounding(model, seed, bits, dtype, scores).network()


def integer_samples(model: Network, seed: int, rows: int = 4) -> NDArray[Any]:
    """Device features over all that a network can be given, beyond what it can represent too."""
    rng = np.random.default_rng(seed)
    kind = FEATURE_TYPES[model.dtype]
    if kind.is_integer:
        drawn = rng.integers(kind.low, kind.high + 1, (rows, model.n_features))
        drawn[0, :] = kind.low
        drawn[-1, :] = kind.high
        return drawn.astype(kind.name)
    assert model.input_map is not None
    span = np.asarray(model.input_map.unit) * (model.input_map.high - model.input_map.low)
    middle = (model.input_map.low - np.asarray(model.input_map.zero)) * np.asarray(model.input_map.unit)
    return (middle + span * rng.uniform(-0.1, 1.1, (rows, model.n_features))).astype(np.float32)


class _Rounding:
    def __init__(self, model: Network, seed: int, bits: int, dtype: str, scores: bool) -> None:
        self.model, self.bits, self.dtype, self.with_scores = model, bits, dtype, scores
        self.rng = np.random.default_rng(seed)
        self.low, self.high = (0, 255) if bits == 8 else (-32767, 32767)
        # One zero and unit for all tensors, so that any two of them can be put together.
        self.zero = int(self.rng.integers(0, 256)) if bits == 8 else 0
        self.unit = float(np.float32(self.rng.uniform(0.5, 5.0) / self.high))

    def network(self) -> Network:
        model = self.model
        given = self._input_map()
        made = dataclasses.replace(
            model,
            layers=(),
            input_map=given,
            dtype=self.dtype,
            quantize="int8" if self.bits == 8 else "int16",
        )
        samples = integer_samples(made, int(self.rng.integers(1 << 30)), rows=8)
        first = quantized_features(given, samples, real=self.dtype == "float")
        self.tensors = [first.reshape(len(first), *model.shapes[0])]
        self.grids: list[Grid | None] = [Grid(self.unit, self.zero, given.low, given.high)]
        layers = []
        for index, layer in enumerate(model.layers):
            rounded = self._layer(layer, last=index == len(model.layers) - 1)
            layers.append(rounded)
            x = [self.tensors[number] for number in layer.inputs]
            before = self.grids[layer.inputs[0]]
            after = getattr(rounded, "grid", before)
            if len(layer.inputs) > 1 and not isinstance(rounded, IntAdd):
                grids = [grid for number in layer.inputs if (grid := self.grids[number])]
                low, high = min(grid.low for grid in grids), max(grid.high for grid in grids)
                after = Grid(self.unit, self.zero, low, high)
            self.tensors.append(run_layer(rounded, x, before, after))
            self.grids.append(after)
        return validate(dataclasses.replace(made, layers=tuple(layers)))

    def _input_map(self) -> InputMap:
        """Every kind of them: one unit or one each, scaled or as they are."""
        each = isinstance(self.model.layers[0], Dense) and self._only_dense_reads_features()
        n = self.model.n_features if each and self.rng.random() < 0.5 else 1
        unit = tuple(float(u) for u in np.float32(self.rng.uniform(0.001, 3.0, n))) if n > 1 else (self.unit,)
        far = 1 << int(self.rng.choice((8, 12, 20)))  # features around 1e6 have zeros far off
        zero = tuple(int(z) for z in self.rng.integers(-far, far, n)) if n > 1 else (self.zero,)
        kind = FEATURE_TYPES[self.dtype]
        plain = InputMap(self.bits, unit, zero, self.low, self.high)
        if not kind.is_integer or self.rng.random() < 0.5:
            return plain
        # About the range of features to the range of integers.
        factor = (self.high - self.low) / (kind.high - kind.low) * self.rng.uniform(0.5, 1.5, n)
        shift = int(np.clip(15 - np.ceil(np.log2(factor.max())), 0, 14))
        scale = np.clip(factor * 2.0**shift, 0, 32767).astype(int)
        offset = self.zero * 2**shift + self.rng.integers(0, 1 << shift, n)
        return dataclasses.replace(
            plain, scale=tuple(map(int, scale)), offset=tuple(map(int, offset)), shift=shift
        )

    def _only_dense_reads_features(self) -> bool:
        readers = [layer for layer in self.model.layers if 0 in layer.inputs]
        return all(isinstance(layer, Dense) for layer in readers)

    def _array(self, values: Any, kind: str) -> Array:
        found = np.asarray(values)
        return Array(found.shape, kind, found.astype(_ARRAYS[kind]).tobytes())

    def _grid(self) -> Grid:
        """Mostly the whole range, sometimes a part of it."""
        low, high = self.low, self.high
        if self.rng.random() < 0.4:
            low = int(self.rng.integers(self.low, self.zero + 1))
        if self.rng.random() < 0.4:
            high = int(self.rng.integers(self.zero, self.high + 1))
        return Grid(self.unit, self.zero, low, high)

    def _layer(self, layer: Layer, *, last: bool) -> Layer:
        scores = last and self.with_scores
        x = [self.tensors[number] for number in layer.inputs]
        if isinstance(layer, Dense | Conv | Depthwise):
            return self._summing(layer, x[0], scores=scores)
        if isinstance(layer, AveragePool):
            scale = int(self.rng.integers(1, 32768))  # about as many as it takes to keep the mean
            shift = (scale - 1).bit_length() + (8 if self.bits == 8 else 0)
            offset = int(self.rng.integers(-2, 3)) << shift >> 1
            names = ("inputs", "shape", "size", "strides", "padding", "counts_padding")
            same = {name: getattr(layer, name) for name in names}
            return IntAveragePool(
                **same, scale=scale, offset=offset, shift=shift, grid=self._grid(), bits=self.bits
            )
        if isinstance(layer, Add):
            scales = tuple(
                int(s) for s in self.rng.integers(0, 32767 // len(layer.inputs), len(layer.inputs))
            )
            offset = int(self.rng.integers(-(1 << 16), 1 << 16))
            return IntAdd(layer.inputs, layer.shape, scales, offset, 14, self._grid())
        if isinstance(layer, Activation):
            return self._table(layer)
        return layer

    def _table(self, layer: Activation) -> Table:
        grid = self._grid()
        kind, size = ("uint8", 256) if self.bits == 8 else ("int16", 257)
        values = self.rng.integers(grid.low, grid.high + 1, size)
        return Table(layer.inputs, layer.shape, self._array(values, kind), grid)

    def _summing(self, layer: Any, x: Integers, *, scores: bool) -> Layer:
        kinds: dict[type, type] = {Dense: IntDense, Conv: IntConv, Depthwise: IntDepthwise}
        kind = kinds[type(layer)]
        summed = layer.weights.size // layer.bias.size
        most = min(127, (1 << 30) // (self.high * summed))  # so that sums fit 32 bits
        weights = self.rng.integers(-most, most + 1, layer.weights.shape)
        if self.rng.random() < 0.2:
            weights[:] = self.rng.choice((-most, most), layer.weights.shape)
        fields = {
            "weights": self._array(weights, "int8"),
            "inputs": layer.inputs,
            "grid": None if scores else self._grid(),
        }
        if kind is not IntDense:
            names = ("shape", "strides", "dilation", "padding")
            fields |= {name: getattr(layer, name) for name in names}
        ones = self._array(np.full(layer.bias.shape, 1), "int16")
        none = self._array(np.zeros(layer.bias.shape), "int32")
        given = self.grids[layer.inputs[0]]
        assert given is not None
        raw = kind(requantize=Requantize(0, ones), bias=none, **fields)
        reached = run_layer(raw, [x], given, None).reshape(-1, layer.bias.size)
        raw = dataclasses.replace(raw, bias=self._array(-np.median(reached, axis=0), "int32"))
        most = max(abs(bound) for bounds in sums(raw, given) for bound in bounds)
        spread = float(np.abs(reached - np.median(reached, axis=0)).mean())
        how = self._requantize(layer, most, spread, scores=scores)
        if scores:
            unit = self.rng.uniform(0.5, 5.0) / (1.0 + spread * 2.0**-how.sum_shift * 20000)
            raw = dataclasses.replace(raw, units=(float(np.float32(unit)),))
        return dataclasses.replace(raw, requantize=how)

    def _requantize(self, layer: Any, most: int, spread: float, *, scores: bool) -> Requantize:
        """Scales that use the range, and keep all numbers within 32 bits."""
        sum_shift = max(0, most.bit_length() - 15)
        scale = self._array(self.rng.integers(9000, 32768, layer.bias.shape), "int16")
        if scores:
            return Requantize(sum_shift, scale)
        wanted = (self.high - self.low) / 5
        shift = int(np.clip(np.rint(np.log2(max(1.0, spread * 2.0**-sum_shift * 20000 / wanted))), 0, 20))
        return Requantize(sum_shift, scale, (self.zero << shift) + (1 << shift >> 1), shift)
