"""An operator of an ONNX graph, called: its inputs and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import Graph, refuse
from milliwatt.frontends.network_places import Value
from milliwatt.ir.network import Padding, Pair


@dataclass(frozen=True)
class Call:
    """An operator called.

    Attributes:
        given: its inputs: values, constants (arrays), or None where one is left out.
        attributes: as the node has them.
        where: the operator by name, for errors.
        batch: how many samples the graph takes at a time; 0: any number.
    """

    graph: Graph
    given: list[Any]
    attributes: Mapping[str, Any]
    opset: int
    where: str
    batch: int = 0

    @property
    def value(self) -> Value:
        """The first input, a value."""
        if not isinstance(self.given[0], Value):
            raise refuse(self.where, "is given a constant first", "fold constants when exporting")
        return self.given[0]

    def constant(self, index: int) -> NDArray[Any] | None:
        """An input that does not depend on the graph's."""
        found = self.given[index] if index < len(self.given) else None
        if found is not None and not isinstance(found, np.ndarray):
            raise refuse(self.where, "has weights or settings that depend on the input", "use constants")
        return found

    def weights(self, index: int) -> NDArray[np.float64]:
        """Such an input that has to be there, in float64."""
        found = self.constant(index)
        if found is None:
            raise refuse(self.where, f"has no input {index}", "export the model again")
        return np.asarray(found, dtype=np.float64)

    def integers(self, name: str, index: int) -> list[int] | None:
        """A setting that newer operator sets have as an input, older ones as an attribute."""
        found = self.constant(index)
        if found is None:
            found = self.attributes.get(name)
        return None if found is None else [int(number) for number in np.asarray(found).reshape(-1)]

    def pair(self, name: str, usual: int = 1) -> Pair:
        """Rows and columns of an attribute: of signals, columns only."""
        found = [int(side) for side in self.attributes.get(name) or [usual] * self.sides]
        if len(found) != self.sides:
            raise refuse(self.where, f"has {len(found)} {name}", "use 1D or 2D layers")
        return (found[0], found[1]) if self.sides == 2 else (usual if name != "kernel_shape" else 1, found[0])

    @property
    def sides(self) -> int:
        """Dimensions beside batch and channels."""
        return len(self.value.shape) - 1

    @property
    def image(self) -> Pair:
        """Rows and columns that it is given."""
        shape = self.value.shape
        return (shape[1], shape[2]) if len(shape) == 3 else (1, shape[1])

    def padding(self, size: Pair, strides: Pair, dilation: Pair) -> Padding:
        """Rows and columns, from ``pads`` or ``auto_pad``."""
        how = self.attributes.get("auto_pad", "NOTSET")
        if how in ("SAME_UPPER", "SAME_LOWER"):
            reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
            both = zip(self.image, strides, reach, strict=True)
            more = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in both]
            less = [side // 2 for side in more]
            rest = [side - half for side, half in zip(more, less, strict=True)]
            return (*less, *rest) if how == "SAME_UPPER" else (*rest, *less)  # type: ignore[return-value]
        given = [0] * 4 if how == "VALID" else list(self.attributes.get("pads") or [0] * 4)
        if self.sides == 1:
            return (0, int(given[0]), 0, int(given[1]))
        return (int(given[0]), int(given[1]), int(given[2]), int(given[3]))
