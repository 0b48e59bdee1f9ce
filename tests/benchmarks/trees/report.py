"""The tables, on the terminal and in RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from goals import Goal, Ratio
from rich.table import Table
from rows import Row, places
from walk import WalkFit

PLOT = "results.png"
_COLUMNS = ("library", "method", "dtype", "votes", "flash B", "RAM B", "mean", "max", "agreement")
_RIGHT = _COLUMNS[4:]
_GOALS = ("goal", "target", "wanted", "reached", "exact rows only", "met")
_WALKS = (
    "forest",
    "target",
    "dtype",
    "a split",
    "left",
    "right",
    "all in",
    "R²",
    "splits visited",
    "mean cost",
)


def rich_goals(goals: Sequence[Goal]) -> Table:
    table = Table(title="Goals", title_justify="left")
    for column in _GOALS:
        table.add_column(column)
    for goal in goals:
        table.add_row(*_goal_cells(goal), style="" if goal.met else "red")
    return table


def rich_ratios(goals: Sequence[Goal]) -> Table:
    """Every forest's ratio: a line a goal, a column a forest."""
    found = [goal for goal in goals if goal.ratios]
    forests = list(dict.fromkeys(ratio.forest for goal in found for ratio in goal.ratios))
    table = Table(title="Ours / best peer, forest by forest", title_justify="left")
    table.add_column("goal", no_wrap=True)
    for forest in forests:
        table.add_column(forest.replace("-", "\n"), justify="right")
    for goal in found:
        values = {ratio.forest: ratio.value for ratio in goal.ratios}
        cells = [values.get(forest) for forest in forests]
        name = f"{goal.what.split(' /')[0]}, {goal.target}"
        table.add_row(name, *("" if value is None else f"{value:.2f}" for value in cells))
    return table


def rich_walks(fits: Sequence[WalkFit]) -> Table:
    table = Table(title="Instructions of the packed table", title_justify="left")
    for column in _WALKS:
        table.add_column(column, justify="left" if column in _WALKS[:3] else "right")
    for fit in fits:
        table.add_row(*_walk_cells(fit))
    return table


def rich_tables(rows: Sequence[Row]) -> Iterable[Table]:
    """One table a forest and target."""
    for place in places(rows):
        mine = [row for row in rows if row.place == place]
        table = Table(title=f"{' '.join(place)}, cost in {_unit(mine)}", title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column in _RIGHT else "left")
        for row in mine:
            table.add_row(*_cells(row), style="bold" if row.is_ours else "")
        yield table


def markdown(
    rows: Sequence[Row],
    goals: Sequence[Goal],
    walks: Sequence[WalkFit],
    header: Sequence[str],
    forests: dict[str, str],
) -> str:
    """RESULTS.md."""
    lines = ["# Trees: flash and cost beside other libraries", "", *header, "", "## Goals", ""]
    lines += [*_markdown(_GOALS, [_goal_cells(goal) for goal in goals], 3), ""]
    lines += [f"![Flash and cost of every library]({PLOT})", "", _PLOT_TEXT, "", *_ratio_sections(goals)]
    if walks:
        lines += ["## Instructions of the packed table", "", _WALK_TEXT, ""]
        lines += [*_markdown(_WALKS, [_walk_cells(fit) for fit in walks], 3), ""]
    for place in places(rows):
        mine = [row for row in rows if row.place == place]
        lines += [f"## {place[0]} on {place[1]}, {place[2]}", ""]
        lines += [f"{forests[place[0]]}; cost in {_unit(mine)}.", ""]
        lines += [*_markdown(_COLUMNS, [_cells(row) for row in mine], 4), ""]
    return "\n".join(lines).rstrip() + "\n"


_PLOT_TEXT = (
    "Geometric means over forests of a candidate's figure over ours: of flash over `compact`, of cost over "
    "`inline`, both for int16 and with the defaults. `(8/11)`: it fits, and qualifies, for eight of eleven."
)
_WALK_TEXT = (
    "All trees walked to the end (`predict_proba`, where nothing exits early). Least squares of a row's cost "
    "over the splits that it leaves to the left and to the right, each forest with a base of its own: "
    "`a split` is their mean, weighted by how often each happens. `all in` is the mean cost over the "
    "splits visited: what a tree and the answer cost besides is in it."
)


def _markdown(columns: Sequence[str], lines: Iterable[Sequence[str]], n_left: int) -> list[str]:
    ends = ["---"] * n_left + ["--:"] * (len(columns) - n_left)
    return [f"| {' | '.join(cells)} |" for cells in (columns, ends, *lines)]


def _goal_cells(goal: Goal) -> list[str]:
    return [goal.what, goal.target, goal.wanted, goal.reached, goal.exact, "yes" if goal.met else "**no**"]


def _walk_cells(fit: WalkFit) -> list[str]:
    slopes = [f"{value:.2f}" for value in (fit.slope, fit.left, fit.right, fit.all_in)]
    return [
        fit.forest,
        fit.target,
        fit.dtype,
        *slopes,
        f"{fit.r2:.3f}",
        f"{fit.visited:.0f}",
        f"{fit.cost:.0f}",
    ]


def _ratio_sections(goals: Sequence[Goal]) -> list[str]:
    """For each goal that is a ratio: forest, ours, theirs and ratio."""
    lines = ["## Ratios, forest by forest", ""]
    for goal in goals:
        if goal.ratios:
            lines += [f"### {goal.what}, {goal.target}", ""]
            cells = [_ratio_cells(ratio, goal) for ratio in goal.ratios]
            lines += [*_markdown(("forest", "ours", "best peer", "ours / theirs"), cells, 3), ""]
    return lines


def _ratio_cells(ratio: Ratio, goal: Goal) -> list[str]:
    value = "–" if ratio.value is None else f"{ratio.value:.3f}"
    return [ratio.forest, _best(ratio.ours, goal), _best(ratio.theirs, goal), value]


def _best(row: Row | None, goal: Goal) -> str:
    if row is None:
        return "none"
    number = f"{row.flash_bytes}" if "flash" in goal.what else f"{row.cost_mean:.0f}"
    return f"{number}: {row.library} {row.method} {row.dtype} {row.votes}"


def _cells(row: Row) -> list[str]:
    leaves = f" ({row.leaves})" if row.leaves not in ("", row.votes) else ""
    ends = [row.library, row.method, row.dtype, row.votes + leaves]
    flash, ram = (("–" if size is None else f"{size}") for size in (row.flash_bytes, row.ram_bytes))
    if row.cost_mean is None:
        return [*ends, flash, ram, "–", "–", row.note]
    agreement = row.agreement + (f"; {row.traded}" if row.traded else "")
    return [*ends, flash, ram, f"{row.cost_mean:.0f}", f"{row.cost_max}", agreement]


def _unit(rows: Sequence[Row]) -> str:
    return next((row.cost_unit for row in rows if row.cost_unit), "")
