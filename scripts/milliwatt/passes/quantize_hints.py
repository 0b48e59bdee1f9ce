"""Integers as a file has them: the grids, weights and biases of a network that was quantised elsewhere.

Where the file does not say the grid of a tensor, it follows without data from what is said around it, or
else it is left to calibration.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    RELU,
    RELU6,
    Activation,
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Network,
    Pad,
    Reshape,
)  # fmt: skip
from milliwatt.ir.network_grids import BYTE
from milliwatt.ir.network_integers import Grid, InputMap
from milliwatt.ir.quantization_hints import LayerHint, QuantizationHints, same_steps
from milliwatt.ir.validate_integers import MOST_OFF, MOST_SCALE
from milliwatt.passes.grids import grid_between, real

Floats = NDArray[np.float64]
_FAINT = 256  # a channel whose step is less than this part of the largest is next to nothing
_MOST_SHIFT = 21
_CALIBRATE = "give calibration=: then what the file does not say is chosen from these samples"


class FileGrids:
    """What the hints of a network say, tensor by tensor and layer by layer.

    Args:
        model: a network of floats with hints; ``model.quantize`` says the bits.
        activated: an activation by name, alpha and numbers.
        calibrated: there are calibration data for what the file does not say.

    Raises:
        UnsupportedModelError: the file's integers cannot be kept.
    """

    def __init__(
        self, model: Network, activated: Callable[[str, float, Floats], Floats], *, calibrated: bool
    ) -> None:
        assert model.hints is not None
        self.model, self.activated, self.calibrated = model, activated, calibrated
        self.hints: tuple[LayerHint, ...] = model.hints.layers
        self.bits = 8 if model.quantize == "int8" else 16
        _check(model.hints, self.bits)
        self.known: list[Grid | None] = [model.hints.input, *(hint.grid for hint in self.hints)]
        self._from_readers()
        self._from_inputs()

    def grid(self, tensor: int) -> Grid | None:
        """The grid of a tensor; None: it is to be calibrated.

        Raises:
            UnsupportedModelError: and there are no data for that.
        """
        if self.known[tensor] is None and not self.calibrated:
            raise (
                self._unsaid(tensor - 1, "of its output")
                if tensor
                else UnsupportedModelError(
                    "the graph's input is not quantised: the file does not say its scale",
                    option="quantize",
                    cure=_CALIBRATE,
                )
            )
        return self.known[tensor]

    def before(self, index: int) -> Grid | None:
        """The grid of a layer's sums before its activation, where the file has one."""
        return self.hints[index].before

    def needs_data(self, index: int) -> None:
        """A table's layer whose sums the file does not say the grid of.

        Raises:
            UnsupportedModelError: there are no data to choose it from.
        """
        if not self.calibrated:
            raise self._unsaid(index, "of its sums, before its activation,")

    def units(self, index: int) -> Floats | None:
        """What a step of each output's weights is; None: they are to be quantised from floats.

        Raises:
            UnsupportedModelError: the file has integers that cannot be kept.
        """
        hint = self.hints[index]
        if hint.problem:
            raise UnsupportedModelError(
                f"{self._name(index)} {hint.problem}", option="quantize", cure=hint.cure
            )
        if not hint.units and not self.calibrated:
            raise UnsupportedModelError(
                f"{self._name(index)} has weights of floats in a quantised graph",
                option="quantize",
                cure="quantise all layers; or give calibration=, and they are quantised here",
            )
        return np.asarray(hint.units) if hint.units else None

    def _name(self, index: int) -> str:
        return self.hints[index].name or f"layer {index}"

    def _unsaid(self, index: int, what: str) -> UnsupportedModelError:
        return UnsupportedModelError(
            f"{self._name(index)}: the file does not say the scale {what}, where a quantised graph has a pair"
            " of QuantizeLinear and DequantizeLinear",
            option="quantize",
            cure=_CALIBRATE,
        )

    # -- grids that follow from others ---------------------------------------------------------

    def _from_readers(self) -> None:
        """What a layer gives on, moved or clamped at most, may be on the grid that comes out of it."""
        for index in reversed(range(len(self.model.layers))):
            layer, given = self.model.layers[index], self.known[index + 1]
            moves = isinstance(layer, MaxPool | Reshape | Pad | Concat)
            clamps = isinstance(layer, Activation) and layer.activation in (RELU, RELU6)
            for number in layer.inputs if moves or clamps else ():
                if self.known[number] is None and self._readers(number) == 1:
                    self.known[number] = given

    def _readers(self, tensor: int) -> int:
        return sum(layer.inputs.count(tensor) for layer in self.model.layers)

    def _from_inputs(self) -> None:
        for index, layer in enumerate(self.model.layers):
            if self.known[index + 1] is None:
                given = [self.known[number] for number in layer.inputs]
                self.known[index + 1] = self._follows(index, layer, given)  # type: ignore[arg-type]

    def _follows(self, index: int, layer: FloatLayer, given: list[Grid | None]) -> Grid | None:
        """The grid that holds all that a layer can give, where that is known exactly."""
        grids = [grid for grid in given if grid is not None]
        if len(grids) < len(given):
            return None
        if isinstance(layer, MaxPool | Reshape | Pad | AveragePool):
            return grids[0]
        if isinstance(layer, Concat):
            return grids[0] if all(same_steps(grids[0], grid) for grid in grids) else self._around(grids)
        if isinstance(layer, Activation):
            return self._behind(layer.activation, layer.alpha, grids[0])
        assert isinstance(layer, Add | Dense | Conv | Depthwise)
        before = self.hints[index].before
        if before is None or layer.activation == IDENTITY:
            return None
        return self._behind(layer.activation, layer.alpha, before)

    def _around(self, grids: list[Grid]) -> Grid:
        ends = [(np.array([grid.low, grid.high]) - grid.zero) * grid.unit for grid in grids]
        return grid_between(float(np.min(ends)), float(np.max(ends)), self.bits)

    def _behind(self, kind: str, alpha: float, before: Grid) -> Grid:
        """All that an activation makes of the integers before it."""
        values = self.activated(kind, alpha, real(before, np.arange(before.low, before.high + 1)))
        return grid_between(float(values.min()), float(values.max()), self.bits)


