"""Sliding windows and the queue: what a list of Python's gives."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest.dsp_programs import AVR, run_program
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Machine

GAP = 0


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stream")


@dataclass(frozen=True)
class Stream:
    """Numbers of frames that are pushed at a time, and gaps between them."""

    ring: bool
    frame: int
    length: int
    hop: int
    room: int
    pushes: tuple[int, ...]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    length, hop = draw(st.integers(1, 20)), draw(st.integers(1, 50))
    room = length + draw(st.sampled_from([0, 1, hop - 1, hop, 3 * hop]))
    pushes = st.one_of(st.just(1), st.just(1), st.integers(1, 60), st.just(GAP))
    ring = draw(st.booleans())
    chosen = draw(st.lists(pushes, min_size=1, max_size=60))
    return Stream(
        ring, draw(st.sampled_from([1, 2, 6, 12])), length, hop, length if ring else room, tuple(chosen)
    )


def wanted(stream: Stream) -> list[list[int]]:
    """Numbers of the frames of each window."""
    windows, held, passed, number = [], list[int](), 0, 0
    for push in stream.pushes:
        if push == GAP:
            held, passed = [], 0
        for _ in range(push):
            if passed:
                passed -= 1
            else:
                held.append(number)
            if len(held) == stream.length:
                windows.append(held)
                held, passed = held[stream.hop :], max(0, stream.hop - stream.length)
            number += 1
    return windows


def encoded(stream: Stream) -> bytes:
    """What the program reads: frames are their number, byte by byte the same."""
    number = 0
    given = struct.pack(
        "<6i", stream.ring, stream.frame, stream.length, stream.hop, stream.room, len(stream.pushes)
    )
    for push in stream.pushes:
        frames = b"".join(bytes([i % 251]) * stream.frame for i in range(number, number + push))
        given += struct.pack("<i", push) + frames
        number += push
    return given


_PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <milliwatt/stream.h>

static void *take(size_t size)
{
    void *block = malloc(size + (size == 0));
    if (block == NULL || fread(block, 1, size, stdin) != size) {
        exit(9);
    }
    return block;
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

static void show(const mw_frames *window)
{
    const int32_t n = window->n_first + window->n_second;
    put(&n, sizeof n);
    put(window->first, (size_t) window->n_first * window->frame);
    put(window->second, (size_t) window->n_second * window->frame);
}

static void run(const int32_t *given)
{
    const size_t frame = (size_t) given[1];
    const uint16_t length = (uint16_t) given[2], hop = (uint16_t) given[3];
    const size_t size = (size_t) given[4] * frame;
    uint8_t *memory = (uint8_t *) malloc(size);
    mw_ring ring;
    mw_slide slide;
    const int32_t end = -1;
    if ((given[0] ? mw_ring_init(&ring, memory, size, frame, length, hop)
                  : mw_slide_init(&slide, memory, size, frame, length, hop)) != MW_OK) {
        exit(7);
    }
    for (int32_t i = 0; i < given[5]; ++i) {
        int32_t *push = (int32_t *) take(4);
        uint8_t *frames = (uint8_t *) take((size_t) *push * frame);
        uint16_t left = (uint16_t) *push;
        const uint8_t *from = frames;
        if (left == 0) {
            if (given[0]) {
                mw_ring_gap(&ring);
            } else {
                mw_slide_gap(&slide);
            }
        }
        while (left != 0) {
            uint16_t taken = 1;
            uint16_t *const place = left == 1 ? NULL : &taken;
            const int complete =
                given[0] ? mw_ring_push(&ring, from, left, place) : mw_slide_push(&slide, from, left, place);
            if (complete == 1) {
                const mw_frames window = given[0] ? mw_ring_window(&ring) : mw_slide_window(&slide);
                if (!given[0] && window.n_second != 0) {
                    exit(6);
                }
                show(&window);
            } else if (complete != 0 || taken != left) {
                exit(5);
            }
            from += taken * frame;
            left = (uint16_t) (left - taken);
        }
        free(frames);
        free(push);
    }
    put(&end, sizeof end);
    free(memory);
}

int main(void)
{
    int32_t *n = (int32_t *) take(4);
    for (int32_t i = 0; i < *n; ++i) {
        int32_t *given = (int32_t *) take(6 * sizeof *given);
        run(given);
        free(given);
    }
    free(n);
    return 0;
}
"""


def check(chosen: list[Stream], machine: Machine, work: Path) -> None:
    given_ = struct.pack("<i", len(chosen)) + b"".join(map(encoded, chosen))
    answer, at = run_program(_PROGRAM, ("stream_",), given_, machine, work), 0
    for stream in chosen:
        for window in [*wanted(stream), None]:
            (n,) = struct.unpack_from("<i", answer, at)
            at += 4
            assert n == (-1 if window is None else stream.length), stream
            for number in window or []:
                assert answer[at : at + stream.frame] == bytes([number % 251]) * stream.frame, stream
                at += stream.frame
    assert at == len(answer)


