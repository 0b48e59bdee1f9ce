"""The tables, on the terminal and in RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from goal_tables import Goal, markdown_goals, markdown_table
from net_rows import Row
from rich.table import Table

PLOT = "results.png"
_COLUMNS = (
    "library", "numbers", "features", "instructions", "a MAC", "flash B", "RAM B", "data", "stack",
    "accuracy", "PC = board",
)  # fmt: skip
_LEFT = 3
_TITLES = {"-O2": "Compiled with -O2", "-Os": "Compiled with -Os"}


def rich_tables(rows: Sequence[Row], macs: dict[str, int]) -> Iterable[Table]:
    """One table a network and target."""
    for optimize, case, board in _places(rows):
        table = Table(title=f"{case} on {board} {optimize}", title_justify="left")
        for i, column in enumerate(_COLUMNS):
            table.add_column(column, justify="left" if i < _LEFT else "right")
        for row in _of(rows, optimize, case, board):
            table.add_row(*_cells(row, macs[case]), style="bold" if row.is_ours else "")
        yield table


def markdown(
    rows: Sequence[Row],
    goals: Sequence[Goal],
    header: Sequence[str],
    about: dict[str, str],
    macs: dict[str, int],
) -> str:
    """RESULTS.md."""
    lines = [
        "# Networks: flash, RAM and instructions beside other libraries",
        "",
        *header,
        "",
        "## Goals",
        "",
    ]
    lines += [*markdown_goals(goals), ""]
    lines += [f"![Instructions and flash of every library]({PLOT})", ""]
    before = ("", "")
    for optimize, case, board in _places(rows):
        if optimize != before[0]:
            lines += [f"## {_TITLES[optimize]}", ""]
        if (optimize, case) != before:
            lines += [f"### {case}, {optimize}", "", f"{about[case]}.", ""]
        before = (optimize, case)
        mine = _of(rows, optimize, case, board)
        cells = [_cells(row, macs[case]) for row in mine]
        lines += [f"{board}:", "", *markdown_table(_COLUMNS, cells, _LEFT), ""]
    return "\n".join(lines).rstrip() + "\n"


def _places(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Level, network, board: all of a level together, all of a network together."""
    levels = dict.fromkeys(row.optimize for row in rows)
    cases = dict.fromkeys(row.case for row in rows)
    boards = dict.fromkeys(row.board for row in rows)
    every = [(level, case, board) for level in levels for case in cases for board in boards]
    return [place for place in every if _of(rows, *place)]


def _of(rows: Sequence[Row], optimize: str, case: str, board: str) -> list[Row]:
    return [row for row in rows if (row.optimize, row.case, row.board) == (optimize, case, board)]


def _cells(row: Row, n_macs: int) -> list[str]:
    ends = [row.library + (" ¹" if row.quoted else ""), row.numbers, row.features]
    sizes = [row.flash_bytes, row.ram_bytes, row.static_bytes, row.stack_bytes]
    counts = ["–" if size is None else f"{size}" for size in sizes]
    if row.cost_mean is None:
        return [*ends, "–", "–", *counts, "–", row.note]
    own_net = row.quoted and row.case == "mnist"
    per_mac = "–" if own_net else f"{row.cost_mean / n_macs:.2f}"
    return [*ends, f"{row.cost_mean:.0f}", per_mac, *counts, _accuracy(row), _equal(row)]


def _accuracy(row: Row) -> str:
    return "–" if row.accuracy is None else f"{row.accuracy:.2%}"


def _equal(row: Row) -> str:
    """Of how many rows the board's answer is the PC's: bits of scores where layers are of integers."""
    if row.same is None:
        return "–"
    if row.equal_bits is None:
        return f"{row.same}/{row.rows} classes"
    return f"{row.same}/{row.rows} classes, {row.equal_bits}/{row.rows} bits"
