"""Check reports as a picture of their table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from milliwatt.errors import ToolMissingError
from milliwatt.report.columns import Column, columns, explanation
from milliwatt.rig.report import CheckReport

_FONT = 10.0
_CHARACTER = 0.085  # inches a character of the font is wide, on average
_PADDING = 0.28  # inches between two columns
_ROW = 0.30  # inches
_INK, _FAINT, _BAD, _BAND = "#1a1a1a", "#6b6b6b", "#b00020", "#f3f5f7"


def write_picture(reports: Sequence[CheckReport], path: Path, title: str = "Checks on boards") -> None:
    """Write a PNG of the table; rows that are not perfect are red.

    Raises:
        ToolMissingError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolMissingError(
            "pictures need matplotlib", cure="type: pip install 'milliwatt[report]'"
        ) from None
    shown = columns(reports)
    cells = [[column.text(report) for column in shown] for report in reports]
    widths = [
        max(len(text) for text in (column.heading, *(row[i] for row in cells))) * _CHARACTER + _PADDING
        for i, column in enumerate(shown)
    ]
    width = sum(widths) + 2 * _PADDING
    notes = textwrap.wrap(explanation(reports), width=int(width / _CHARACTER * 1.05))
    height = (len(cells) + 3.2 + 0.7 * len(notes)) * _ROW
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)  # downwards, in inches
    axes.text(_PADDING, 0.9 * _ROW, title, fontsize=1.3 * _FONT, fontweight="bold", color=_INK, va="center")
    _headings(axes, shown, widths, 2.1 * _ROW)
    for index, (report, row) in enumerate(zip(reports, cells, strict=True)):
        y = (3.1 + index) * _ROW
        if index % 2 == 0:
            axes.axhspan(y - _ROW / 2, y + _ROW / 2, color=_BAND, lw=0)
        _row(axes, shown, widths, row, y, _INK if report.perfect else _BAD)
    y = (3.1 + len(cells)) * _ROW
    for number, note in enumerate(notes):
        axes.text(_PADDING, y + 0.7 * number * _ROW, note, fontsize=0.85 * _FONT, color=_FAINT, va="center")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=144)


def _headings(axes: Any, shown: Sequence[Column], widths: Sequence[float], y: float) -> None:
    _row(axes, shown, widths, [column.heading for column in shown], y, _INK, weight="bold")
    draw = axes.plot
    draw([_PADDING, sum(widths) + _PADDING], [y + 0.45 * _ROW] * 2, color=_INK, lw=0.8)


def _row(
    axes: Any,
    shown: Sequence[Column],
    widths: Sequence[float],
    texts: Sequence[str],
    y: float,
    color: str,
    weight: str = "normal",
) -> None:
    write = axes.text
    left = _PADDING
    for column, width, text in zip(shown, widths, texts, strict=True):
        x = left + (width - _PADDING / 2 if column.numeric else _PADDING / 2)
        write(
            x,
            y,
            text,
            fontsize=_FONT,
            color=color,
            fontweight=weight,
            va="center",
            ha="right" if column.numeric else "left",
        )
        left += width
