"""Goals of benchmarks, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table

GOAL_COLUMNS = ("goal", "target", "wanted", "reached", "met")


@dataclass(frozen=True)
class Goal:
    """One line of the goal table."""

    what: str
    target: str
    wanted: str
    reached: str
    met: bool


def goal_cells(goal: Goal) -> list[str]:
    return [goal.what, goal.target, goal.wanted, goal.reached, "yes" if goal.met else "**no**"]


def rich_goals(goals: Sequence[Goal]) -> Table:
    table = Table(title="Goals", title_justify="left")
    for column in GOAL_COLUMNS:
        table.add_column(column)
    for goal in goals:
        table.add_row(*goal_cells(goal), style="" if goal.met else "red")
    return table


def markdown_goals(goals: Sequence[Goal]) -> list[str]:
    return markdown_table(GOAL_COLUMNS, [goal_cells(goal) for goal in goals], 3)


def markdown_table(columns: Sequence[str], lines: Iterable[Sequence[str]], n_left: int) -> list[str]:
    """Rows of cells; the first ``n_left`` columns hold words, the others numbers."""
    ends = ["---"] * n_left + ["--:"] * (len(columns) - n_left)
    return [f"| {' | '.join(cells)} |" for cells in (columns, ends, *lines)]
