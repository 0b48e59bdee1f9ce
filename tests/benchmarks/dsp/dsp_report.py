"""The tables, on the terminal and in RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsp_rows import AVR, M0, M3, M4F, PARTS, Row
from goal_tables import Goal, markdown_goals, markdown_table
from rich.table import Table

TITLES = {
    "transforms": "Fourier transforms: instructions a transform",
    "filters": "Filters: instructions a sample",
    "time": "Features in the time domain, windows, decisions: for 128 samples of 3 axes",
    "audio": "Audio features, from a spectrum of 257 bins on: instructions a call",
}
_CORES = (M4F, M3, M0, AVR)
_LEFT = 3


def rich_tables(rows: Sequence[Row]) -> Iterable[Table]:
    """One a part."""
    for part in _parts(rows):
        table = Table(title=TITLES[part], title_justify="left")
        for i, column in enumerate(_columns(rows, part)):
            table.add_column(column, justify="left" if i < _LEFT else "right")
        for group in _groups(rows, part):
            table.add_row(*_cells(rows, part, group), style="bold" if group[0].is_ours else "")
        yield table


def markdown(rows: Sequence[Row], goals: Sequence[Goal], header: Sequence[str]) -> str:
    """RESULTS.md."""
    lines = ["# Kernels of signals: instructions, flash and accuracy beside other libraries", "", *header, ""]
    lines += ["## Goals", "", *markdown_goals(goals), ""]
    for part in _parts(rows):
        cells = [_cells(rows, part, group) for group in _groups(rows, part)]
        lines += [f"## {TITLES[part]}", "", *markdown_table(_columns(rows, part), cells, _LEFT), ""]
    return "\n".join(lines).rstrip() + "\n"


def _parts(rows: Sequence[Row]) -> list[str]:
    return [part for part in PARTS if any(row.part == part for row in rows)]


def _cores(rows: Sequence[Row], part: str) -> list[str]:
    return [core for core in _CORES if any((row.part, row.core) == (part, core) for row in rows)]


def _columns(rows: Sequence[Row], part: str) -> list[str]:
    cores = _cores(rows, part)
    costs = [f"{core} cycles" if core == AVR else core for core in cores]
    db = ["dB"] if any(row.snr_db for row in rows if row.part == part) else []
    return ["kernel", "numbers", "library", *costs, *(f"flash {core}" for core in cores), *db]


def _groups(rows: Sequence[Row], part: str) -> list[list[Row]]:
    """Rows of a line: one kernel of one library; libraries together, and all numbers of a kernel together."""
    mine = [row for row in rows if row.part == part]
    kernels = list(dict.fromkeys(row.kernel for row in mine))
    lines = sorted(
        dict.fromkeys(row.name for row in mine),
        key=lambda name: (kernels.index(name[1]), _first(mine, name[1], name[2])),
    )
    return [[row for row in mine if row.name == name] for name in lines]


def _first(rows: Sequence[Row], kernel: str, numbers: str) -> int:
    return next(i for i, row in enumerate(rows) if (row.kernel, row.numbers) == (kernel, numbers))


def _cells(rows: Sequence[Row], part: str, group: Sequence[Row]) -> list[str]:
    by_core = {row.core: row for row in group}
    first = group[0]
    line = [first.kernel, first.numbers, first.library + (" ¹" if first.quoted else "")]
    cores = [by_core.get(core) for core in _cores(rows, part)]
    line += [_cost(row) for row in cores] + [_flash(row) for row in cores]
    if any(row.snr_db for row in rows if row.part == part):
        line.append(_db(group))
    return line


def _cost(row: Row | None) -> str:
    if row is None or row.cost is None:
        return "–"
    return f"{row.cost:,.1f}" if row.part == "filters" else f"{row.cost:,.0f}"


def _flash(row: Row | None) -> str:
    if row is None or row.flash_bytes is None:
        return "–"
    return f"{row.flash_bytes / 1024:.1f} KB" if row.quoted else f"{row.flash_bytes:,}"


def _db(group: Sequence[Row]) -> str:
    """The worst of all cores, by signal."""
    names = list(dict.fromkeys(name for row in group for name in row.snr_db))
    cells = []
    for name in names:
        found = [db for row in group if (db := row.snr_db.get(name)) is not None]
        cells.append(f"{min(found):.0f}" if found else "exact")
    return " / ".join(cells) or "–"
