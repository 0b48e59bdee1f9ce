"""A serial port as a source and sink of protocol messages."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from milliwatt.errors import MilliwattError
from milliwatt.rig import protocol
from milliwatt.rig.protocol import LineReader, Message

_NOISE_KEPT = 12  # lines that are not ours, kept for error messages


class RigError(MilliwattError):
    """The board, its line or its firmware did not do what it should."""


class SerialPort(Protocol):
    """What a session needs of pyserial's ``Serial``."""

    timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...


class Line:
    """Messages over an open serial port.

    Args:
        port: an open port; its ``timeout`` is set here.
        clock: seconds, monotonic; another one in tests.
    """

    def __init__(self, port: SerialPort, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._reader = LineReader()
        self._noise: deque[str] = deque(maxlen=_NOISE_KEPT)
        self._inbox: deque[Message | None] = deque()
        self.now = clock

    def send(self, data: bytes) -> None:
        """Write bytes; they may be several lines."""
        try:
            self._port.write(data)
        except OSError as error:  # pyserial's SerialException is one
            raise self._broken(error) from None

    def receive(self, until: float) -> Message | None:
        """The next message; None for a garbled line, and when ``until`` has come."""
        while not self._inbox:
            left = until - self.now()
            if left <= 0:
                return None
            for line in self._reader.feed(self._read(left)):
                self._sort(line)
        return self._inbox.popleft()

    def failure(self, problem: str, cure: str) -> RigError:
        """An error that quotes what came over the line and was no message: a crash report, say."""
        rest = self._reader.rest.decode("ascii", errors="replace").strip()
        heard = [text[:200] for text in (*self._noise, rest) if text]
        if heard:
            problem += "; what the board sent besides:\n    " + "\n    ".join(heard)
        return RigError(problem, cure=cure)

    def _broken(self, error: OSError) -> RigError:
        return self.failure(
            f"the serial line broke: {error}", "check that the board still runs, and its cable"
        )

    def _read(self, seconds: float) -> bytes:
        try:
            self._port.timeout = seconds
            data = self._port.read(1)
        except OSError as error:
            raise self._broken(error) from None
        try:
            while data and (waiting := self._port.in_waiting):
                data += self._port.read(waiting)
        except OSError:
            pass  # what came before the line broke still counts; the next read tells
        return data

    def _sort(self, line: bytes) -> None:
        payload = protocol.unframe(line)
        message = None if payload is None else protocol.parse(payload)
        if message is not None or protocol.looks_framed(line):
            self._inbox.append(message)
        if message is None:
            self._noise.append(line.decode("ascii", errors="replace").strip())
