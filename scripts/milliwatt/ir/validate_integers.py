"""Proves that no number in a network of integers leaves 32 bits, whatever the sample.

The proof is interval arithmetic over the weights themselves: an output's largest sum takes the highest input
where its weight is positive and the lowest where it is negative. It holds for every sample, since every
tensor is clamped to its grid.
"""

from __future__ import annotations

import math

from milliwatt.ir.model import CLASSIFIER
from milliwatt.ir.network import Array, Concat, Layer, Network, Pad, Reshape
from milliwatt.ir.network_grids import BYTE, WORD, input_grid
from milliwatt.ir.network_integers import (
    Grid,
    InputMap,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Range,
    Requantize,
    Summing,
    Table,
)  # fmt: skip
from milliwatt.ir.validate import fail

MOST_SCALE = (1 << 15) - 1
MOST_SHIFT = 31
MOST_IN_WINDOW = 32_767  # numbers of an average: beyond it sums could leave 32 bits
MOST_OFF = 1 << 30  # of zeros and offsets
_UNITS = (2.0**-126, 2.0**126)  # of what C computes in floats: they and their inverses are float32 numbers
_INT32 = (-(1 << 31), (1 << 31) - 1)
_INT16 = (-(1 << 15), (1 << 15) - 1)
_HIGHEST_MEAN = 255 * 256 + 64  # of bytes, times 256, rounding included
TABLES = {8: ("uint8", 256), 16: ("int16", 257)}


class IntegerChecks:
    """Checks layer after layer, in order, keeping the grids of tensors.

    Raises, in all its functions, :class:`ModelFileError` with the field that is wrong.
    """

    def __init__(self, model: Network) -> None:
        assert model.input_map is not None
        self.model = model
        self.bits = model.input_map.bits
        check_input_map(model.input_map, model)
        self.grids: list[Grid | None] = [input_grid(model.input_map)]

    def add(self, layer: Layer) -> None:
        """Checks the next layer, whose shapes are right."""
        given = [self._given(layer, number) for number in layer.inputs]
        last = len(self.grids) == len(self.model.layers)
        after = given[0]
        if isinstance(layer, IntDense | IntConv | IntDepthwise | IntAveragePool | IntAdd | Table):
            after = self._grid(layer.grid, layer, last=last)
        if isinstance(layer, IntDense | IntConv | IntDepthwise):
            _check_sums(layer, given[0], after, self.bits)
        elif isinstance(layer, IntAveragePool):
            _check_mean(layer, given[0], after, self.bits)
        elif isinstance(layer, IntAdd):
            _check_add(layer, given)
        elif isinstance(layer, Table):
            _check_table(layer, self.bits)
        elif isinstance(layer, Concat):
            if any((grid.unit, grid.zero) != (given[0].unit, given[0].zero) for grid in given):
                raise fail("tensors whose integers stand for different numbers", "inputs")
            after = Grid(given[0].unit, given[0].zero, min(g.low for g in given), max(g.high for g in given))
        if isinstance(layer, IntConv | IntDepthwise | Pad) and any(layer.padding):
            _check_frame(given[0])
        if last and not _is_float(after.unit):
            raise fail("scores have a unit that no float32 can hold", "grid")
        self.grids.append(after)

    def _given(self, layer: Layer, number: int) -> Grid:
        grid = self.grids[number]
        if grid is None:
            raise fail("it takes scores, which only the last layer gives", "inputs")
        each = self.model.input_map is not None and len(self.model.input_map.unit) > 1
        if number == 0 and each and not isinstance(layer, IntDense | Reshape):
            raise fail("only a dense layer can take features that have a unit each", "inputs")
        return grid

    def _grid(self, grid: Grid | None, layer: Layer, *, last: bool) -> Grid:
        """The grid after a layer; that of scores is of no meaning."""
        if grid is not None:
            lowest, highest = BYTE if self.bits == 8 else WORD
            if not lowest <= grid.low <= grid.high <= highest:
                raise fail(f"integers beyond {lowest} to {highest}", "grid")
            if not 0.0 < grid.unit < math.inf or abs(grid.zero) > MOST_OFF:
                raise fail("a unit that is not a number above 0, or a zero that is too far off", "grid")
            return grid
        if not last:
            raise fail("only the last layer gives scores", "grid")
        assert isinstance(layer, IntDense | IntAveragePool)
        self._check_units(layer.units, layer.shape[-1])
        return Grid(1.0, 0, *_INT32)

    def _check_units(self, units: tuple[float, ...], n: int) -> None:
        if len(units) not in (1, n) or not all(map(_is_float, units)):
            raise fail(f"not 1 or {n} numbers above 0 that float32 can hold", "units")
        if self.model.task == CLASSIFIER and len(set(units)) > 1:
            raise fail("a classifier's scores must be comparable: one unit for all", "units")


