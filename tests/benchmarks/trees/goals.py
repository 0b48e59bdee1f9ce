"""What Milliwatt is held to, and what it reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, log

from rows import Row
from walk import WalkFit

M0, M4, M4_O2 = "qemu_cortex_m0 -Os", "qemu_cortex_m4f -Os", "qemu_cortex_m4f -O2"
AVR = "simavr_atmega328p -Os"
INT16, FLOAT32, SOFT, BOOSTED = "int16", "float32", "soft votes", "GradientBoosting"
FLASH, COST = "flash", "mean cost"

# At most so many times the best peer: the geometric mean over forests of ours / theirs.
WANTED = {
    (INT16, FLASH): {M4: 0.48, M0: 0.36, AVR: 0.30},
    (FLOAT32, FLASH): {M4: 0.37, M0: 0.38, AVR: 0.32},
    (SOFT, FLASH): {M4: 0.70, M0: 0.35},
    (INT16, COST): {M4: 0.60, M4_O2: 0.60, M0: 0.55, AVR: 0.40},
    (FLOAT32, COST): {M0: 0.12},
    (SOFT, COST): {M0: 0.12},
    (BOOSTED, FLASH): {M4: 0.15},
    (BOOSTED, COST): {M4: 0.20, M4_O2: 0.20},
}
WALK_AT_MOST = 12.0
LARGE_FOREST = "digits-50"


@dataclass(frozen=True)
class Ratio:
    """The best of ours beside the best peer, of one forest; None where none fits."""

    forest: str
    ours: Row | None
    theirs: Row | None
    value: float | None


@dataclass(frozen=True)
class Goal:
    """One line of the goal table.

    Attributes:
        reached: None where nothing can be said: then the goal is not met.
        exact: the same figure with only those rows of ours that always answer as the estimator.
    """

    what: str
    target: str
    wanted: str
    reached: str
    met: bool
    exact: str = ""
    ratios: Sequence[Ratio] = field(default_factory=tuple)


def goals(rows: Sequence[Row], walks: Sequence[WalkFit]) -> list[Goal]:
    """All of them, in the order of the table."""
    found = [
        _ratio_goal(rows, subject, respect, target, limit)
        for (subject, respect), limits in WANTED.items()
        for target, limit in limits.items()
        if any(row.target == target for row in rows)
    ]
    return [*found, *_walk_goal(walks), *_large_goal(rows), *_agreement_goal(rows), _breadth_goal(rows)]


def figure(row: Row, respect: str) -> float | None:
    return row.flash_bytes if respect == FLASH else row.cost_mean


def competes(row: Row, subject: str) -> bool:
    """Whether a row belongs to a comparison.

    int16 and float32: all candidates that take such features, of all forests that vote. Soft votes: where
    leaves are mixed, all candidates that add up proportions, whatever their features.
    """
    if subject == BOOSTED or row.kind == "boosted":
        return subject == BOOSTED and row.kind == "boosted"
    if subject == SOFT:
        return row.kind == "mixed" and row.is_soft
    return (row.dtype == "int16") == (subject == INT16)


def ratios(
    rows: Sequence[Row], subject: str, respect: str, target: str, only: Callable[[Row], bool] | None = None
) -> list[Ratio]:
    """Ours over theirs, forest by forest; ``only`` says which rows of ours count."""
    here = [row for row in rows if row.target == target and competes(row, subject)]
    return [
        _ratio(forest, [row for row in here if row.forest == forest], respect, only)
        for forest in dict.fromkeys(row.forest for row in here)
    ]


def _ratio(forest: str, rows: Sequence[Row], respect: str, only: Callable[[Row], bool] | None) -> Ratio:
    ours = _best([r for r in rows if r.is_ours and (only is None or only(r))], respect)
    theirs = _best([r for r in rows if not r.is_ours], respect)
    if ours is None or theirs is None:
        return Ratio(forest, ours, theirs, None)
    return Ratio(forest, ours, theirs, _number(ours, respect) / _number(theirs, respect))


def _best(rows: Sequence[Row], respect: str) -> Row | None:
    able = [row for row in rows if row.qualifies and figure(row, respect) is not None]
    return min(able, key=lambda row: _number(row, respect), default=None)


def _number(row: Row, respect: str) -> float:
    value = figure(row, respect)
    assert value is not None
    return value


def mean(found: Sequence[Ratio]) -> float | None:
    """The geometric mean over forests that a peer can do; None if ours cannot do one of them."""
    against = [ratio for ratio in found if ratio.theirs is not None]
    values = [ratio.value for ratio in against if ratio.value is not None]
    if not values or len(values) < len(against):
        return None
    return exp(sum(map(log, values)) / len(values))


def _ratio_goal(rows: Sequence[Row], subject: str, respect: str, target: str, limit: float) -> Goal:
    found = ratios(rows, subject, respect, target)
    reached = mean(found)
    exact = mean(ratios(rows, subject, respect, target, only=lambda row: row.is_exact))
    text = _reached(found, reached)
    if subject == BOOSTED:
        as_it_comes = [row for row in rows if row.is_ours or row.method == "default"]
        text += f"; {_times(mean(ratios(as_it_comes, subject, respect, target)))} its default"
    what = f"{subject}: {respect} / {'best tl2cgen' if subject == BOOSTED else 'best peer'}"
    met = reached is not None and reached <= limit
    return Goal(what, target, f"≤ {limit:.2f}×", text, met, _times(exact), found)


def _reached(found: Sequence[Ratio], reached: float | None) -> str:
    against = [ratio for ratio in found if ratio.theirs is not None]
    lacking = [ratio.forest for ratio in against if ratio.ours is None]
    if lacking:
        return f"none of ours for {', '.join(lacking)}"
    if len(against) == len(found):
        return _times(reached)
    return f"{_times(reached)} ({len(against)} forests; {len(found) - len(against)} that no peer fits)"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}×"


def _walk_goal(walks: Sequence[WalkFit]) -> Iterator[Goal]:
    for fit in walks:
        if fit.dtype == "int16" and fit.target == M4_O2 and fit.forest == "all":
            text, limit = f"{fit.slope:.2f}, all in {fit.all_in:.2f}", f"≤ {WALK_AT_MOST:.0f}"
            yield Goal("int16 table: instructions a split", M4_O2, limit, text, fit.slope <= WALK_AT_MOST)


def _large_goal(rows: Sequence[Row]) -> Iterator[Goal]:
    mine = [r for r in rows if r.is_ours and r.forest == LARGE_FOREST and r.target == AVR]
    if mine:
        able = [row for row in mine if row.is_exact]
        text = f"{min(row.flash_bytes or 0 for row in able)} bytes, agrees" if able else "does not fit"
        yield Goal(f"{LARGE_FOREST} fits and agrees", AVR, "32 KB, 100 %", text, bool(able))


def _agreement_goal(rows: Sequence[Row]) -> Iterator[Goal]:
    mine = [row for row in rows if row.is_ours and row.right is not None]
    exact = [row for row in mine if row.is_exact]
    told = [row for row in mine if not row.is_exact and row.traded]
    silent = len(mine) - len(exact) - len(told)
    text = f"{len(exact)} rows 100 %, {len(told)} say what was traded, {silent} neither"
    if mine:
        yield Goal("agreement of every Milliwatt row", "all", "100 % or said", text, silent == 0)


def _breadth_goal(rows: Sequence[Row]) -> Goal:
    voting = [row for row in rows if row.kind != "boosted"]
    forests, data = {row.forest for row in voting}, {row.data for row in voting}
    text = f"{len(forests)} forests on {len(data)} data sets"
    return Goal(
        "voting forests compared", "all", "≥ 8 on ≥ 4 sets", text, len(forests) >= 8 and len(data) >= 4
    )
