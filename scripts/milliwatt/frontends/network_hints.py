"""What a quantised graph says about its integers, collected while the network of floats grows."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.ir.network_integers import Grid
from milliwatt.ir.quantization_hints import LayerHint, QuantizationHints, same_steps


class Hints:
    """Scales by the numbers of tensors.

    Attributes:
        grids: of tensors.
        units: of the weights of the layers that give tensors.
        problems: of such weights: why they cannot be kept, and what to do.
        others: tensors of the same numbers as another, on a grid of their own.
    """

    def __init__(self) -> None:
        self.grids: dict[int, Grid] = {}
        self.units: dict[int, tuple[float, ...]] = {}
        self.problems: dict[int, tuple[str, str]] = {}
        self.others: dict[int, list[int]] = {}
        self.bits = 0
        self._trouble = ("", "")

    def find(self, tensor: int, grid: Grid) -> int | None:
        """The tensor of those numbers that has a grid, or can have it; None: there is none yet."""
        if tensor not in self.grids:
            return tensor
        known: list[int] = [tensor, *self.others.get(tensor, [])]
        return next((number for number in known if same_steps(self.grids[number], grid)), None)

    def set(self, tensor: int, grid: Grid, bits: int) -> None:
        """The grid of a tensor."""
        if self.bits not in (0, bits):
            self.trouble("the graph mixes tensors of 8 and of 16 bits", "quantise all of it alike")
        self.grids[tensor], self.bits = grid, bits

    def trouble(self, problem: str, cure: str) -> None:
        """Something because of which the file's integers cannot be kept; the first one counts."""
        if not self._trouble[0]:
            self._trouble = (problem, cure)

    def collected(self, names: Sequence[str]) -> QuantizationHints | None:
        """For the layers of a network; None: the file says nothing.

        Args:
            names: of the layers, in order.
        """
        if not self.grids and not self.units and not self.problems and not self._trouble[0]:
            return None
        layers = []
        for number, name in enumerate(names, 1):
            units, grid = self.units.get(number, ()), self.grids.get(number)
            layers.append(LayerHint(name, units, grid, None, *self.problems.get(number, ("", ""))))
        return QuantizationHints(self.bits, tuple(layers), self.grids.get(0), *self._trouble)
