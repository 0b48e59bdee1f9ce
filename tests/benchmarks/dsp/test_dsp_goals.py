"""The arithmetic of the goals, on made-up rows; and the committed results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import docs_tables  # noqa: E402
import dsp_goals as goals  # noqa: E402
import dsp_quoted  # noqa: E402
from dsp_report import markdown  # noqa: E402
from dsp_rows import AVR, M0, M3, M4F, PARTS, Row, find, from_json  # noqa: E402
from fft_cost import kernel  # noqa: E402
from filter_cost import BLOCKS, SECTIONS  # noqa: E402

FFT, SOS = kernel("fft", 256), SECTIONS + BLOCKS


def fft(core: str = M4F, numbers: str = "f32", **given: Any) -> Row:
    figures: dict[str, Any] = {"cost": 10_000, "flash_bytes": 2_000, "snr_db": {"noise": 100.0}}
    return Row("transforms", FFT, numbers, core, **{**figures, **given})


def met(rows: list[Row], what: str, core: str) -> bool:
    found = [goal for goal in goals.goals(rows) if (goal.what, goal.target) == (what, core)]
    assert len(found) == 1, goals.goals(rows)
    return found[0].met


@pytest.mark.parametrize(
    ("core", "numbers", "figure", "most"),
    [
        (M4F, "f32", "cost", 17_800),
        (M4F, "f32", "flash_bytes", 2_457),
        (M3, "i32", "cost", 25_800),
        (M0, "i32", "cost", 47_600),
    ],
)
def test_at_most(core: str, numbers: str, figure: str, most: int) -> None:
    what = f"{FFT}, {numbers}: {'instructions' if figure == 'cost' else 'bytes of flash'}"
    for value, is_met in ((most, True), (most + 1, False), (None, False)):
        given: dict[str, Any] = {figure: value}
        assert met([fft(core, numbers, **given)], what, core) is is_met


@pytest.mark.parametrize(
    ("snr", "is_met"),
    [
        ({"noise": 80.0, "sine": 80.0}, True),
        ({"noise": 79.9, "sine": 99.0}, False),
        ({"noise": 99.0, "sine": 79.9}, False),
        ({"noise": None, "sine": 90.0}, True),
        ({}, False),
    ],
)
def test_filters_have_to_be_accurate_whatever_goes_in(snr: dict[str, float | None], is_met: bool) -> None:
    rows = [Row("filters", SOS, "q15", M0, cost=80.0, snr_db=snr)]
    assert met(rows, f"{SOS}, q15: signal to noise", M0) is is_met


def test_others_figures_meet_no_goal_of_ours() -> None:
    rows = [fft(cost=20_000), fft(library="CMSIS-DSP", cost=17_000, quoted=True)]
    assert not met(rows, f"{FFT}, f32: instructions", M4F)
    assert find(rows, FFT, "f32", M4F) == rows[0]


def test_only_what_was_measured_is_asked_for() -> None:
    assert goals.goals([Row("time", "sums", "i16", AVR, cost=1)]) == []
    assert {goal.target for goal in goals.goals([fft()])} == {M4F}
    # … but what a part that was measured leaves out is a goal missed.
    assert not met([fft()], "real transform of 256, f32: instructions", M4F)


def test_one_core_with_other_bits_is_one_too_many() -> None:
    what = "fixed point: the same bits on every core"
    same = [fft(core, "i32", digest="a") for core in (M4F, M3, M0)]
    assert met(same, what, "all")
    assert not met([*same, fft(AVR, "i32", digest="b")], what, "all")
    assert not any(goal.what == what for goal in goals.goals([fft(digest="a")]))


def test_a_row_survives_json() -> None:
    row = fft(snr_db={"noise": None})
    assert from_json(json.loads(json.dumps(row.as_json()))) == row


def test_markdown_has_a_line_a_kernel_and_library() -> None:
    rows = [fft(), fft(M0), fft(library="emlearn"), *dsp_quoted.quoted(PARTS, [M4F, M0])]
    text = markdown(rows, goals.goals(rows), ["how"])
    assert text.count(f"| {FFT} | f32 | milliwatt |") == 1
    assert text.count(f"| {FFT} | f32 | CMSIS-DSP ¹ |") == 1
    assert f"| {FFT} | f32 | emlearn | 10,000 | – |" in text


def test_committed_results_are_what_the_goals_make_of_their_rows() -> None:
    record = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows = [from_json(given) for given in record["rows"]]
    again = goals.goals(rows)
    assert [(g["what"], g["target"], g["reached"], g["met"]) for g in record["goals"]] == [
        (goal.what, goal.target, goal.reached, goal.met) for goal in again
    ]
    assert len(again) == 11
    assert [(goal.what, goal.target) for goal in again if not goal.met] == []
    assert markdown(rows, again, record["about"]) == (HERE / "RESULTS.md").read_text(encoding="utf-8")
    assert docs_tables.written("cost") == docs_tables.costs(rows)
