"""The table, the files it is kept in, and the goals it is held to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

_PEER = "emlearn"


@dataclass(frozen=True)
class Row:
    """One implementation of one forest on one target; sizes and costs are None where it does not fit."""

    forest: str
    board: str
    optimize: str
    library: str
    method: str
    dtype: str
    votes: str
    samples: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    cost_mean: float | None = None
    cost_max: int | None = None
    cost_unit: str = ""
    agree: int | None = None
    ties: int = 0

    @property
    def fits(self) -> bool:
        return self.flash_bytes is not None

    @property
    def place(self) -> tuple[str, str, str]:
        return self.forest, self.board, self.optimize

    @property
    def agreement(self) -> str:
        if self.agree is None:
            return "–"
        return f"{100 * (self.agree + self.ties) / self.samples:.2f} %" + (
            f" ({self.ties} ties)" if self.ties else ""
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_COLUMNS = ("method", "dtype", "library", "votes", "flash B", "RAM B", "mean", "max", "agreement")


def _cells(row: Row) -> list[str]:
    ends = [row.method, row.dtype, row.library, row.votes]
    if not row.fits:
        return [*ends, "does not fit", "–", "–", "–", "–"]
    numbers = [f"{row.flash_bytes}", f"{row.ram_bytes}", f"{row.cost_mean:.0f}", f"{row.cost_max}"]
    return [*ends, *numbers, row.agreement]


def _places(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(row.place for row in rows))


def rich_tables(rows: Sequence[Row]) -> Iterable[Table]:
    """One table a forest and target."""
    for place in _places(rows):
        mine = [row for row in rows if row.place == place]
        unit = next((row.cost_unit for row in mine if row.cost_unit), "")
        table = Table(title=f"{place[0]} on {place[1]} {place[2]}, cost in {unit}", title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column in _COLUMNS[4:] else "left")
        for row in mine:
            table.add_row(*_cells(row), style="bold" if row.library != _PEER else "")
        yield table


def markdown(rows: Sequence[Row], header: Sequence[str], forests: dict[str, str]) -> str:
    """RESULTS.md."""
    lines = ["# Trees: flash and cost against emlearn", "", *header, ""]
    lines += [*_goal_lines(rows), ""]
    for place in _places(rows):
        mine = [row for row in rows if row.place == place]
        unit = next((row.cost_unit for row in mine if row.cost_unit), "")
        lines += [f"## {place[0]} on {place[1]}, {place[2]}", "", f"{forests[place[0]]}; cost in {unit}.", ""]
        lines += ["| " + " | ".join(_COLUMNS) + " |", "|---|---|---|---|--:|--:|--:|--:|--:|"]
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in mine] + [""]
    return "\n".join(lines).rstrip() + "\n"


@dataclass(frozen=True)
class Goal:
    """Ours beside theirs in one respect; ``ratio`` is None where theirs does not fit."""

    what: str
    place: tuple[str, str, str]
    ours: float | None
    theirs: float | None

    @property
    def met(self) -> bool:
        """At or below theirs; not fitting is fine only where theirs does not fit either."""
        if self.ours is None:
            return self.theirs is None
        return self.theirs is None or self.ours <= self.theirs

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    def __str__(self) -> str:
        ours, theirs = ("does not fit" if v is None else f"{v:.0f}" for v in (self.ours, self.theirs))
        return f"{' '.join(self.place)}: {self.what}: {ours} against {theirs}"


def goals(rows: Sequence[Row]) -> list[Goal]:
    """What every forest and target is held to, for each feature type.

    * flash of ``loadable``: at or below emlearn's ``loadable`` and the smallest emlearn of all;
    * cost of ``inline``: at or below emlearn's ``inline``.

    Only forests with pure leaves count: with mixed ones emlearn's hard and 8-bit votes give other
    answers than scikit-learn, which is another job than ours.
    """
    found = []
    for place in _places(rows):
        here = [row for row in rows if row.place == place]
        if any(row.votes.startswith("soft") for row in here):
            continue
        for dtype in ("int16", "float"):
            ours = [row for row in here if row.dtype == dtype and row.library != _PEER]
            peers = [row for row in here if row.dtype == dtype and row.library == _PEER]
            for what, method, peer_methods, figure in _RESPECTS:
                mine = [row for row in ours if row.method == method]
                theirs = [row for row in peers if row.method in peer_methods]
                goal = Goal(f"{dtype} {what}", place, _least(mine, figure), _least(theirs, figure))
                if theirs and (goal.ours, goal.theirs) != (None, None):
                    found.append(goal)
    return found


def _flash(row: Row) -> float | None:
    return row.flash_bytes


def _cost(row: Row) -> float | None:
    return row.cost_mean


_RESPECTS: tuple[tuple[str, str, tuple[str, ...], Callable[[Row], float | None]], ...] = (
    ("flash, loadable against emlearn loadable", "loadable", ("loadable",), _flash),
    ("flash, loadable against the smallest emlearn", "loadable", ("loadable", "inline"), _flash),
    ("mean cost, inline against emlearn inline", "inline", ("inline",), _cost),
)


def _least(rows: Sequence[Row], figure: Callable[[Row], float | None]) -> float | None:
    return min((value for value in map(figure, rows) if value is not None), default=None)


def _goal_lines(rows: Sequence[Row]) -> list[str]:
    """Ratios, one line a respect and target: the smallest and largest over the forests."""
    found = goals(rows)
    lines = ["| ours / theirs | target | best | worst | goals met |", "|---|---|--:|--:|--:|"]
    for what in dict.fromkeys(goal.what for goal in found):
        for target in dict.fromkeys(goal.place[1:] for goal in found):
            mine = [g for g in found if g.what == what and g.place[1:] == target]
            ratios = sorted(g.ratio for g in mine if g.ratio is not None)
            met = f"{sum(g.met for g in mine)} of {len(mine)}"
            span = [f"{ratios[0]:.2f}", f"{ratios[-1]:.2f}"] if ratios else ["–", "–"]
            if mine:
                lines.append(f"| {what} | {' '.join(target)} | {span[0]} | {span[1]} | {met} |")
    return lines