def check_input_map(given: InputMap, model: Network) -> None:
    """How features become integers is well formed, else :class:`ModelFileError`."""
    if given.bits not in TABLES:
        raise fail("not 8 or 16", "input_map.bits")
    lowest, highest = BYTE if given.bits == 8 else WORD
    if not lowest <= given.low < given.high <= highest:
        raise fail(f"not two integers within {lowest} to {highest}", "input_map.low")
    n = len(given.unit)
    if n not in (1, model.n_features) or not all(0.0 < unit < math.inf for unit in given.unit):
        raise fail(f"not 1 or {model.n_features} numbers above 0", "input_map.unit")
    if model.dtype == "float" and not all(map(_is_float, given.unit)):
        raise fail("features have a unit that no float32 can hold", "input_map.unit")
    if len(given.zero) != n or any(abs(zero) > MOST_OFF for zero in given.zero):
        raise fail(f"not {n} integers within {MOST_OFF} of 0", "input_map.zero")
    if model.dtype == "float" and given.scale:
        raise fail("real features have none", "input_map.scale")
    if len(given.scale) not in (0, n) or len(given.offset) != len(given.scale):
        raise fail(f"not 0 or {n} integers, and an offset each", "input_map.scale")
    if not all(0 <= scale <= MOST_SCALE for scale in given.scale):
        raise fail(f"not within 0 to {MOST_SCALE}", "input_map.scale")
    # |feature| <= 2^15 and scale < 2^15: their product stays below 2^30.
    if any(abs(offset) > MOST_OFF for offset in given.offset) or not 0 <= given.shift <= MOST_SHIFT:
        raise fail("an offset or a shift that is too large", "input_map.offset")
    if model.dtype not in ("float", "int8", "uint8", "int16"):
        raise fail(f"features of the type {model.dtype}, which networks of integers do not take", "dtype")


def _check_frame(grid: Grid) -> None:
    if not grid.low <= grid.zero <= grid.high:
        raise fail("around an image lie zeros, which its integers cannot stand for", "padding")


def sums(layer: Summing, given: Grid) -> list[Range]:
    """The lowest and the highest sum of every output, bias included."""
    weights, bias = layer.weights.numbers(), layer.bias.numbers()
    n, found = len(bias), []
    for output, start in enumerate(bias):
        own = weights[output::n]
        positive = int(sum(weight for weight in own if weight > 0))
        negative = int(sum(own)) - positive
        start = int(start)
        found.append(
            (
                start + positive * given.low + negative * given.high,
                start + positive * given.high + negative * given.low,
            )
        )
    return found


def _check_sums(layer: Summing, given: Grid, after: Grid, bits: int) -> None:
    how = layer.requantize
    scales = _numbers(how.scale, "int16", layer.bias.size, "requantize.scale")
    if not all(scale >= 0 for scale in scales):
        raise fail("a scale below 0", "requantize.scale")
    _check_shift(how)
    last = layer.grid is None
    if last and (how.offset or how.shift):
        raise fail("scores have no offset and no second shift", "requantize")
    for scale, bounds in zip(scales, sums(layer, given), strict=True):
        _require_int32(bounds, "bias")
        shifted = (bounds[0] >> how.sum_shift, bounds[1] >> how.sum_shift)
        if bits == 16 and not last:
            shifted = _saturated(shifted, scale, how, after)
        _require_int32((shifted[0] * scale, shifted[1] * scale), "requantize")
        _require_int32((shifted[0] * scale + how.offset, shifted[1] * scale + how.offset), "requantize")


