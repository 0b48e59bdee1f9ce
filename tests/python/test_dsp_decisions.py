"""Post-processing of predictions, beside the same in Python."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest.dsp_programs import AVR, run_program
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Machine

UNDECIDED = -100


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("decisions")


# Reads: needed, room, needed votes, pause, number of labels, labels. Writes four answers a label.
_LABELS = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/decisions.h>

static int16_t read_16(void)
{
    int16_t number;
    if (fread(&number, 2, 1, stdin) != 1) {
        exit(9);
    }
    return number;
}

static void write_16(int number)
{
    const int16_t out = (int16_t) number;
    if (fwrite(&out, 2, 1, stdout) != 1) {
        exit(8);
    }
}

int main(void)
{
    const uint8_t needed = (uint8_t) read_16(), room = (uint8_t) read_16(), votes = (uint8_t) read_16();
    const uint16_t pause = (uint16_t) read_16();
    int16_t n = read_16();
    int16_t *last = (int16_t *) malloc(room * sizeof *last);
    mw_debounce debounce = MW_DEBOUNCE(needed);
    mw_vote vote;
    mw_holdoff holdoff = {0, 0, 0};
    uint8_t state = 0;
    holdoff.pause = pause;
    if (mw_vote_init(&vote, NULL, room, votes) != MW_ERROR_ARGUMENT ||
        mw_vote_init(&vote, last, room, 0) != MW_ERROR_LENGTH ||
        mw_vote_init(&vote, last, room, (uint8_t) (room + 1)) != MW_ERROR_LENGTH ||
        mw_vote_init(&vote, last, room, votes) != MW_OK) {
        return 7;
    }
    while (n-- > 0) {
        const int16_t label = read_16();
        state = mw_hysteresis_i32(state, label, 3, 1);
        if (state != mw_hysteresis_f32(state, (float) label, 3.0f, 1.0f)) {
            return 6;
        }
        write_16(mw_debounce_push(&debounce, label));
        write_16(mw_vote_push(&vote, label));
        write_16(mw_holdoff_push(&holdoff, label));
        write_16(state);
    }
    free(last);
    return 0;
}
"""


def debounced(labels: list[int], needed: int) -> list[int]:
    found, counts = [], UNDECIDED
    for i in range(len(labels)):
        if i + 1 >= needed and len(set(labels[i + 1 - needed : i + 1])) == 1:
            counts = labels[i]
        found.append(counts)
    return found


def voted(labels: list[int], room: int, needed: int) -> list[int]:
    found, before = [], UNDECIDED
    for i in range(len(labels)):
        last = [label for label in labels[max(0, i + 1 - room) : i + 1] if label >= 0]
        most = max(Counter(last).values(), default=0)
        tied = [label for label in reversed(last) if last.count(label) == most]
        before = UNDECIDED if most < needed else before if before in tied else tied[0]
        found.append(before)
    return found


def held_off(labels: list[int], pause: int) -> list[int]:
    found, left = [], 0
    for label in labels:
        found.append(0 if left and label > 0 else label)
        left = left - 1 if left else pause * (label > 0)
    return found


def switched(labels: list[int]) -> list[int]:
    found, state = [], False
    for label in labels:
        state = label >= (1 if state else 3)
        found.append(int(state))
    return found


def check(settings_: tuple[int, int, int, int], labels: list[int], machine: Machine, work: Path) -> None:
    needed, room, votes, pause = settings_
    given_ = struct.pack(f"<{5 + len(labels)}h", needed, room, votes, pause, len(labels), *labels)
    answer = np.frombuffer(run_program(_LABELS, ("decisions",), given_, machine, work), np.int16).reshape(
        -1, 4
    )
    wanted = (
        debounced(labels, needed),
        voted(labels, room, votes),
        held_off(labels, pause),
        switched(labels),
    )
    for column, want in enumerate(wanted):
        assert answer[:, column].tolist() == want, (settings_, column, labels)


@given(st.data())
@settings(max_examples=40, phases=(Phase.generate,))
def test_labels_over_time(work: Path, data: st.DataObject) -> None:
    room = data.draw(st.integers(1, 9))
    chosen = (
        data.draw(st.integers(1, 4)),
        room,
        data.draw(st.integers(1, room)),
        data.draw(st.integers(0, 4)),
    )
    runs = data.draw(
        st.lists(st.tuples(st.sampled_from([-100, -3, -1, 0, 1, 2, 3]), st.integers(1, 5)), max_size=60)
    )
    check(chosen, [label for label, n in runs for _ in range(n)], SANITIZED, work)


