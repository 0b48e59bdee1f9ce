"""The lines between PC and check firmware: see ``PROTOCOL.md``. Pure functions and values, no I/O."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

VERSION = 1
_MARK = b"*"
_FRAMED = re.compile(rb"\*[^*]{8}$|^[as][0-9a-f]{8} |^n (?:crc|form)")
# Far above any line of the protocol: a firmware that never ends its line must not fill our memory.
_LONGEST = 1 << 20


def frame(payload: str) -> bytes:
    """A payload as a line, CRC and newline included."""
    data = payload.encode("ascii")
    return data + _MARK + b"%08x\n" % zlib.crc32(data)


def unframe(line: bytes) -> str | None:
    """The payload of a line without its newline, or None where it is not whole."""
    data, mark, crc = line.rpartition(_MARK)
    if not mark or crc != b"%08x" % zlib.crc32(data):
        return None
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        return None


def looks_framed(line: bytes) -> bool:
    """Whether a line that is not whole may have been one of ours, rather than boot messages."""
    return _FRAMED.search(line) is not None


class LineReader:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete, without newlines."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST:]
        return [line for line in lines if line]

    @property
    def rest(self) -> bytes:
        """What has come of a line not yet ended."""
        return self._rest


@dataclass(frozen=True)
class Hello:
    """Who a firmware says it is."""

    version: int
    build_id: str
    model: str
    n_features: int
    n_outputs: int
    unit: str
    nonce: int


@dataclass(frozen=True)
class Answer:
    """One prediction.

    Attributes:
        row: the number the row was sent with.
        status: class index, or 0, or a negative ``mw_status``.
        cost: in the board's unit.
        outputs: float32 values as they lie in little-endian memory; empty for class indices.
    """

    row: int
    status: int
    cost: int
    outputs: bytes = b""


@dataclass(frozen=True)
class Stats:
    """What a firmware counted; the stack marks are bytes from a fixed address."""

    nonce: int
    rows: int
    refused: int
    stack_talk: int
    stack_nothing: int
    stack_predict: int


@dataclass(frozen=True)
class Refusal:
    """The board did not take a line: ``crc`` (it came garbled) or ``form`` (it makes no sense)."""

    reason: str


Message = Hello | Answer | Stats | Refusal

_HELLO = re.compile(r"mw! (\d{1,9}) (.*)")
_HELLO_1 = re.compile(r"([0-9a-z]{1,64}) (\w{1,63}) (\d{1,9}) (\d{1,9}) (\w{1,20}) ([0-9a-f]{8})")
_ANSWER = re.compile(r"a([0-9a-f]{8}) ([+-])([0-9a-f]{8}) (\d{1,10})(?: ((?:[0-9a-f]{8})+))?")
_STATS = re.compile(r"s([0-9a-f]{8}) (\d{1,10}) (\d{1,10}) (\d{1,10}) (\d{1,10}) (\d{1,10})")
_REFUSAL = re.compile(r"n (crc|form)")


def parse(payload: str) -> Message | None:
    """What a board's payload says; None if it says nothing this protocol knows."""
    if match := _ANSWER.fullmatch(payload):
        row, sign, magnitude, cost, outputs = match.groups()
        status = int(magnitude, 16) * (-1 if sign == "-" else 1)
        return Answer(int(row, 16), status, int(cost), bytes.fromhex(outputs or ""))
    if match := _STATS.fullmatch(payload):
        return Stats(int(match[1], 16), *(int(field) for field in match.groups()[1:]))
    if match := _REFUSAL.fullmatch(payload):
        return Refusal(match[1])
    return _parse_hello(payload)


def _parse_hello(payload: str) -> Hello | None:
    match = _HELLO.fullmatch(payload)
    if match is None:
        return None
    version = int(match[1])
    known = _HELLO_1.fullmatch(match[2])
    if known is None:  # another version may say other things
        return Hello(version, "", "", 0, 0, "", -1)
    build_id, model, n_features, n_outputs, unit, nonce = known.groups()
    return Hello(version, build_id, model, int(n_features), int(n_outputs), unit, int(nonce, 16))


def ask_hello(nonce: int) -> bytes:
    """The line that asks a firmware who it is."""
    return frame(f"mw? {nonce:08x}")


def ask_stats(nonce: int) -> bytes:
    """The line that asks for the statistics."""
    return frame(f"s{nonce:08x}")


def send_row(number: int, image: bytes) -> bytes:
    """The line that sends a row of features, given as they lie in little-endian memory."""
    return frame(f"r{number:08x}{image.hex()}")
