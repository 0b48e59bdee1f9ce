"""Checks of models from raw samples: frames on their way to a board are neither lost nor taken twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.rig_lines import bad_line, build_firmware, talk
from mwtest.signal_models import motion, sound, trees

from milliwatt.data import read_table
from milliwatt.errors import InputError, MilliwattError
from milliwatt.ir.signals import FLOAT
from milliwatt.model import Model
from milliwatt.raw_samples import read_recording
from milliwatt.rig import check, load_board, protocol
from milliwatt.rig.protocol import Answer, Refusal
from milliwatt.rig.session import Expected, Session
from milliwatt.rig.streams import StreamSpec, block_rows, same_features, window_costs
from milliwatt.rig.transfer import Patience

NOT_YET = -101
EXPECTED = Expected("feedface", "count", 3, 1, "ticks")
HEADER = """
#include <stdint.h>
#define MW_CHECK_BUILD "feedface"
#define MW_CHECK_MODEL "count"
#define MW_CHECK_TYPE int16_t
#define MW_CHECK_FEATURES 3
#define MW_CHECK_OUTPUTS 1
#define MW_CHECK_STREAM
int count(const int16_t *features, int n_features, float *outputs, int n_outputs);
#define MW_CHECK_PREDICT count
"""
# Adds up all that it is ever given: what is taken twice shows from then on.
MODEL = """
static int total;

int count(const int16_t *features, int n_features, float *outputs, int n_outputs)
{
    for (int i = 0; i < n_features; ++i) { total += features[i]; }
    outputs[n_outputs - 1] = (float) total;
    now += 7;
    return total % 4 == 0 ? total : -101;
}
"""


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_firmware(tmp_path_factory.mktemp("firmware"), HEADER, MODEL)


def _row(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "little", signed=True) for value in values)


ROWS = [_row(1, 0, 1), _row(1, 0, 1), _row(5, 0, 0), _row(0, 1, 2), _row(0, 0, 0)]
TOTALS = [2, 4, 9, 12, 12]
RIGHT = [NOT_YET, 4, NOT_YET, 12, 12]


def test_each_row_is_taken_once(firmware: Path) -> None:
    numbers = [0, 0, 1, 2, 2, 2, 3, 4]
    answers = talk(firmware, b"".join(protocol.send_row(i, ROWS[i]) for i in numbers))
    assert [(a.row, a.status, a.cost) for a in answers if isinstance(a, Answer)] == [
        (i, RIGHT[i], 7) for i in numbers
    ]
    last = answers[-1]
    assert isinstance(last, Answer)
    assert np.frombuffer(last.outputs, "<f4") == TOTALS[-1]


@pytest.mark.parametrize("numbers", [[1], [0, 2], [0, 1, 0], [0, 1, 2, 0xFFFFFFFF]])
def test_no_row_is_passed_over(firmware: Path, numbers: list[int]) -> None:
    *_, last = talk(firmware, b"".join(protocol.send_row(i, ROWS[0]) for i in numbers))
    assert last == Refusal("form")


def test_a_bad_line_neither_loses_nor_repeats_frames(firmware: Path) -> None:
    rows = [_row(i % 7, 1, -(i % 3)) for i in range(400)]
    totals = np.cumsum([i % 7 + 1 - i % 3 for i in range(400)])
    with bad_line(firmware) as line:
        session = Session(line, EXPECTED, window=1, patience=Patience(reply=0.3, attempts=40))
        session.hello()
        answers = session.predict(rows)
        assert session.resent > 0
    assert [answer.status for answer in answers] == [t if t % 4 == 0 else NOT_YET for t in totals.tolist()]


# -- the PC's side ---------------------------------------------------------------------------------


@given(st.integers(0, 90), st.sampled_from(["qemu_cortex_m3", "simavr_atmega328p", "host"]))
@settings(max_examples=30)
def test_blocks_hold_a_recording_once(frames: int, board: str) -> None:
    model = trees(motion())
    spec = StreamSpec(model, "inline", load_board(board), vector=True)
    recording = np.arange(frames * 3, dtype=np.int16).reshape(-1, 3)
    rows = [np.frombuffer(row, "<i2") for row in block_rows(spec, recording)]
    assert {len(row) for row in rows} == {spec.row_width}
    assert rows[0][0] < 0
    assert all(row[0] > 0 for row in rows[1:])
    counts = [int(-1 - row[0] if row[0] < 0 else row[0]) for row in rows]
    sent = [row[1 : 1 + 3 * count] for row, count in zip(rows, counts, strict=True)]
    assert np.concatenate(sent).tolist() == recording.ravel().tolist()
    assert spec.block <= 10  # the hop: no block completes two windows


def test_small_boards_get_small_blocks() -> None:
    model = trees(sound(FLOAT))
    sizes = [StreamSpec(model, "inline", load_board(name), vector=True).block for name in
             ("simavr_atmega328p", "qemu_cortex_m3")]  # fmt: skip
    assert sizes == [12, 64]


def test_costs_are_added_up_from_window_to_window() -> None:
    answers = [
        Answer(i, status, 10 + i) for i, status in enumerate([NOT_YET, NOT_YET, 1, NOT_YET, 0, NOT_YET])
    ]
    assert window_costs(answers) == [33, 27]


def test_floats_are_compared_with_the_largest_and_nan_with_nan() -> None:
    spec = StreamSpec(trees(motion(FLOAT)), "inline", load_board("host"), vector=True)
    features = np.array([[1.0, np.nan, np.inf, 0.0, 100.0], [2.0, np.nan, 3.0, 0.0, 1.0]], np.float32)
    for place, value, is_same in (
        ((0, 0), 1.00001, True),
        ((0, 0), 1.0001, False),
        ((1, 4), 1.0009, True),
        ((0, 1), 0.0, False),
        ((0, 2), -np.inf, False),
        ((1, 2), np.nan, False),
    ):
        device = features.copy()
        device[place] = value
        found = [Answer(i, 0, 1, row.tobytes()) for i, row in enumerate(device)]
        wanted = [True, True]
        wanted[place[0]] = is_same
        assert same_features(spec, found, features).tolist() == wanted, (place, value)


def test_recordings_from_files(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("ax,ay,az,label\n1,-2,3,a\n32767,-32768,0,a\n")
    assert read_recording(path, motion()).tolist() == [[1, -2, 3], [32767, -32768, 0]]
    assert read_recording(path, motion()).dtype == np.int16
    assert read_recording(path, motion(FLOAT)).dtype == np.float32
    assert read_table(path, 3).labels == ("a", "a")
    path.write_text("1,2,3\n4,5.5,6\n")
    with pytest.raises(InputError, match=r"walk\.csv: frame 1, channel 1 is 5\.5, no integer of 16 bits"):
        read_recording(path, motion())


def test_what_cannot_be_checked_is_refused() -> None:
    model = Model(trees(motion()))
    with pytest.raises(InputError, match="no recording is as long as the first window, 20 frames"):
        check(model, "host", [np.zeros((19, 3), dtype=np.int16)])
    with pytest.raises(MilliwattError, match=r"probabilities: .* by the labels and the features of windows"):
        check(model, "host", [np.zeros((30, 3), dtype=np.int16)], probabilities=True)
