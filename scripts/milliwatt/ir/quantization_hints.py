"""What a file says about integers whose network is read as floats: the scales and zero points in QDQ graphs.

For memory only: hints go from a frontend through folding to quantisation, and no ``*.mw.json`` holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.ir.network_integers import Grid


@dataclass(frozen=True, slots=True)
class LayerHint:
    """What the file says about one layer.

    Attributes:
        name: the layer in the file's own words, for errors.
        units: what a step of its weights is, an output channel each; empty: its weights are not the file's
            integers.
        grid: of its output; None: the file does not say.
        before: of its sums before its activation, where the file rounds there too.
        problem, cure: why its weights cannot be the file's integers, and what to do.
    """

    name: str = ""
    units: tuple[float, ...] = ()
    grid: Grid | None = None
    before: Grid | None = None
    problem: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class QuantizationHints:
    """What the file says about the whole network.

    Attributes:
        bits: of the tensors, 8 or 16; 0: the file only says units of weights.
        layers: one for each layer of the network.
        input: the grid of tensor 0; None: the file does not say.
        problem, cure: why the file's integers cannot be kept, and what to do; empty: they can.
    """

    bits: int
    layers: tuple[LayerHint, ...]
    input: Grid | None = None
    problem: str = ""
    cure: str = ""


def same_steps(one: Grid | None, other: Grid | None) -> bool:
    """Integers of both stand for the same numbers, whatever their limits."""
    return one is not None and other is not None and (one.unit, one.zero) == (other.unit, other.zero)
