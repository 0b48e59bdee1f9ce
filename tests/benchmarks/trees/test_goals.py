"""The arithmetic of the goals, on made-up rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import goals  # noqa: E402
from rows import Row, from_json  # noqa: E402
from walk import Walk, fits, turns  # noqa: E402

from milliwatt import ir  # noqa: E402

M0 = {"board": "qemu_cortex_m0", "optimize": "-Os"}


def row(library: str, forest: str = "a", **given: Any) -> Row:
    ours = library == "milliwatt"
    votes = {"votes": "default", "leaves": "exact"} if ours else {"votes": "hard", "leaves": ""}
    name = {"forest": forest, "data": forest, "kind": "pure", "library": library, "method": "inline", **M0}
    figures = {"samples": 200, "agree": 200, "flash_bytes": 1000, "cost_mean": 100.0}
    return Row(**{**name, "dtype": "int16", **votes, **figures, **given})


def flash_goal(rows: list[Row]) -> goals.Goal:
    found = goals.goals(rows, [])
    return next(goal for goal in found if goal.what.startswith("int16: flash") and goal.target == goals.M0)


def test_a_goal_is_the_geometric_mean_of_the_forests() -> None:
    rows = [
        row("milliwatt", "a", flash_bytes=100), row("emlearn", "a", flash_bytes=1000),
        row("milliwatt", "b", flash_bytes=400), row("emlearn", "b", flash_bytes=1000),
    ]  # fmt: skip
    goal = flash_goal(rows)
    assert goal.reached == "0.200×"
    assert goal.met


def test_the_best_of_ours_meets_the_best_that_qualifies() -> None:
    rows = [
        row("milliwatt", flash_bytes=500), row("milliwatt", method="loadable", flash_bytes=300),
        row("emlearn", flash_bytes=600), row("m2cgen", flash_bytes=10, agree=196),
    ]  # fmt: skip
    assert flash_goal(rows).reached == "0.500×"
    assert not rows[3].qualifies
    assert "†" in rows[3].agreement
    assert row("m2cgen", agree=196, ties=1).qualifies


def test_a_forest_that_no_peer_fits_is_counted_and_left_out() -> None:
    no_figures = {"flash_bytes": None, "cost_mean": None, "agree": None}
    rows = [
        row("milliwatt", "a", flash_bytes=300), row("emlearn", "a"),
        row("milliwatt", "b", flash_bytes=1), row("emlearn", "b", **no_figures),
    ]  # fmt: skip
    assert flash_goal(rows).reached == "0.300× (1 forests; 1 that no peer fits)"


def test_a_forest_that_only_ours_lacks_is_a_goal_missed() -> None:
    rows = [
        row("milliwatt", "a", flash_bytes=1), row("emlearn", "a"), row("emlearn", "b"),
        row("milliwatt", "b", flash_bytes=None, cost_mean=None, agree=None),
    ]  # fmt: skip
    goal = flash_goal(rows)
    assert not goal.met
    assert goal.reached == "none of ours for b"


def test_what_ours_trade_is_shown_apart_and_said() -> None:
    rows = [
        row("milliwatt", flash_bytes=200, leaves="8 bit", agree=199), row("milliwatt", flash_bytes=300),
        row("emlearn"),
    ]  # fmt: skip
    goal = flash_goal(rows)
    assert (goal.reached, goal.exact) == ("0.200×", "0.300×")
    assert rows[0].traded == "8 bit leaves: 0.50 % of the answers"
    agreement = next(g for g in goals.goals(rows, []) if g.what.startswith("agreement"))
    assert agreement.met
    wrong = [*rows, row("milliwatt", "b", agree=199)]
    assert not next(g for g in goals.goals(wrong, []) if g.what.startswith("agreement")).met


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        ({}, {goals.INT16}),
        ({"dtype": "double", "votes": "soft"}, {goals.FLOAT32}),
        ({"dtype": "double", "votes": "soft", "kind": "mixed"}, {goals.FLOAT32, goals.SOFT}),
        ({"votes": "hard", "kind": "mixed"}, {goals.INT16}),
        ({"kind": "boosted", "dtype": "double"}, {goals.BOOSTED}),
    ],
)
def test_which_rows_a_subject_compares(given: dict[str, Any], subjects: set[str]) -> None:
    every = (goals.INT16, goals.FLOAT32, goals.SOFT, goals.BOOSTED)
    assert {subject for subject in every if goals.competes(row("emlearn", **given), subject)} == subjects


def test_the_large_forest_has_to_agree() -> None:
    avr = {"board": "simavr_atmega328p", "optimize": "-Os"}

    def met(**given: Any) -> bool:
        found = goals.goals([row("milliwatt", "digits-50", **avr, **given)], [])
        return next(goal for goal in found if goal.what.startswith("digits-50")).met

    assert met()
    assert not met(agree=199)
    assert not met(agree=None, cost_mean=None, flash_bytes=None)


def test_a_row_survives_json() -> None:
    one = row("milliwatt", leaves="8 bit", agree=199, ties=1)
    assert from_json(one.as_json()) == one


def test_walk_tells_left_from_right() -> None:
    """x <= 0 goes left; of the right half, x <= 10 goes left."""
    tree = ir.Tree(root=0, feature=(0, 0), threshold=(0.0, 10.0), left=(~0, ~0), right=(1, ~1))
    model = ir.TreeEnsemble("classifier", 1, (tree,), ((1.0, 0.0), (0.0, 1.0)), ("a", "b"))
    found = turns(model, np.array([[-1.0], [0.0], [10.0], [11.0]]))
    assert found.tolist() == [[1, 0], [1, 0], [1, 1], [0, 2]]


def test_walk_finds_what_a_split_costs() -> None:
    rng = np.random.default_rng(0)
    walks = []
    for base in (50, 300):
        steps = rng.integers(1, 20, size=(100, 2)).astype(float)
        walks.append(Walk(str(base), "t", "int16", steps, base + steps @ [9.0, 13.0]))
    one, _, every = fits(walks)
    assert (one.left, one.right) == pytest.approx((9.0, 13.0))
    assert (every.left, every.right, every.r2) == pytest.approx((9.0, 13.0, 1.0))
    assert 9.0 < every.slope < 13.0
    assert every.all_in > every.slope