def _check(hints: QuantizationHints, bits: int) -> None:
    if hints.problem:
        raise UnsupportedModelError(hints.problem, option="quantize", cure=hints.cure)
    if hints.bits not in (0, bits):
        raise UnsupportedModelError(
            f"the graph is quantised to {hints.bits} bits already, and not to {bits}",
            option="quantize",
            cure=f"use quantize=int{hints.bits}, which keeps its scales; or give the float model",
        )


def kept_map(model: Network, grid: Grid, bits: int) -> InputMap:
    """How features become the integers that the file says of the input."""
    limits = (grid.low, grid.high)
    if model.dtype == "float":
        return InputMap(bits, (grid.unit,), (grid.zero,), *limits)
    unit = grid.unit * (np.asarray(model.scale) if model.scale else np.ones(1))  # of device features
    if (unit == 1.0).all() and grid.zero == 0:
        return InputMap(bits, (grid.unit,), (grid.zero,), *limits)
    shift = 0
    while shift < _MOST_SHIFT and (np.rint(2.0 ** (shift + 1) / unit) <= MOST_SCALE).all():
        shift += 1
    factor = np.rint(2.0**shift / unit).clip(1, MOST_SCALE)
    offset = int(min((grid.zero << shift) + (1 << shift >> 1), MOST_OFF))
    n = 1 if (factor == factor[0]).all() else len(factor)
    factors = tuple(int(number) for number in factor[:n])
    return InputMap(bits, (grid.unit,) * n, (grid.zero,) * n, *limits, factors, (offset,) * n, shift)


def kept_weights(
    layer: Dense | Conv | Depthwise, units: Floats, step: float
) -> tuple[NDArray[np.float64], Floats]:
    """The file's integers, and what a step of each output's sum is in real numbers.

    A channel of next to nothing that has a large bias would leave the others few bits of a sum; only then
    its integers become coarser.

    Args:
        units: of the weights, one an output.
        step: the unit of what the layer takes.
    """
    weights = np.asarray(layer.weights.numbers(), dtype=np.float64)
    flat = weights.reshape(-1, layer.bias.size)
    bias = np.abs(np.asarray(layer.bias.numbers(), dtype=np.float64))
    faint = units < float(units.max()) / _FAINT
    if faint.any():
        reach = bias / (units * step) + BYTE[1] * np.abs(flat / units).sum(axis=0)
        if float(reach[faint].max()) > 2 * float(reach[~faint].max()):
            units = np.maximum(units, float(units.max()) / _FAINT)
    return np.rint(flat / units).clip(-128, 127).reshape(layer.weights.shape), units * step


def kept_bias(layer: Dense | Conv | Depthwise, whole: Floats, unit: Floats, zero: int) -> Floats:
    """The file's bias in steps of the sums, with what the input's zero adds.

    Raises:
        OverflowError: it does not fit 32 bits.
    """
    bias = np.rint(np.asarray(layer.bias.numbers(), dtype=np.float64) / unit)
    bias -= zero * whole.reshape(-1, layer.bias.size).sum(axis=0)
    if np.abs(bias).max() >= 1 << 30:
        raise OverflowError
    return np.asarray(bias)
