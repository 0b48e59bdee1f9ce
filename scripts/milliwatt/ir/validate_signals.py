"""Checks that signals are well formed and suit their model, so that everything after it can trust them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import ModelFileError
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import (
    Stream,
    branch_shape,
    branch_width,
    feature_type,
    frames_after,
    n_features,
    n_numbers,
    raw_frames,
    stream_after,
    windowed,
)
from milliwatt.ir.signals import FLOAT, INT16, INT32, Branch, Signals, Stage
from milliwatt.ir.time_features import problem_with
from milliwatt.ir.validate import MAX_FEATURES, fail
from milliwatt.ir.validate_stages import check_chosen, check_range, check_stage

MAX_CHANNELS = 64
MAX_FRAMES = 65_535  # of a window, as the library's views count
MAX_STAGES = 100
MAX_RAW = 1 << 30


def check_signals(signals: Signals, width: int, dtype: str) -> None:
    """Refuse what cannot be run, and what does not fit the model.

    Args:
        width: features that the model takes.
        dtype: type of these: that which signals make, or a wider one.

    Raises:
        ModelFileError: names the place.
    """
    try:
        _check(signals)
    except ModelFileError as error:
        raise error.inside("signals") from None
    if n_features(signals) != width:
        raise fail(f"they make {n_features(signals)} features, and the model takes {width}", "signals")
    made = feature_type(signals)
    # Integers can be handed on as wider ones, and as floats.
    if dtype not in (made, FLOAT) and (made, dtype) != (INT16, INT32):
        raise fail(f"they make features of type {made}, and the model takes {dtype}", "signals")


def _check(signals: Signals) -> None:
    if signals.dtype not in nodes.STREAM_TYPES:
        raise fail(f"unknown type {signals.dtype!r}", "dtype")
    check_range(signals.channels, 1, MAX_CHANNELS, "channels")
    if not 0.0 <= signals.rate <= FLOAT32_MAX:
        raise fail("not a rate in hertz", "rate")
    _check_names(signals)
    if len(signals.stages) > MAX_STAGES:
        raise fail(f"{len(signals.stages)} stages; up to {MAX_STAGES} are possible", "stages")
    _check_stages(signals.stages, Stream(signals.dtype, signals.channels), "stages")
    _check_window(signals)
    if not 1 <= len(signals.branches) <= MAX_STAGES:
        raise fail(f"{len(signals.branches)} branches; 1 to {MAX_STAGES} are possible", "branches")
    for index, branch in enumerate(signals.branches):
        try:
            _check_branch(branch, windowed(signals), signals.length)
        except ModelFileError as error:
            raise error.inside(f"branches[{index}]") from None
    _check_steps(signals)


def _check_names(signals: Signals) -> None:
    names = signals.channel_names
    if names and len(names) != signals.channels:
        raise fail(f"{len(names)} names for {signals.channels} channels", "channel_names")
    if len(set(names)) != len(names) or not all(
        re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", n) for n in names
    ):
        raise fail("a name is no identifier of C, or there twice", "channel_names")


def _check_stages(stages: Sequence[Stage], stream: Stream, where: str, frames: int | None = None) -> None:
    """Stages one after the other; ``frames`` of a window, None of a stream without end."""
    for index, stage in enumerate(stages):
        try:
            check_stage(stage, stream, frames)
        except ModelFileError as error:
            raise error.inside(f"{where}[{index}]") from None
        stream = stream_after(stage, stream)
        check_range(stream.channels, 1, MAX_FEATURES, f"{where}[{index}]")
        frames = None if frames is None else frames_after(stage, frames)


def _check_window(signals: Signals) -> None:
    check_range(signals.length, 1, MAX_FRAMES, "length")
    check_range(signals.hop, 1, MAX_FRAMES, "hop")
    first, step = raw_frames(signals)
    check_range(max(first, step), 1, MAX_RAW, "length")
    if signals.restart and (signals.restart < first or signals.hop != signals.length):
        raise fail(f"no window is complete in {signals.restart} frames, or they overlap", "restart")
    check_range(signals.restart, 0, MAX_RAW, "restart")


def _check_branch(branch: Branch, stream: Stream, frames: int) -> None:
    _check_stages(branch.stages, stream, "stages", frames)
    after, left = branch_shape(branch, stream, frames)
    if left < 1:
        raise fail(f"a window of {frames} frames is too short for these stages", "stages")
    width = branch_width(branch, stream, frames)
    if width > MAX_FEATURES:
        raise fail(f"it makes {width} numbers of a window, more than {MAX_FEATURES}")
    if branch.features and branch.chosen:
        raise fail("features, and a choice of samples", "chosen")
    check_chosen(branch.chosen, left * after.channels, "chosen")
    for index, feature in enumerate(branch.features):
        problem = problem_with(feature, after.dtype, after.channels, left)
        if problem:
            raise fail(problem, f"features[{index}]")


def _check_steps(signals: Signals) -> None:
    width = n_numbers(signals)
    for index, step in enumerate(signals.steps):
        where = f"steps[{index}]"
        if isinstance(step, nodes.Affine):
            rows = [*step.weights, step.offset]
            if (
                len(step.weights) != width
                or {len(row) for row in rows} != {len(step.offset)}
                or not step.offset
            ):
                raise fail(f"not a matrix of {width} rows and an offset of its width", where)
            if not all(abs(value) <= FLOAT32_MAX for row in rows for value in row):
                raise fail("a number is no float32", where)
            width = len(step.offset)
        elif isinstance(step, nodes.ScaleEach):
            if len(step.centre) != width or len(step.scale) != width:
                raise fail(f"not a centre and a scale for each of {width} features", where)
            if not all(abs(v) <= FLOAT32_MAX for v in (*step.centre, *step.scale)) or 0.0 in step.scale:
                raise fail("a number is no float32, or a scale 0", where)
        elif isinstance(step, nodes.Normalize) and step.norm not in nodes.NORMS:
            raise fail(f"unknown norm {step.norm!r}", where)
    check_range(width, 1, MAX_FEATURES, "steps")
    check_chosen(signals.chosen, width, "chosen")
