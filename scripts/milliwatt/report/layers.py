"""The layers of a network as a table: for a terminal, and as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milliwatt.emit.net_report import LayerCost

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class _Column:
    heading: str
    text: Callable[[LayerCost], str]
    of_integers: bool = False


_COLUMNS = (
    _Column("layer", lambda row: row.layer),
    _Column("weights, bytes", lambda row: f"{row.weight_bytes:,}"),
    _Column("multiplications", lambda row: f"{row.macs:,}"),
    _Column("arena, bytes", lambda row: f"{row.arena_bytes:,}"),
    _Column("noise, dB", lambda row: f"{row.error.noise_db:.1f}" if row.error else "", True),
    _Column("own, dB", lambda row: f"{row.error.own_db:.1f}" if row.error else "", True),
    _Column("clipped", lambda row: f"{100 * row.error.clipped:.2f} %" if row.error else "", True),
)
_COSTS = "arena: most bytes in use while the layer runs"
_NOISE = (
    "noise: how far integers are off real numbers on the calibration data, 20 dB a tenth, 40 dB a hundredth;"
    " own: what the layer alone adds; clipped: numbers beyond what its integers can hold"
)


def layers_table(rows: Sequence[LayerCost], title: str | None = None) -> Table:
    """A table for ``rich``."""
    from rich.table import Table

    result = Table(title=title, caption=_explanation(rows), caption_justify="left", header_style="bold")
    shown = _shown(rows)
    for index, column in enumerate(shown):
        result.add_column(column.heading, justify="right" if index else "left")
    for row in rows:
        result.add_row(*(column.text(row) for column in shown))
    return result


def plain_layers(rows: Sequence[LayerCost]) -> str:
    """The table in plain ASCII, for logs and pipes."""
    shown = _shown(rows)
    cells = [[column.heading for column in shown], *([c.text(row) for c in shown] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(shown))]
    lines = []
    for line in cells:
        texts = [text.rjust(width) for text, width in zip(line, widths, strict=True)]
        texts[0] = line[0].ljust(widths[0])
        lines.append("  ".join(texts).rstrip())
    return "\n".join([*lines, "", _explanation(rows)]) + "\n"


def _shown(rows: Sequence[LayerCost]) -> list[_Column]:
    measured = any(row.error is not None for row in rows)
    return [column for column in _COLUMNS if measured or not column.of_integers]


def _explanation(rows: Sequence[LayerCost]) -> str:
    return f"{_COSTS}; {_NOISE}" if any(row.error is not None for row in rows) else _COSTS
