"""Which real numbers integers stand for: the choice of units, zeros and ranges from calibration data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import RELU, RELU6, Array, Concat, MaxPool, Network, Pad, Reshape
from milliwatt.ir.network_grids import BYTE, WORD
from milliwatt.ir.network_integers import Grid

Floats = NDArray[np.float64]

CLAMPED = (IDENTITY, RELU, RELU6)  # activations that are a clamp of integers
_PARTS = (1.0, 0.99, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # of the range: tried
_SMALL_PARTS = (0.07, 0.05, 0.03, 0.02, 0.01)
SPARE = 2.0  # 16 bits: of the range too, for samples beyond calibration data; weights are coarser anyway
_MOST_VALUES = 50_000  # that a choice looks at
_NODES = 128  # of a table of 16 bits, on each side of 0


class Groups:
    """Tensors whose integers have to stand for the same numbers: what layers move without computing.

    A tree of parents for each tensor (union-find). What ``Concat`` takes is in its group where that costs no
    more than one bit; else, as the input, it has a grid of its own and is rescaled on the way.
    """

    def __init__(self, model: Network, real: Sequence[Floats]) -> None:
        self._parent = list(range(len(model.layers) + 1))
        for index, layer in enumerate(model.layers):
            if isinstance(layer, MaxPool | Reshape | Pad):
                self._join(layer.inputs[0], index + 1)
        for index, layer in enumerate(model.layers):
            if isinstance(layer, Concat):
                for number in layer.inputs:
                    if self.of(number) != self.of(0) and _span(real[index + 1]) <= 2 * _span(real[number]):
                        self._join(number, index + 1)

    def _join(self, first: int, second: int) -> None:
        self._parent[max(self.of(first), self.of(second))] = min(self.of(first), self.of(second))

    def of(self, tensor: int) -> int:
        """The number of a tensor's group."""
        while self._parent[tensor] != tensor:
            tensor = self._parent[tensor]
        return tensor

    def members(self, tensor: int) -> list[int]:
        """All tensors of a tensor's group."""
        group = self.of(tensor)
        return [number for number in range(len(self._parent)) if self.of(number) == group]


def _span(values: Floats) -> float:
    return max(0.0, float(values.max())) - min(0.0, float(values.min()))


def least_error(
    values: Floats, bits: int, limit: int = WORD[1], after: Callable[[Floats], Floats] | None = None
) -> Grid:
    """The grid whose integers come nearest to the values, in the mean square.

    Args:
        values: numbers that occur, flat.
        limit: the largest integer (16 bits).
        after: what will be made of them: then it is its error that counts.
    """
    chosen = values
    if len(values) > _MOST_VALUES:  # at random: a fixed step would meet the same channels again and again
        chosen = np.random.default_rng(0).choice(values, _MOST_VALUES, replace=False)
    least, most = min(0.0, float(values.min())), max(0.0, float(values.max()))
    wanted = chosen if after is None else after(chosen)

    def tried(parts: tuple[float, float]) -> tuple[float, Grid]:
        grid = _grid_of(parts[0] * least, parts[1] * most, bits, limit)
        found = real(grid, of(grid, chosen))
        error = (found if after is None else after(found)) - wanted
        return float((error**2).mean()) + (_line_error(grid) if after and bits == 16 else 0.0), grid

    both = [(part, part) for part in (_PARTS if bits == 8 or after is not None else (SPARE,))]
    known = {parts: tried(parts) for parts in both}
    if after is not None and bits == 8:  # an activation that goes flat on one side needs little of it
        for side in (0, 1):
            best = min(known, key=lambda parts: known[parts][0])
            for part in (*_PARTS, *_SMALL_PARTS):
                parts = (part, best[1]) if side == 0 else (best[0], part)
                known[parts] = tried(parts)
    return min(known.values(), key=lambda pair: pair[0])[1]


def _grid_of(low: float, high: float, bits: int, limit: int) -> Grid:
    # What was always 0 reaches up to 1: a step of 1 would make those of the next layer's sums far too coarse.
    if bits == 16:
        return Grid((max(-low, high) or 1.0) / limit, 0, -limit, limit)
    unit = ((high - low) or 1.0) / BYTE[1]
    return Grid(unit, round(-low / unit), *BYTE)


def grid_between(low: float, high: float, bits: int) -> Grid:
    """The grid that holds all numbers between two, and 0."""
    return _grid_of(min(0.0, low), max(0.0, high), bits, WORD[1])


def _line_error(grid: Grid) -> float:
    """The square of how far a curve may lie from the lines between the nodes of a table."""
    step = grid.unit * grid.high / _NODES
    return (step * step / 16) ** 2  # step^2 / 8 times a second derivative of 1/2


def of(grid: Grid, values: Floats) -> NDArray[np.int64]:
    """Real numbers as integers of a grid, clamped."""
    found: NDArray[np.int64] = (
        (np.rint(values / grid.unit) + grid.zero).clip(grid.low, grid.high).astype(np.int64)
    )
    return found


def real(grid: Grid, values: NDArray[np.int64]) -> Floats:
    """What integers of a grid stand for."""
    return np.asarray((values - grid.zero) * grid.unit, dtype=np.float64)


def clamped_grid(grid: Grid, activation: str) -> Grid:
    """The grid of a layer whose activation is a clamp."""
    if activation == IDENTITY:
        return grid
    low = max(grid.low, grid.zero)
    high = grid.high
    if activation == RELU6:
        high = max(low, min(high, grid.zero + round(6.0 / grid.unit)))
    return dataclasses.replace(grid, low=low, high=high)


def activation_table(
    before: Grid, after: Grid, activated: Callable[[Floats], Floats], *, bits: int
) -> tuple[Array, Grid]:
    """The table of an activation, and the grid of what it gives."""
    bytes_ = bits == 8
    integers = np.arange(256) if bytes_ else (np.arange(257) - _NODES) * 256
    values = of(after, activated(real(before, integers)))
    kind = "uint8" if bytes_ else "int16"
    data = values.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    made = Array((len(values),), kind, data)
    # A frame of zeros may come to lie around it.
    low, high = min(after.zero, int(values.min())), max(after.zero, int(values.max()))
    return made, dataclasses.replace(after, low=low, high=high)
