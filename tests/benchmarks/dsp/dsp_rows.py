"""One line of the results."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MILLIWATT, EMLEARN, EMLEARN_IN_SIGHT = "milliwatt", "emlearn", "emlearn, filter in sight"
M4F, M3, M0, AVR = "Cortex-M4F", "Cortex-M3", "Cortex-M0", "ATmega328P"
M55 = "Cortex-M55"
PARTS = ("transforms", "filters", "time", "audio")


@dataclass(frozen=True)
class Row:
    """A kernel on a core.

    Attributes:
        part: one of `PARTS`.
        kernel: what it is, its length among it; equal for all libraries.
        numbers: ``f32``, ``i32``, ``q15``, …
        cost: instructions, or cycles on the ATmega328P, of what the part's heading says.
        flash_bytes: code, tables and helpers of the compiler that calling it adds to a firmware.
        snr_db: signal to noise of what the core gave, against float64, by the signal that went in; None where
            not a bit differs.
        digest: of what a fixed-point kernel gave.
        quoted: whether the figures are not of this run.
    """

    part: str
    kernel: str
    numbers: str
    core: str
    library: str = MILLIWATT
    cost: float | None = None
    flash_bytes: int | None = None
    snr_db: dict[str, float | None] = field(default_factory=dict)
    digest: str = ""
    quoted: bool = False

    @property
    def is_ours(self) -> bool:
        return self.library == MILLIWATT

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What is the same on all cores."""
        return self.part, self.kernel, self.numbers, self.library

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: dict[str, Any]) -> Row:
    return Row(**data)


def find(rows: Sequence[Row], kernel: str, numbers: str, core: str) -> Row | None:
    """Ours."""
    wanted = (kernel, numbers, core)
    return next((r for r in rows if r.is_ours and (r.kernel, r.numbers, r.core) == wanted), None)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
