"""Where a stage stands in generated code, and what its C consists of."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.signal_layout import Member
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import INT16

C_TYPES = {INT16: "int16_t", "float": "float", "int32": "int32_t"}
SHORT = {INT16: "i16", "float": "f32"}  # of views and tables
_FIXED = {INT16: "q15", "float": "f32"}  # of kernels
_MOST_BYTES = 65535  # of a frame


@dataclass(frozen=True)
class Spot:
    """Where a stage stands.

    Attributes:
        key: what its members are called, and begin with.
        at: before its members: ``state->``.
        before, after: what it reads and writes.
        x, out: pointers.
        frames: the most that come at once.
    """

    key: str
    at: str
    before: Stream
    after: Stream
    x: str
    out: str
    frames: int

    @property
    def kept(self) -> str:
        return self.at + self.key

    @property
    def channels(self) -> int:
        return self.before.channels

    @property
    def c_type(self) -> str:
        """Of what it reads."""
        return C_TYPES[self.before.dtype]

    @property
    def fixed(self) -> str:
        """How kernels for its type end."""
        return _FIXED[self.before.dtype]


@dataclass(frozen=True)
class Code:
    """The C of a stage in its place.

    Attributes:
        kept: members that last from block to block.
        reset: statements before the first frame is there.
        begin: statements when the first frame is at ``x``.
        run: statements that make frames of frames.
        changes_n: these change ``n``.
        headers: that are needed.
    """

    run: str
    kept: tuple[Member, ...] = ()
    reset: str = ""
    begin: str = ""
    changes_n: bool = False
    headers: tuple[str, ...] = ()


def indented(lines: str, by: int = 1) -> str:
    """Lines, further to the right."""
    pad = "    " * by
    return "".join(f"{pad}{line}" if line.strip() else line for line in lines.splitlines(keepends=True))


def numbers(spot: Spot, channel: str = "c", frame: str = "i", *, after: bool = False) -> str:
    """The index of a number in a block of frames."""
    channels = (spot.after if after else spot.before).channels
    return frame if channels == 1 else f"(size_t) {frame} * {channels} + {channel}"


def frame_bytes(stream: Stream, where: str) -> int:
    """Bytes of a frame.

    Raises:
        UnsupportedModelError: more than ``<milliwatt/stream.h>`` can count.
    """
    size = stream.channels * (2 if stream.dtype == INT16 else 4)
    if size > _MOST_BYTES:
        raise UnsupportedModelError(
            f"a frame of {stream.channels} numbers has {size} bytes; up to {_MOST_BYTES} are possible",
            option=where,
            cure="take fewer channels, or fewer values of a spectrum",
        )
    return size


def each_frame(spot: Spot, body: str) -> str:
    """A loop over frames, and channels in them."""
    if spot.channels == 1:
        return f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n"
    inner = f"for (uint16_t c = 0; c < {spot.channels}; ++c) {{\n{indented(body)}}}\n"
    return f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(inner)}}}\n"


def each_channel(spot: Spot, body: str) -> str:
    """A loop over channels; ``c`` is 0 where there is one."""
    if spot.channels == 1:
        return body.replace("[c]", "[0]")
    return f"for (uint16_t c = 0; c < {spot.channels}; ++c) {{\n{indented(body)}}}\n"
