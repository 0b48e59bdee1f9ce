"""The columns that the table, its text forms and its picture share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from milliwatt.rig.report import CheckReport


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it says of a report, and whether it holds numbers."""

    heading: str
    text: Callable[[CheckReport], str]
    numeric: bool = True


def number(value: float) -> str:
    """A number for people: thousands set apart, a decimal only where it says something."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def agreement(report: CheckReport) -> str:
    """The share of right answers; never rounded up to 100 %."""
    share = report.agreement
    percent = "100.00 %" if share == 1.0 else f"{min(100 * share, 99.99):.2f} %"
    ties = f" ({report.ties} tie{'s' if report.ties > 1 else ''})" if report.ties else ""
    return percent + ties


def signed(value: int) -> str:
    """Bytes a model adds; it may save some."""
    return number(value) if value >= 0 else f"-{number(-value)}"


_COLUMNS = (
    Column("board", lambda r: r.board, numeric=False),
    Column("CPU", lambda r: r.cpu, numeric=False),
    Column("model", lambda r: r.model, numeric=False),
    Column("method", lambda r: r.method, numeric=False),
    Column("features", lambda r: r.dtype, numeric=False),
    Column("samples", lambda r: number(r.samples)),
    Column("agreement", agreement),
    Column("flash, bytes", lambda r: signed(r.flash_bytes)),
    Column("RAM, bytes", lambda r: signed(r.ram_bytes)),
    Column("stack, bytes", lambda r: number(r.stack_bytes)),
    Column("cost, mean", lambda r: number(r.cost_mean)),
    Column("cost, max", lambda r: number(r.cost_max)),
    Column("unit", lambda r: r.cost_unit, numeric=False),
)

EXPLANATION = (
    "flash and RAM: what the model adds to the same firmware without it; cost: of one prediction; "
    "agreement: with {reference}"
)


def columns(reports: Sequence[CheckReport]) -> list[Column]:
    """The columns worth showing: one model's name need not be in every row."""
    same_model = len({report.model for report in reports}) <= 1
    return [column for column in _COLUMNS if not (same_model and column.heading == "model")]


def explanation(reports: Sequence[CheckReport]) -> str:
    """One line below a table."""
    names = {"host": "the same C on this PC", "estimator": "the estimator the model was made from"}
    used = {names[report.reference] for report in reports}
    return EXPLANATION.format(reference=" or ".join(sorted(used, key=len)) or "nothing")