@pytest.mark.parametrize("machine", [OPTIMISED, ARM["cortex-m0"], AVR], ids=lambda machine: machine.name)
def test_labels_over_time_everywhere(machine: Machine, work: Path) -> None:
    rng = np.random.default_rng(3)
    check((3, 7, 4, 2), np.repeat(rng.integers(-1, 4, 200), rng.integers(1, 6, 200)).tolist(), machine, work)


def test_a_debounce_of_none_is_at_once(work: Path) -> None:
    given_ = struct.pack("<8h", 0, 3, 2, 0, 3, 5, 6, 5)
    answer = np.frombuffer(run_program(_LABELS, ("decisions",), given_, SANITIZED, work), np.int16).reshape(
        -1, 4
    )
    assert answer[:, 0].tolist() == [5, 6, 5]


_SMOOTH = """
#include <stdio.h>
#include <milliwatt/decisions.h>

int main(void)
{
    uint16_t alpha, u8_state[4], q15_state[4];
    int16_t q15[4];
    float f32_state[4];
    int begun = 0;
    if (fread(&alpha, 2, 1, stdin) != 1) {
        return 9;
    }
    while (fread(q15, 2, 4, stdin) == 4) {
        uint8_t u8[4];
        float f32[4];
        int16_t best[2];
        for (int i = 0; i < 4; ++i) {
            u8[i] = (uint8_t) (q15[i] < 0 ? 0 : q15[i] >> 7);
            f32[i] = (float) q15[i] / 32768.0f;
        }
        if (begun) {
            mw_smooth_scores_u8(u8_state, u8, 4, alpha);
            mw_smooth_scores_q15(q15_state, q15, 4, alpha);
            mw_smooth_scores_f32(f32_state, f32, 4, (float) alpha / 32768.0f);
        } else {
            mw_smooth_scores_begin_u8(u8_state, u8, 4);
            mw_smooth_scores_begin_q15(q15_state, q15, 4);
            for (int i = 0; i < 4; ++i) {
                f32_state[i] = f32[i];
            }
            begun = 1;
        }
        best[0] = (int16_t) mw_highest_u16(q15_state, 4, 30000);
        best[1] = (int16_t) mw_highest_f32(f32_state, 4, 0.5f);
        if (fwrite(u8_state, 2, 4, stdout) + fwrite(q15_state, 2, 4, stdout) +
                fwrite(f32_state, 4, 4, stdout) + fwrite(best, 2, 2, stdout) != 14) {
            return 8;
        }
    }
    return 0;
}
"""
_ROW = np.dtype([("u8", "<u2", 4), ("q15", "<u2", 4), ("f32", "<f4", 4), ("best", "<i2", 2)])


@pytest.mark.parametrize("alpha", [1, 400, 8192, 32767, 32768])
@pytest.mark.parametrize("machine", [SANITIZED, ARM["cortex-m0"], AVR], ids=lambda machine: machine.name)
def test_smoothing(alpha: int, machine: Machine, work: Path) -> None:
    """Full scale up and down, then noise: within half a unit an alpha of the exact average."""
    rng = np.random.default_rng(alpha)
    steps = np.repeat([[0, 32767, -32768, 9], [32767, 0, 32767, 10], [0, 32767, -5, 10]], 40, axis=0)
    p = np.concatenate([steps, rng.integers(0, 32768, (80, 4))]).astype(np.int16)
    answer = run_program(_SMOOTH, ("decisions",), struct.pack("<H", alpha) + p.tobytes(), machine, work)
    rows = np.frombuffer(answer, _ROW)
    q15 = np.maximum(p, 0).astype(np.int64) * 2 + (np.maximum(p, 0) >> 14)
    u8 = (np.maximum(p, 0).astype(np.int64) >> 7) * 257
    for name, given_, allowed in (("u8", u8, 16384 / alpha), ("q15", q15, 16384 / alpha), ("f32", p, 1e-6)):
        exact = given_[0].astype(np.float64)
        integers = given_[0].astype(np.int64)
        for row, now in zip(rows[name], given_, strict=True):
            exact += (now - exact) * alpha / 32768
            integers += ((now - integers) * alpha + 16384) >> 15
            scale = 1 / 32768 if name == "f32" else 1
            assert np.abs(row - exact * scale).max() <= allowed + 1e-9
            assert name == "f32" or row.tolist() == integers.tolist()
    for row in rows:
        for best, state, least in ((row["best"][0], row["q15"], 30000), (row["best"][1], row["f32"], 0.5)):
            assert best == (int(state.argmax()) if state.max() >= least else UNDECIDED)
