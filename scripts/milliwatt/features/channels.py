"""Which channels there are, and of which type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from milliwatt.features.base import StageTransformer
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import Stream


class Magnitude(StageTransformer):
    """The length of the vector of two or three channels: of an accelerometer, say, whichever way it lies.

    int16: rounded down; lengths above 32767 are 32767.

    Args:
        channels: which, by number; None: all.
        keep: the length is one more channel; else it is the only one.
    """

    def __init__(self, channels: Sequence[int] | None = None, keep: bool = False) -> None:
        self.channels = channels
        self.keep = keep

    def _stage(self, stream: Stream) -> nodes.Length:
        every = range(stream.channels) if self.channels is None else None
        return nodes.Length(self._ints("channels", every), bool(self.keep))

    def _names(self, names: Sequence[str]) -> list[str]:
        return [*names, "magnitude"] if self.keep else ["magnitude"]


class SelectChannels(StageTransformer):
    """Some of the channels, in this order.

    Args:
        channels: their numbers.
    """

    def __init__(self, channels: Any) -> None:
        self.channels = channels

    def _stage(self, stream: Stream) -> nodes.Choose:
        return nodes.Choose(self._ints("channels"))

    def _names(self, names: Sequence[str]) -> list[str]:
        return [names[channel] for channel in self._ints("channels")]


class ToFloat(StageTransformer):
    """int16 to float32, ``x * scale``: what comes after computes with floats.

    Args:
        scale: 1 / 32768 makes full scale 1.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def _stage(self, stream: Stream) -> nodes.ToFloat:
        return nodes.ToFloat(self._float("scale"))
