"""The arithmetic of the goals, on made-up rows; and the committed results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import net_goals as goals  # noqa: E402
from net_report import markdown  # noqa: E402
from net_rows import Row, find, from_json  # noqa: E402


def row(case: str = "mlp", target: str = goals.M0, **given: Any) -> Row:
    board, optimize = target.split()
    figures = {"flash_bytes": 8000, "ram_bytes": 200, "cost_mean": 1000.0, "cost_max": 1000}
    measured = {"rows": 360, "same": 360, "equal_bits": 360, "accuracy": 0.98, "float_accuracy": 0.98}
    names = {"case": case, "board": board, "optimize": optimize, "library": "milliwatt", "numbers": "int8"}
    return Row(**{**names, "features": "uint8", **figures, **measured, **given})


def met(rows: list[Row], what: str) -> bool:
    found = [goal for goal in goals.goals(rows) if goal.what == what]
    assert len(found) == 1, [goal.what for goal in goals.goals(rows)]
    return found[0].met


@pytest.mark.parametrize(
    ("figure", "most", "what"),
    [
        ("cost_mean", 38_500, "mlp int8: instructions"),
        ("flash_bytes", 9 * 1024, "mlp int8: bytes of flash"),
        ("ram_bytes", 300, "mlp int8: bytes of RAM, stack included"),
    ],
)
def test_at_most(figure: str, most: int, what: str) -> None:
    for value, is_met in ((most, True), (most + 1, False), (None, False)):
        given: dict[str, Any] = {figure: value}
        assert met([row(**given)], what) is is_met


def test_a_network_that_was_not_measured_in_these_numbers_misses_its_goal() -> None:
    assert not met([row(numbers="float")], "mlp int8: instructions")


def test_only_what_was_measured_is_asked_for() -> None:
    assert not any("mlp" in goal.what for goal in goals.goals([row("cnn-signal")]))
    assert {goal.target for goal in goals.goals([row()])} == {goals.M0, "all"}


@pytest.mark.parametrize(("accuracy", "is_met"), [(0.99, True), (0.9701, True), (0.9699, False)])
def test_accuracy_lost(accuracy: float, is_met: bool) -> None:
    rows = [row(accuracy=0.98), row(target=goals.M4, accuracy=accuracy)]
    assert met(rows, "mlp int8: points of accuracy lost") is is_met


@pytest.mark.parametrize("figure", ["same", "equal_bits"])
def test_one_row_that_differs_is_one_too_many(figure: str) -> None:
    what = {"same": "class on the board is the PC's", "equal_bits": "integers: scores have the PC's bits"}[
        figure
    ]
    assert met([row(), row("cnn")], what)
    for value in (359, None):
        given: dict[str, Any] = {figure: value}
        assert not met([row(), row("cnn", **given)], what)


def test_floats_need_not_have_equal_bits_and_peers_nothing() -> None:
    rows = [row(), row(numbers="float", equal_bits=None), row(library="emlearn", same=1, equal_bits=None)]
    assert all(goal.met for goal in goals.goals(rows))


@pytest.mark.parametrize(
    "given", [{"accuracy": 0.969}, {"flash_bytes": 65_537}, {"ram_bytes": 16_385}, {"flash_bytes": None}]
)
def test_the_sample_has_to_fit_and_to_know(given: dict[str, Any]) -> None:
    what = "samples/digits_cnn: accuracy, flash, RAM"
    assert met([row("mnist", float_accuracy=None)], what)
    assert not met([row("mnist", float_accuracy=None, **given)], what)


def test_a_row_survives_json() -> None:
    assert from_json(row().as_json()) == row()


def test_find_takes_ours_only() -> None:
    rows = [row(library="CMSIS-NN"), row(cost_mean=7.0)]
    assert find(rows, "mlp", "int8", goals.M0) == rows[1]
    assert find(rows, "mlp", "int16", goals.M0) is None


def test_markdown_has_every_row_once() -> None:
    rows = [row(), row(library="CMSIS-NN", quoted="there"), row(target="qemu_cortex_m0 -Os")]
    text = markdown(rows, goals.goals(rows), ["how"], {"mlp": "layers"}, {"mlp": 100})
    assert text.count("| milliwatt | int8 |") == 2
    assert text.count("| CMSIS-NN ¹ |") == 1
    assert "| 10.00 |" in text, "instructions a multiplication"


def test_committed_results_are_what_the_goals_make_of_their_rows() -> None:
    record = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows = [from_json(given) for given in record["rows"]]
    again = goals.goals(rows)
    assert [(g["what"], g["target"], g["reached"], g["met"]) for g in record["goals"]] == [
        (goal.what, goal.target, goal.reached, goal.met) for goal in again
    ]
    assert [(goal.what, goal.target) for goal in again if not goal.met] == []
