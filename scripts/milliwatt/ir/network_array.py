"""Weights: numbers of one type, as bytes."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from math import prod

# Array types: their code in Python's ``array``, bytes a number.
KINDS = {"float32": ("f", 4), "int8": ("b", 1), "uint8": ("B", 1), "int16": ("h", 2), "int32": ("i", 4)}


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers of one type, row by row.

    Attributes:
        shape: sizes, the last one varies fastest.
        kind: a key of :data:`KINDS`.
        data: the numbers, lowest byte first.
    """

    shape: tuple[int, ...]
    kind: str
    data: bytes

    @property
    def size(self) -> int:
        """Numbers in it."""
        return prod(self.shape)

    def numbers(self) -> array[float] | array[int]:
        """The numbers, flat."""
        found = array(KINDS[self.kind][0], self.data)
        if sys.byteorder == "big":
            found.byteswap()
        return found
