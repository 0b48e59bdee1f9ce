"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Disagreement:
    """A sample the device answered differently.

    Attributes:
        sample: its number, from 0.
        device: what the device said: a class label, or values.
        wanted: what it should have said.
        reference: ``host`` (the same C on this PC) or ``estimator``.
    """

    sample: int
    device: Any
    wanted: Any
    reference: str


@dataclass(frozen=True)
class CheckReport:
    """A model on a board, compared sample by sample.

    Attributes:
        board, cpu: where.
        model, method, dtype: what.
        samples: rows sent.
        agree: rows answered as by ``reference``; ``ties`` come on top.
        flash_bytes, ram_bytes: what the model adds to the same firmware without a model.
        stack_bytes: the most stack a prediction used.
        cost_mean, cost_max: of a prediction, in ``cost_unit``.
        reference: ``estimator`` where its answers were given, else ``host``.
        ties: rows with the other of two classes that the estimator finds equally likely (within 1e-9).
        same_as_host: rows answered bit for bit as the same C does on this PC; of networks of floats, within
            what ``network_bounds`` states.
        max_error: regressors: the largest absolute difference to the estimator's answer.
        flash_total, ram_total: of the whole check firmware.
        resent: rows that the serial line lost and that were sent again.
        cpu_share: models from raw samples: the part of the board's time that it takes to keep up with the
            samples, as if each unit of cost were a cycle; None where rate or clock is not known.
        disagreements: the first rows that were answered differently.
    """

    board: str
    cpu: str
    model: str
    method: str
    dtype: str
    samples: int
    agree: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    cost_mean: float
    cost_max: int
    cost_unit: str
    cost_min: int = 0
    reference: str = "host"
    ties: int = 0
    same_as_host: int = 0
    max_error: float | None = None
    flash_total: int = 0
    ram_total: int = 0
    build_id: str = ""
    resent: int = 0
    cpu_share: float | None = None
    disagreements: tuple[Disagreement, ...] = field(default=())

    @property
    def agreement(self) -> float:
        """Share of rows answered rightly, ties included, 0 to 1."""
        return (self.agree + self.ties) / self.samples if self.samples else 1.0

    @property
    def perfect(self) -> bool:
        """True when every row is right, by the reference and by the same C on this PC."""
        return self.agree + self.ties == self.samples == self.same_as_host

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "disagreements": [asdict(item) for item in self.disagreements]}