def _saturated(shifted: Range, scale: int, how: Requantize, after: Grid) -> Range:
    """The range after saturation to 16 bits, which must change no output."""
    low, high = (min(max(bound, _INT16[0]), _INT16[1]) for bound in shifted)
    lowest, highest = ((bound * scale + how.offset) >> how.shift for bound in _INT16)
    hides_low = shifted[0] >= _INT16[0] or lowest <= after.low
    hides_high = shifted[1] <= _INT16[1] or highest >= after.high
    if not (hides_low and hides_high):
        raise fail("sums beyond 16 bits that are not clamped afterwards", "requantize.sum_shift")
    return low, high


def _check_shift(how: Requantize | IntAdd | IntAveragePool) -> None:
    shifts = [how.shift, how.sum_shift if isinstance(how, Requantize) else 0]
    if not all(0 <= shift <= MOST_SHIFT for shift in shifts) or abs(how.offset) > _INT32[1]:
        raise fail(f"a shift that is not within 0 to {MOST_SHIFT}, or an offset beyond 32 bits", "shift")


def _check_mean(layer: IntAveragePool, given: Grid, after: Grid, bits: int) -> None:
    if layer.size[0] * layer.size[1] > MOST_IN_WINDOW:
        raise fail(f"a window of more than {MOST_IN_WINDOW} numbers", "size")
    _check_shift(layer)
    if layer.bits != bits:
        raise fail(f"not {bits}, as the input", "bits")
    if not 0 <= layer.scale <= MOST_SCALE:
        raise fail(f"not within 0 to {MOST_SCALE}", "scale")
    if layer.is_last and layer.shift:
        raise fail("scores are not shifted", "shift")
    if layer.counts_padding and any(layer.padding):
        _check_frame(given)
    lowest, highest = (0, _HIGHEST_MEAN) if bits == 8 else (given.low, given.high)
    _require_int32((lowest * layer.scale + layer.offset, highest * layer.scale + layer.offset), "scale")


def _check_add(layer: IntAdd, given: list[Grid]) -> None:
    _check_shift(layer)
    if len(layer.scales) != len(given) or not all(0 <= scale <= MOST_SCALE for scale in layer.scales):
        raise fail(f"not {len(given)} integers within 0 to {MOST_SCALE}", "scales")
    pairs = list(zip(given, layer.scales, strict=True))
    # In any order of additions: all that lowers, and all that raises.
    lowest = sum(min(0, grid.low * scale) for grid, scale in pairs) + min(0, layer.offset)
    highest = sum(max(0, grid.high * scale) for grid, scale in pairs) + max(0, layer.offset)
    _require_int32((lowest, highest), "scales")


def _check_table(layer: Table, bits: int) -> None:
    kind, size = TABLES[bits]
    values = _numbers(layer.values, kind, size, "values")
    if not all(layer.grid.low <= value <= layer.grid.high for value in values):
        raise fail(f"a value beyond {layer.grid.low} to {layer.grid.high}", "values")


def _numbers(array: Array, kind: str, size: int, name: str) -> list[int]:
    if array.kind != kind or array.shape != (size,):
        raise fail(f"not {size} numbers of the type {kind}", name)
    return [int(number) for number in array.numbers()]


def _is_float(unit: float) -> bool:
    return _UNITS[0] <= unit <= _UNITS[1]


def _require_int32(bounds: Range, name: str) -> None:
    if not _INT32[0] <= bounds[0] <= bounds[1] <= _INT32[1]:
        raise fail("numbers that do not fit 32 bits", name)
