"""The board's side of the check protocol: the C of the check firmware, run on this PC under sanitizers."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.rig import protocol
from milliwatt.rig.firmware import SOURCES
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.protocol import Answer, Hello, LineReader, Refusal, Stats
from milliwatt.rig.session import Expected, Session
from milliwatt.rig.transfer import Patience

FEATURES = 3
EXPECTED = Expected("feedface", "sum", FEATURES, 2, "ticks")
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror", "-Wno-vla"]

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

PORT = r"""
#include <unistd.h>
#include "mw_check_port.h"
#include "mw_check_model.h"

static uint32_t now;

const char *mw_check_unit(void) { return "ticks"; }
int mw_check_read(void) { unsigned char c; return read(0, &c, 1) == 1 ? c : -1; }
void mw_check_write(const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(1, data, size);
        if (n <= 0) { return; }
        data += n;
        size -= (size_t) n;
    }
}
uint32_t mw_check_counter(void) { return now += 5; }
uint32_t mw_check_elapsed(uint32_t begin, uint32_t end) { return end - begin; }
void mw_check_stack_paint(void) { }
size_t mw_check_stack_used(void) { static size_t used = 10; return used += 10; }
int main(void) { mw_check_serve(); return 0; }

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
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    directory = tmp_path_factory.mktemp("firmware")
    (directory / "mw_check_model.h").write_text(HEADER)
    (directory / "port.c").write_text(PORT)
    sources = [SOURCES / name for name in ("main.c", "link.c", "measure.c")]
    command = [compiler, "-std=gnu99", "-O1", "-g", *WARNINGS, "-fsanitize=address,undefined"]
    command += ["-fno-sanitize-recover=all", f"-I{directory}", f"-I{SOURCES}"]
    subprocess.run([*command, *sources, directory / "port.c", "-o", directory / "firmware"], check=True)
    return directory / "firmware"


def row(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "little", signed=True) for value in values)


ROWS = [row(1, 2, 3), row(-1, 0, 0), row(0x7FFF, 0x7FFF, 0), row(0, 0, 0), row(-300, 400, -50), row(5, 5, 5)]
RIGHT = [6, -2, 0xFFFE, 0, 50, 15]


def talk(firmware: Path, data: bytes) -> list[protocol.Message]:
    """Everything the firmware says to these bytes; all of its lines must be whole and make sense."""
    done = subprocess.run([firmware], input=data, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    messages = []
    for line in LineReader().feed(done.stdout):
        payload = protocol.unframe(line)
        assert payload is not None
        message = protocol.parse(payload)
        assert message is not None
        messages.append(message)
    return messages


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


class SocketPort:
    """A socket with the face of a serial port."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = b""
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        return len(self.buffer)

    def read(self, size: int = 1) -> bytes:
        if not self.buffer:
            self.connection.settimeout(self.timeout)
            try:
                self.buffer = self.connection.recv(4096)
            except TimeoutError:
                return b""
            if not self.buffer:
                raise OSError("the firmware has ended")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def write(self, data: bytes) -> int:
        self.connection.sendall(data)
        return len(data)


@pytest.fixture
def running(firmware: Path) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen([firmware], stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        yield ours, process
        process.kill()
        process.wait()


def garble(source: socket.socket, target: socket.socket, every: int) -> None:
    """Pass bytes on; every so often one is lost or changed."""
    count = 0
    while data := source.recv(512):
        out = bytearray()
        for byte in data:
            count += 1
            if count % every:
                out.append(byte)
            elif count % (2 * every):
                out.append(byte ^ 0x15)
        try:
            target.sendall(out)
        except OSError:
            break
    target.close()


def test_both_sides_over_a_bad_line(running: tuple[socket.socket, subprocess.Popen[bytes]]) -> None:
    board, _ = running
    pc, proxy = socket.socketpair()
    proxies = [
        threading.Thread(target=garble, args=(proxy, board, 397), daemon=True),
        threading.Thread(target=garble, args=(board, proxy, 401), daemon=True),
    ]
    for thread in proxies:
        thread.start()
    with pc:
        session = Session(Line(SocketPort(pc)), EXPECTED, window=4, patience=Patience(reply=0.3, attempts=40))
        session.hello()
        answers = session.predict(ROWS * 40)
        assert [answer.status for answer in answers] == RIGHT * 40
        assert {answer.cost for answer in answers} == {7}
        assert session.resent > 0


def test_a_firmware_that_ends_is_a_clear_error(
    running: tuple[socket.socket, subprocess.Popen[bytes]],
) -> None:
    board, process = running
    session = Session(Line(SocketPort(board)), EXPECTED)
    session.hello()
    process.kill()
    with pytest.raises(RigError, match="the serial line broke"):
        session.predict(ROWS)
