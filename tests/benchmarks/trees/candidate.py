"""One way to run a forest, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from firmware import SKELETON, RowType
from forests import Fitted, Forest
from rows import MILLIWATT

_C_TYPES = {"int16": "int16_t", "float": "float", "double": "double"}
_NUMPY_TYPES = {"int16": "<i2", "float": "<f4", "double": "<f8"}


@dataclass(frozen=True)
class Candidate:
    """A library, what it was asked for, and the type in which it takes features.

    Attributes:
        method: the library's own name for the form of the code, or what was set.
        dtype: ``int16``, ``float`` or ``double``; rows arrive in this type.
        votes: peers: ``hard``; ``soft`` (as exact as the library's numbers); ``soft 8 bit``. Ours:
            ``default``, or what was asked for by ``leaf_bits``.
        skeleton: the file in ``firmware/`` that calls it.
        leaf_bits: the option of that name; empty: its default.
        least_flash: bytes that the code takes at the very least, where that is plain from its form and
            compiling it takes minutes.
    """

    library: str
    method: str
    dtype: str
    votes: str
    skeleton: str
    leaf_bits: str = ""
    least_flash: int = 0

    @property
    def name(self) -> str:
        return "-".join([self.library, self.method, self.dtype, self.votes]).replace(" ", "")

    @property
    def is_ours(self) -> bool:
        return self.library == MILLIWATT

    @property
    def c_type(self) -> str:
        return _C_TYPES[self.dtype]

    def fitted(self, forest: Forest) -> Fitted:
        return forest.fitted(self.dtype)

    def row_type(self, forest: Forest) -> RowType:
        return RowType(self.c_type, forest.n_features, forest.n_classes)

    def rows(self, forest: Forest, family: str) -> list[bytes]:
        """The forest's rows as the device's memory holds them; avr-gcc's double has 4 bytes."""
        small_double = self.dtype == "double" and family == "avr"
        numpy_type = "<f4" if small_double else _NUMPY_TYPES[self.dtype]
        return [row.tobytes() for row in np.asarray(self.fitted(forest).rows).astype(numpy_type)]


@dataclass(frozen=True)
class Sources:
    """What to compile for a candidate; ``leaves``: what became of the leaves, where we know."""

    files: Sequence[Path]
    includes: Sequence[Path]
    leaves: str = ""

    def with_skeleton(self, candidate: Candidate) -> list[Path]:
        return [*self.files, SKELETON / candidate.skeleton]


class NotSupportedError(Exception):
    """The library does not take this model; shown as such, not a failure."""