@given(st.lists(streams(), min_size=20, max_size=60))
@settings(max_examples=8, phases=(Phase.generate,))
def test_windows_are_those_of_a_list(work: Path, chosen: list[Stream]) -> None:
    check(chosen, SANITIZED, work)


FIXED = [
    Stream(ring, 6, length, hop, length + (0 if ring else spare), (1,) * 40 + (GAP, 7, 50, 3) + (1,) * 60)
    for ring in (True, False)
    for length, hop in ((8, 8), (8, 3), (8, 21), (1, 1), (8, 1))
    for spare in (0, hop)
]


@pytest.mark.parametrize("machine", [OPTIMISED, ARM["cortex-m0"], AVR], ids=lambda machine: machine.name)
def test_windows_everywhere(machine: Machine, work: Path) -> None:
    check(FIXED, machine, work)


_REFUSED = """
#include <stdio.h>
#include <milliwatt/stream.h>

int main(void)
{
    int16_t memory[30];
    uint8_t zero = 0;
    mw_ring ring;
    mw_slide slide;
    mw_queue queue;
    const int answers[] = {
        mw_ring_init(&ring, NULL, 60, 6, 10, 5), mw_ring_init(&ring, memory, 59, 6, 10, 5),
        mw_ring_init(&ring, memory, 60, 0, 10, 5), mw_ring_init(&ring, memory, 60, 6, 0, 5),
        mw_ring_init(&ring, memory, 60, 6, 10, 0), mw_ring_init(&ring, memory, 60, 6, 10, 5),
        mw_ring_push(&ring, NULL, 1, NULL), mw_slide_init(&slide, memory, 59, 6, 10, 5),
        mw_slide_init(&slide, memory, 60, 6, 10, 5), mw_slide_push(&slide, NULL, 1, NULL),
        mw_queue_init(&queue, memory, 60, 6, zero), mw_queue_init(&queue, memory, 60, 6, 12),
        mw_queue_init(&queue, memory, 60, 6, 16), mw_queue_init(&queue, NULL, 60, 6, 8)};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; ++i) {
        printf("%d ", answers[i]);
    }
    return 0;
}
"""


def test_what_cannot_be_is_refused(work: Path) -> None:
    found = run_program(_REFUSED, ("stream_",), b"", SANITIZED, work).split()
    assert list(map(int, found)) == [-1, -2, -2, -2, -2, 0, -1, -2, 0, -1, -2, -2, -2, -1]


# Letters: p put, r read one part and drop it, d drop half of it, g ask for a gap.
_QUEUE = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/stream.h>

int main(void)
{
    uint16_t number = 0;
    int letter;
    uint16_t *memory = (uint16_t *) malloc(8 * sizeof *memory);
    mw_queue queue;
    if (mw_queue_init(&queue, memory, 16, 2, 8) != MW_OK) {
        return 1;
    }
    while ((letter = getchar()) != '.') {
        const void *frames;
        const uint8_t n = mw_queue_front(&queue, &frames);
        if (letter == 'p') {
            printf("%d ", mw_queue_put(&queue, &number));
            ++number;
        } else if (letter == 'g') {
            printf("%d ", mw_queue_gap(&queue));
        } else {
            const uint8_t dropped = (uint8_t) (letter == 'd' ? n / 2 : n);
            for (int i = 0; i < dropped; ++i) {
                printf("%d ", ((const uint16_t *) frames)[i]);
            }
            mw_queue_drop(&queue, dropped);
        }
        printf(",");
    }
    free(memory);
    return 0;
}
"""


class _Queue:
    """The queue in Python: places of a ring of 8, to know where a part ends."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.number = self.read = 0
        self.gap = False

    def step(self, letter: str) -> list[int]:
        if letter == "p":
            taken = len(self.held) < 8 and not self.gap
            self.gap = self.gap or not taken
            self.held += [self.number] if taken else []
            self.number += 1
            return [int(taken)]
        if letter == "g":
            ended = self.gap and not self.held
            self.gap = self.gap and not ended
            return [int(ended)]
        part = self.held[: 8 - self.read % 8]
        part = part[: len(part) // 2] if letter == "d" else part
        self.held, self.read = self.held[len(part) :], self.read + len(part)
        return part


@pytest.mark.parametrize("mostly", ["pppprdg", "ppppppppprdg"])
@pytest.mark.parametrize("machine", [SANITIZED, AVR], ids=lambda machine: machine.name)
def test_the_queue_is_that_of_python(mostly: str, machine: Machine, work: Path) -> None:
    letters = "".join(np.random.default_rng(4).choice(list(mostly), 1500))
    queue = _Queue()
    wanted_ = [queue.step(letter) for letter in letters]
    assert sum(step == [1] for step, letter in zip(wanted_, letters, strict=True) if letter == "g") > 5
    given_ = letters.encode() + b"."
    found = run_program(_QUEUE, ("stream_",), given_, machine, work).decode().split(",")
    assert [list(map(int, step.split())) for step in found[:-1]] == wanted_
