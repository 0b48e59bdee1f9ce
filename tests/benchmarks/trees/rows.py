"""One line of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MILLIWATT = "milliwatt"
# Below this share of the estimator's answers a candidate does another job: shown, but not compared.
QUALIFIES = 0.985


@dataclass(frozen=True)
class Row:
    """One implementation of one forest on one target; None where it does not fit or does not run.

    Attributes:
        data: the data set.
        kind: ``pure``, ``mixed`` or ``boosted``: the forest's leaves.
        votes: see :class:`candidate.Candidate`.
        leaves: ours: what they became, ``exact`` or so many bits.
        cost_unit: ``instructions`` or ``cycles``.
        note: why there are no figures; ``detail``: in the library's own words.
    """

    forest: str
    data: str
    kind: str
    board: str
    optimize: str
    library: str
    method: str
    dtype: str
    votes: str
    leaves: str
    samples: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    cost_mean: float | None = None
    cost_max: int | None = None
    cost_unit: str = ""
    agree: int | None = None
    ties: int = 0
    note: str = ""
    detail: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        return self.forest, self.board, self.optimize

    @property
    def target(self) -> str:
        return f"{self.board} {self.optimize}"

    @property
    def is_ours(self) -> bool:
        return self.library == MILLIWATT

    @property
    def is_soft(self) -> bool:
        return self.votes != "hard"

    @property
    def right(self) -> float | None:
        """The share of rows answered as the estimator does, its own ties included."""
        return None if self.agree is None else (self.agree + self.ties) / self.samples

    @property
    def qualifies(self) -> bool:
        """Fits, runs, and answers as the estimator does nearly always."""
        return self.right is not None and self.right >= QUALIFIES

    @property
    def is_exact(self) -> bool:
        return self.right == 1.0

    @property
    def agreement(self) -> str:
        if self.right is None:
            return "–"
        ties = f" ({self.ties} ties)" if self.ties else ""
        below = "" if self.qualifies else " †"
        return f"{100 * self.right:.2f} %{ties}{below}"

    @property
    def traded(self) -> str:
        """What narrower leaves of ours gave up in this row."""
        if not self.is_ours or self.leaves == "exact" or self.right is None:
            return ""
        return f"{self.leaves} leaves: {100 * (1 - self.right):.2f} % of the answers"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "traded": self.traded}


def from_json(data: dict[str, Any]) -> Row:
    return Row(**{key: value for key, value in data.items() if key != "traded"})


def places(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(row.place for row in rows))
