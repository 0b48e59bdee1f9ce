"""Check reports as a table: for a terminal, as plain text, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from milliwatt.report.columns import columns, explanation
from milliwatt.rig.report import CheckReport

if TYPE_CHECKING:
    from rich.table import Table


def table(reports: Sequence[CheckReport], title: str | None = None) -> Table:
    """A table for ``rich``: rows that are not perfect are red."""
    from rich.table import Table

    result = Table(title=title, caption=explanation(reports), caption_justify="left", header_style="bold")
    shown = columns(reports)
    for column in shown:
        justify = "right" if column.numeric else "left"
        result.add_column(column.heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for report in reports:
        style = None if report.perfect else "bold red"
        result.add_row(*(column.text(report) for column in shown), style=style)
    return result


def show(reports: Sequence[CheckReport], title: str | None = None) -> None:
    """Print the table: with colours on a terminal, as plain text into a pipe."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(table(reports, title))
    else:
        print(plain(reports), end="")


def plain(reports: Sequence[CheckReport]) -> str:
    """The table in plain ASCII, for logs and pipes."""
    shown = columns(reports)
    rows = [[c.heading for c in shown], *([c.text(report) for c in shown] for report in reports)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(shown))]
    lines = []
    for row in rows:
        cells = (
            text.rjust(width) if column.numeric else text.ljust(width)
            for text, width, column in zip(row, widths, shown, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, "", explanation(reports)]) + "\n"


def markdown(reports: Sequence[CheckReport]) -> str:
    """The table in Markdown."""
    shown = columns(reports)
    rows = [
        [column.heading for column in shown],
        ["--:" if column.numeric else ":--" for column in shown],
        *([column.text(report) for column in shown] for report in reports),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", explanation(reports) + "."]) + "\n"
