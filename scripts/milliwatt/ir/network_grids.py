"""Which real numbers the integers of each tensor stand for."""

from __future__ import annotations

from milliwatt.ir.network import Concat, MaxPool, Network, Pad, Reshape
from milliwatt.ir.network_integers import Grid, InputMap, IntAveragePool, IntDense

BYTE = (0, 255)
WORD = (-32767, 32767)  # symmetric: 0 stands for 0


def input_grid(given: InputMap) -> Grid:
    """Of tensor 0; where each feature has a unit of its own, unit and zero are the first one's."""
    return Grid(given.unit[0], given.zero[0], given.low, given.high)


def grids(model: Network) -> tuple[Grid | None, ...]:
    """The grid of every tensor of a network of integers, by its number; None: scores of 32 bits.

    Layers that only move numbers leave their input's grid as it is; ``Concat`` of tensors of one unit
    gives a grid as wide as the widest.
    """
    assert model.input_map is not None
    found: list[Grid | None] = [input_grid(model.input_map)]
    for layer in model.layers:
        if isinstance(layer, MaxPool | Reshape | Pad):
            found.append(found[layer.inputs[0]])
        elif isinstance(layer, Concat):
            given = [grid for number in layer.inputs if (grid := found[number]) is not None]
            low, high = min(grid.low for grid in given), max(grid.high for grid in given)
            found.append(Grid(given[0].unit, given[0].zero, low, high))
        else:
            found.append(layer.grid)  # type: ignore[union-attr]
    return tuple(found)


def score_units(model: Network) -> tuple[float, ...]:
    """What one step of the integer scores is in real numbers: one for all, or one each."""
    last = model.layers[-1]
    if isinstance(last, IntDense | IntAveragePool) and last.is_last:
        return last.units
    grid = grids(model)[-1]
    assert grid is not None
    return (grid.unit,)
