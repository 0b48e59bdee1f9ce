"""The check firmware on this PC, with a model made up for a test, and lines to it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milliwatt.rig import protocol
from milliwatt.rig.firmware import SOURCES
from milliwatt.rig.line import Line
from milliwatt.rig.protocol import LineReader

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror", "-Wno-vla"]
# A call takes 7 ticks if the model adds them to `now`.
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
"""


def build_firmware(directory: Path, header: str, model: str) -> Path:
    """The firmware with a model, under sanitizers.

    Args:
        header: of the model, ``mw_check_model.h``.
        model: its C.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (directory / "mw_check_model.h").write_text(header)
    (directory / "port.c").write_text(PORT + model)
    sources = [SOURCES / name for name in ("main.c", "link.c", "measure.c")]
    command = [compiler, "-std=gnu99", "-O1", "-g", *WARNINGS, "-fsanitize=address,undefined"]
    command += ["-fno-sanitize-recover=all", f"-I{directory}", f"-I{SOURCES}"]
    subprocess.run([*command, *sources, directory / "port.c", "-o", directory / "firmware"], check=True)
    return directory / "firmware"


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


@contextmanager
def running(firmware: Path) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    """A line to the firmware, and its process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen([firmware], stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        yield ours, process
        process.kill()
        process.wait()


@contextmanager
def bad_line(firmware: Path) -> Iterator[Line]:
    """A line on which every so often a byte is lost or changed, both ways."""
    with running(firmware) as (board, _):
        pc, proxy = socket.socketpair()
        for source, target, every in ((proxy, board, 397), (board, proxy, 401)):
            threading.Thread(target=_garble, args=(source, target, every), daemon=True).start()
        with pc:
            yield Line(SocketPort(pc))


def _garble(source: socket.socket, target: socket.socket, every: int) -> None:
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
