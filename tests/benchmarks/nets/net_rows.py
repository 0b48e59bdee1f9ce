"""One line of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MILLIWATT = "milliwatt"


@dataclass(frozen=True)
class Row:
    """One implementation of one network on one target; None where it does not fit or was not measured.

    Attributes:
        numbers: what layers compute with: ``float``, ``int8`` or ``int16``.
        features: the type in which features come.
        ram_bytes: data and zeroed data of the model, its arena among them, and the stack it uses.
        rows: held-out rows that went to the board.
        cost_mean, cost_max: instructions of a prediction of the class.
        same: rows whose class on the board is the PC's; ``equal_bits``: rows whose scores are, bit for bit,
            where that was asked.
        accuracy: of all held-out rows, on the PC; ``float_accuracy``: of the network in floats.
        quoted: where the figures are from, if they are not of this run.
    """

    case: str
    board: str
    optimize: str
    library: str
    numbers: str
    features: str
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    static_bytes: int | None = None
    stack_bytes: int | None = None
    rows: int = 0
    cost_mean: float | None = None
    cost_max: int | None = None
    same: int | None = None
    equal_bits: int | None = None
    accuracy: float | None = None
    float_accuracy: float | None = None
    quoted: str = ""
    note: str = ""

    @property
    def target(self) -> str:
        return f"{self.board} {self.optimize}"

    @property
    def is_ours(self) -> bool:
        return self.library == MILLIWATT

    @property
    def loss(self) -> float | None:
        """What integers cost, in points of accuracy; negative where they happen to be better."""
        if self.accuracy is None or self.float_accuracy is None:
            return None
        return 100.0 * (self.float_accuracy - self.accuracy)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: dict[str, Any]) -> Row:
    return Row(**data)


def find(rows: Sequence[Row], case: str, numbers: str, target: str) -> Row | None:
    """Ours."""
    mine = [r for r in rows if r.is_ours and (r.case, r.numbers, r.target) == (case, numbers, target)]
    return mine[0] if mine else None
