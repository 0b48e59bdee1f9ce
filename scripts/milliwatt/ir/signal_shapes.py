"""How streams, windows and features of :class:`Signals` are shaped: types, channels, numbers of frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milliwatt.ir.signals import (
    FLOAT,
    INT16,
    INT32,
    Affine,
    Branch,
    Choose,
    Fir,
    Goertzel,
    Length,
    Signals,
    Spectrum,
    Stage,
    ToFloat,
)


@dataclass(frozen=True, slots=True)
class Stream:
    """What flows: frames of ``channels`` numbers of the type ``dtype``."""

    dtype: str
    channels: int


def stream_after(stage: Stage, before: Stream) -> Stream:
    """What a stage makes of a stream that suits it."""
    dtype = FLOAT if isinstance(stage, ToFloat) else before.dtype
    if isinstance(stage, Length):
        return Stream(dtype, before.channels + 1 if stage.keep else 1)
    if isinstance(stage, Choose):
        return Stream(dtype, len(stage.channels))
    if isinstance(stage, Spectrum):
        return Stream(dtype, before.channels * stage.n_values)
    if isinstance(stage, Goertzel):
        return Stream(dtype, before.channels * len(stage.frequencies))
    return Stream(dtype, before.channels)


def streams(stages: Iterable[Stage], before: Stream) -> list[Stream]:
    """The stream before each stage, and the one after the last."""
    found = [before]
    for stage in stages:
        found.append(stream_after(stage, found[-1]))
    return found


def windows_in(frames: int, length: int, hop: int) -> int:
    """How many windows lie in so many frames."""
    return 0 if frames < length else 1 + (frames - length) // hop


def frames_after(stage: Stage, frames: int) -> int:
    """How many frames a stage makes of the first ``frames`` since it began."""
    if isinstance(stage, Fir):
        return -(-frames // stage.decimation)
    if isinstance(stage, Spectrum):
        return windows_in(frames, stage.length, stage.hop)
    if isinstance(stage, Goertzel):
        return min(frames, 1)
    return frames


def frames_needed(stage: Stage, frames: int) -> int:
    """How many frames a stage takes until it has given ``frames`` of them, at least 1."""
    if isinstance(stage, Fir):
        return (frames - 1) * stage.decimation + 1
    if isinstance(stage, Spectrum):
        return stage.length + (frames - 1) * stage.hop
    return frames


def stride(stage: Stage) -> int:
    """Frames that a stage takes for each one that it gives, in the long run."""
    if isinstance(stage, Fir):
        return stage.decimation
    return stage.hop if isinstance(stage, Spectrum) else 1


def raw_frames(signals: Signals) -> tuple[int, int]:
    """Raw frames that the first window takes, and from one window to the next."""
    first, step = signals.length, signals.hop
    for stage in reversed(signals.stages):
        first, step = frames_needed(stage, first), step * stride(stage)
    return first, signals.restart or step


def windowed(signals: Signals) -> Stream:
    """The stream that is cut into windows."""
    return streams(signals.stages, Stream(signals.dtype, signals.channels))[-1]


def branch_shape(branch: Branch, before: Stream, frames: int) -> tuple[Stream, int]:
    """The stream and the frames of a window after a branch's stages."""
    for stage in branch.stages:
        before, frames = stream_after(stage, before), frames_after(stage, frames)
    return before, frames


def branch_type(branch: Branch, before: Stream) -> str:
    """The type of a branch's numbers: FLOAT; of integers INT32 for features, INT16 for samples."""
    kind = streams(branch.stages, before)[-1].dtype
    return INT32 if kind == INT16 and branch.features else kind


def branch_width(branch: Branch, before: Stream, frames: int) -> int:
    """How many numbers a branch makes."""
    stream, left = branch_shape(branch, before, frames)
    return len(branch.features) or len(branch.chosen) or stream.channels * left


def feature_type(signals: Signals) -> str:
    """The type of features: FLOAT if any number is or there are ``steps``; INT32, or INT16 if all are."""
    before = windowed(signals)
    kinds = {branch_type(branch, before) for branch in signals.branches}
    if signals.steps or FLOAT in kinds:
        return FLOAT
    return INT32 if INT32 in kinds else INT16


def n_numbers(signals: Signals) -> int:
    """How many numbers the branches make together."""
    before = windowed(signals)
    return sum(branch_width(branch, before, signals.length) for branch in signals.branches)


def n_features(signals: Signals) -> int:
    """How many features there are."""
    if signals.chosen:
        return len(signals.chosen)
    for step in reversed(signals.steps):
        if isinstance(step, Affine):
            return len(step.offset)
    return n_numbers(signals)
