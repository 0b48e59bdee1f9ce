"""The board's side of the check protocol: the C of the check firmware, run on this PC under sanitizers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.rig_lines import SocketPort, bad_line, build_firmware, running, talk

from milliwatt.rig import protocol
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.protocol import Answer, Hello, Refusal, Stats
from milliwatt.rig.session import Expected, Session
from milliwatt.rig.transfer import Patience

FEATURES = 3
EXPECTED = Expected("feedface", "sum", FEATURES, 2, "ticks")

HEADER = """
#include <stdint.h>
#define MW_CHECK_BUILD "feedface"
#define MW_CHECK_MODEL "sum"
#define MW_CHECK_TYPE int16_t
#define MW_CHECK_FEATURES 3
#define MW_CHECK_OUTPUTS 2
int sum(const int16_t *features, int n_features, float *outputs, int n_outputs);
#define MW_CHECK_PREDICT sum
"""

MODEL = """
/* -2 for a sum below zero, else the sum; 7 ticks. */
int sum(const int16_t *features, int n_features, float *outputs, int n_outputs)
{
    int total = 0;
    for (int i = 0; i < n_features; ++i) { total += features[i]; }
    for (int i = 0; i < n_outputs; ++i) { outputs[i] = (float) total / (float) (i + 1); }
    now += 7;
    return total < 0 ? -2 : total;
}
"""


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_firmware(tmp_path_factory.mktemp("firmware"), HEADER, MODEL)


def row(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "little", signed=True) for value in values)


ROWS = [row(1, 2, 3), row(-1, 0, 0), row(0x7FFF, 0x7FFF, 0), row(0, 0, 0), row(-300, 400, -50), row(5, 5, 5)]
RIGHT = [6, -2, 0xFFFE, 0, 50, 15]


def test_conversation(firmware: Path) -> None:
    lines = [protocol.ask_hello(0xABC), *(protocol.send_row(i, image) for i, image in enumerate(ROWS))]
    hello, *answers, stats = talk(firmware, b"\n".join(lines) + protocol.ask_stats(9))
    assert hello == Hello(1, "feedface", "sum", 3, 2, "ticks", 0xABC)
    assert [(a.row, a.status, a.cost) for a in answers if isinstance(a, Answer)] == [
        (i, status, 7) for i, status in enumerate(RIGHT)
    ]
    assert isinstance(answers[0], Answer)
    assert answers[0].outputs.hex() == "0000c04000004040"  # 6.0 and 3.0
    assert isinstance(stats, Stats)
    assert (stats.nonce, stats.rows, stats.refused) == (9, len(ROWS), 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (protocol.frame("r00000001" + "00" * 5), "form"),
        (protocol.frame("r00000001" + "00" * 7), "form"),
        (protocol.frame("r00000001" + "0G" * 6), "form"),
        (protocol.frame("r0000001x" + "00" * 6), "form"),
        (protocol.frame("r"), "form"),
        (protocol.frame("mw? 123"), "form"),
        (protocol.frame("mw! 12345678"), "form"),
        (protocol.frame("s123456789"), "form"),
        (protocol.frame("what?"), "form"),
        (protocol.send_row(1, ROWS[0]).replace(b"*", b""), "crc"),
        (protocol.send_row(1, ROWS[0]).replace(b"*", b"**"), "crc"),
        (protocol.send_row(1, ROWS[0]).replace(b"\n", b"0\n"), "crc"),
        (protocol.send_row(1, ROWS[0]).replace(b"\n", b" \n"), "crc"),
        (protocol.send_row(1, ROWS[0]).replace(b"*", b"*0"), "crc"),
        (protocol.send_row(1, ROWS[0])[:-2] + b"\n", "crc"),
        (protocol.ask_hello(1).upper(), "crc"),
        (b"*\n", "crc"),
        (b"x\n", "crc"),
        (b"r\n", "crc"),
        (b"\x00\xff\n", "crc"),
        (b"r" * 5000 + b"\n", "crc"),
    ],
)
def test_bad_lines_are_refused_and_the_next_is_heard(firmware: Path, line: bytes, reason: str) -> None:
    messages = talk(firmware, line + protocol.send_row(5, ROWS[5]))
    assert messages[0] == Refusal(reason)
    assert isinstance(messages[1], Answer)
    assert (messages[1].row, messages[1].status) == (5, 15)
    assert len(messages) == 2


@pytest.mark.parametrize("end", range(0, 31, 3))
def test_a_pc_that_goes_away_ends_it(firmware: Path, end: int) -> None:
    assert talk(firmware, protocol.send_row(1, ROWS[0])[:end]) == []


edits = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(["drop", "flip", "insert", "copy"]), st.integers(1, 255)),
    max_size=12,
)


@given(edits)
@settings(max_examples=60)
def test_garbled_input_never_gives_a_wrong_answer(firmware: Path, edits: list[tuple[int, str, int]]) -> None:
    data = bytearray(b"".join(protocol.send_row(i, image) for i, image in enumerate(ROWS)))
    for place, kind, value in edits:
        at = place % max(1, len(data))
        if kind == "drop":
            del data[at : at + 1 + value % 3]
        elif kind == "flip" and data:
            data[at] ^= value
        elif kind == "insert":
            data[at:at] = bytes([value])
        else:
            data[at:at] = data[at : at + value]
    for message in talk(firmware, bytes(data)):
        assert isinstance(message, (Answer, Refusal))
        if isinstance(message, Answer):
            assert message.status == RIGHT[message.row]
            assert message.cost == 7


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_any_input_is_survived(firmware: Path, data: bytes) -> None:
    assert all(isinstance(message, Refusal) for message in talk(firmware, data))


# -- both sides of the protocol, with a bad line between them --------------------------------------


@pytest.fixture
def line_to(firmware: Path) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    with running(firmware) as found:
        yield found


def test_both_sides_over_a_bad_line(firmware: Path) -> None:
    with bad_line(firmware) as line:
        session = Session(line, EXPECTED, window=4, patience=Patience(reply=0.3, attempts=40))
        session.hello()
        answers = session.predict(ROWS * 40)
        assert [answer.status for answer in answers] == RIGHT * 40
        assert {answer.cost for answer in answers} == {7}
        assert session.resent > 0


def test_a_firmware_that_ends_is_a_clear_error(
    line_to: tuple[socket.socket, subprocess.Popen[bytes]],
) -> None:
    board, process = line_to
    session = Session(Line(SocketPort(board)), EXPECTED)
    session.hello()
    process.kill()
    with pytest.raises(RigError, match="the serial line broke"):
        session.predict(ROWS)
