"""From recordings to windows, and the labels of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import InputError, MilliwattError
from milliwatt.features.base import GivesSamples, StageTransformer, channel_names
from milliwatt.host.signals import run_windows
from milliwatt.ir.signal_shapes import frames_needed, stride
from milliwatt.ir.signals import Stage


class SlidingWindow(GivesSamples):
    """Windows of so many frames, every so many frames: recordings in, windows out.

    Windows never reach over the end of a recording; recordings that are shorter give none.

    Args:
        length: frames in a window.
        hop: frames from one window to the next; None: ``length``, so that windows do not overlap.
        rate: of frames in hertz, if known: other steps are checked against it, and reports say what share of
            a CPU's time keeping up with it takes.
    """

    length_: int
    hop_: int

    def __init__(self, length: int, hop: int | None = None, rate: float | None = None) -> None:
        self.length = length
        self.hop = hop
        self.rate = rate

    def fit(self, X: Any, y: Any = None) -> SlidingWindow:
        """Learns what recordings are like.

        Raises:
            MilliwattError: an array instead of a list; lengths that are not possible.
        """
        self._learn(X)
        if self.n_frames_ is not None:
            raise InputError(
                "SlidingWindow cuts recordings, and is given an array, whose rows are windows already",
                cure="give a list of recordings: [X] of a single one, list(X) if its rows are recordings",
            )
        length = self._int("length")
        hop = length if self.hop is None else self._int("hop")
        for name, value in (("length", length), ("hop", hop)):
            if not 1 <= value <= 65_535:
                raise self._wrong(f"{value} is not possible", name, "give 1 to 65535 frames")
        self.length_, self.hop_ = length, hop
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Windows of all recordings, one after the other: shape (windows, length, channels)."""
        samples = self._taken(X)
        parts = [run_windows(self.length_, self.hop_, part) for part in samples.parts]
        whole = np.concatenate(parts)
        return whole[:, :, 0] if samples.flat else whole

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the channels."""
        self._check_fitted("n_channels_")
        return np.asarray(channel_names(input_features, self.n_channels_), dtype=object)


def window_labels(steps: Sequence[Any], recordings: Sequence[Any], y: Sequence[Any]) -> NDArray[Any]:
    """The label of each window that steps cut out of recordings.

    Args:
        steps: fitted transformers from the samples to the windows, the last a :class:`SlidingWindow`; or a
            pipeline of them.
        recordings: as the first of them takes them.
        y: for each recording a label; or for each recording an array of labels, one a frame, of which a
            window has the one that most of its frames have (the later one of two with as many).

    Raises:
        InputError: lengths that do not fit.
    """
    if len(y) != len(recordings):
        raise InputError(f"{len(y)} labels for {len(recordings)} recordings", cure="give one of each")
    spans = window_spans(steps, recordings)
    found: list[Any] = []
    for index, (label, recording) in enumerate(zip(y, recordings, strict=True)):
        mine = spans[spans[:, 0] == index, 1:]
        if np.ndim(label) == 0:
            found += [label] * len(mine)
            continue
        frames = np.asarray(label)
        if frames.shape != (len(recording),):
            raise InputError(
                f"recording {index} has {len(recording)} frames, and labels of shape {frames.shape}",
                cure="give one label for all of it, or one a frame",
            )
        try:
            found += [_most(frames[begin:end]) for begin, end in mine]
        except TypeError:  # None beside text, say
            raise InputError(
                f"recording {index} has labels of types that cannot be compared",
                cure="give one type of labels",
            ) from None
    return np.asarray(found)


def window_groups(steps: Sequence[Any], recordings: Sequence[Any]) -> NDArray[np.intp]:
    """Which recording each window is from: the groups for ``GroupKFold`` and its like."""
    return window_spans(steps, recordings)[:, 0]


def window_spans(steps: Sequence[Any], recordings: Sequence[Any]) -> NDArray[np.intp]:
    """For each window its recording, and the raw frames that it was made of: first, and one past the last."""
    stages, window = _taken_apart(steps)
    rows = []
    for index, recording in enumerate(recordings):
        last = window.length_
        while True:
            end = _raw(stages, last)
            if end > len(recording):
                break
            begin = _raw(stages, last - window.length_ + 1) - _reach(stages)
            rows.append((index, begin, end))
            last += window.hop_
    return np.array(rows, dtype=np.intp).reshape(-1, 3)


def _taken_apart(steps: Any) -> tuple[list[Stage], SlidingWindow]:
    listed = _flat(steps)
    if not listed or not isinstance(listed[-1], SlidingWindow) or not hasattr(listed[-1], "hop_"):
        raise MilliwattError(
            "the last step is no fitted SlidingWindow", option="steps", cure="give the fitted steps up to it"
        )
    for step in listed[:-1]:
        if not isinstance(step, StageTransformer):
            raise MilliwattError(
                f"a {type(step).__name__} may change which frames there are",
                option="steps",
                cure="let transformers out of milliwatt.features stand before the SlidingWindow",
            )
    stages = [step.to_stage(step.dtype_, step.n_channels_) for step in listed[:-1]]
    return stages, listed[-1]


def _flat(steps: Any) -> list[Any]:
    """Steps, those of pipelines among them instead of these; what does nothing left out."""
    if hasattr(steps, "steps"):
        steps = [step for _, step in steps.steps]
    found = [inner for step in steps for inner in (_flat(step) if hasattr(step, "steps") else [step])]
    return [step for step in found if step is not None and not isinstance(step, str)]


def _raw(stages: Sequence[Stage], frames: int) -> int:
    """Raw frames of which there are so many after the stages."""
    for stage in reversed(stages):
        frames = frames_needed(stage, frames)
    return frames


def _reach(stages: Sequence[Stage]) -> int:
    """Raw frames that one frame after the stages is made of, those that filters remember left out."""
    frames, step = 1, 1
    for stage in stages:
        length = getattr(stage, "length", 1)
        frames += (length - 1) * step
        step *= stride(stage)
    return frames


def _most(labels: NDArray[Any]) -> Any:
    _, kind, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return labels[np.flatnonzero(counts[kind] == counts.max())[-1]]
