"""Runs the IR of signals on arrays, with the firmware's C kernels: the same bits where these are integers.

A stream is an array (frames, channels) of int16 or float32. Each call begins afresh, as the device after a
reset; several recordings or windows of one length go together, (n, frames, channels).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import InputError
from milliwatt.host import signal_structs as structs
from milliwatt.host.kernels import call
from milliwatt.ir.signal_shapes import (
    Stream,
    branch_type,
    branch_width,
    feature_type,
    frames_after,
    n_features,
    stream_after,
    windowed,
    windows_in,
)
from milliwatt.ir.signals import (
    FLOAT,
    INT16,
    INT32,
    NORMS,
    Affine,
    Branch,
    Centre,
    Choose,
    Emphasis,
    Fir,
    Goertzel,
    Iir,
    Length,
    Normalize,
    RemoveDc,
    ScaleEach,
    Signals,
    Spectrum,
    Stage,
    ToFloat,
    VectorStep,
)

Array: TypeAlias = NDArray[Any]
NUMPY: dict[str, np.dtype[Any]] = {
    INT16: np.dtype(np.int16),
    FLOAT: np.dtype(np.float32),
    INT32: np.dtype(np.int32),
}
_DTYPES = {NUMPY[INT16]: INT16, NUMPY[FLOAT]: FLOAT}
_KIND = {INT16: "q15", FLOAT: "f32"}
_VIEW = {INT16: "i16", FLOAT: "f32"}
_EMPHASIS, _REMOVE_DC, _CENTRE = range(3)
_LOG1P = len(NORMS)
_CHUNK = 1 << 24  # numbers of windows that are held at once


def run_stage(stage: Stage, x: Array) -> Array:
    """What a stage makes of a recording.

    Args:
        x: (frames, channels), int16 or float32.

    Returns:
        (frames_out, channels_out)
    """
    if x.ndim != 2:
        raise InputError(f"a recording of shape {x.shape}, not (frames, channels)")
    found: Array = run_stage_each(stage, x[np.newaxis])[0]
    return found


def run_stage_each(stage: Stage, x: Array) -> Array:
    """The same of several recordings of one length, (n, frames, channels), each for itself."""
    dtype = _DTYPES.get(x.dtype)
    if dtype is None:
        raise InputError(f"samples of type {x.dtype}", cure="give int16 or float32")
    if x.ndim != 3:
        raise InputError(f"recordings of shape {x.shape}, not (recordings, frames, channels)")
    after = stream_after(stage, Stream(dtype, x.shape[2]))
    shape = (x.shape[0], frames_after(stage, x.shape[1]), after.channels)
    return _RUN[type(stage)](stage, np.ascontiguousarray(x), dtype, np.empty(shape, NUMPY[after.dtype]))


def run_stages(stages: Iterable[Stage], x: Array) -> Array:
    """Stages one after the other, of (n, frames, channels)."""
    for stage in stages:
        x = run_stage_each(stage, x)
    return x


def run_windows(length: int, hop: int, stream: Array) -> Array:
    """The windows of a recording, (n, length, channels); none of one that is too short."""
    if len(stream) < length:
        return np.empty((0, length, stream.shape[1]), stream.dtype)
    views = np.lib.stride_tricks.sliding_window_view(stream, length, axis=0)[::hop]
    return np.ascontiguousarray(views.transpose(0, 2, 1))


def run_branch(branch: Branch, windows: Array) -> Array:
    """The numbers, (n, numbers), that a branch makes of windows, (n, length, channels).

    They are int32 where features are made of integers, else of the windows' type.
    """
    before = Stream(_DTYPES[windows.dtype], windows.shape[2])
    x = np.ascontiguousarray(run_stages(branch.stages, windows))
    if not branch.features:
        numbers = x.reshape(len(x), -1)
        return numbers[:, list(branch.chosen)] if branch.chosen else numbers
    out = np.empty((len(x), len(branch.features)), NUMPY[branch_type(branch, before)])
    wanted = structs.features(branch.features)
    call(f"batch_features_{_VIEW[_DTYPES[x.dtype]]}", wanted, len(wanted), _shape(x), _at(x), _at(out))
    return out


def features_of(signals: Signals, recording: Array) -> Array:
    """Features of all windows of a recording, (windows, features).

    Args:
        recording: raw samples, (frames, channels), of the signals' type. Where signals ``restart``, every so
            many frames are a recording of their own, and what is left over at the end is none.
    """
    _check(signals, recording, 2)
    if signals.restart:
        count = len(recording) // signals.restart
        windows = recording[: count * signals.restart].reshape(count, signals.restart, signals.channels)
        return features_of_windows(signals, windows)
    stream = run_stages(signals.stages, recording[np.newaxis])[0]
    count = windows_in(len(stream), signals.length, signals.hop)
    made = [
        _numbers(signals, run_windows(signals.length, signals.hop, _part(stream, signals, first, some)))
        for first, some in _chunks(count, signals.length * stream.shape[1])
    ]
    return _steps(signals, _joined(signals, made))


def features_of_windows(signals: Signals, windows: Array) -> Array:
    """Features of windows that are recordings of their own, (n, restart, channels): (n, features)."""
    _check(signals, windows, 3)
    if windows.shape[1] != signals.restart:
        raise InputError(f"windows of {windows.shape[1]} frames, not of {signals.restart}")
    made = []
    for first, some in _chunks(len(windows), windows.shape[1] * windows.shape[2]):
        stream = run_stages(signals.stages, windows[first : first + some])
        made.append(_numbers(signals, stream[:, : signals.length]))
    return _steps(signals, _joined(signals, made))


def run_steps(steps: Iterable[VectorStep], numbers: Array) -> Array:
    """Vector steps on rows of numbers, in float32."""
    x = np.array(numbers, dtype=np.float32, order="C")
    for step in steps:
        x = _vector_step(step, x)
    return x


def _check(signals: Signals, x: Array, ndim: int) -> None:
    wanted = NUMPY[signals.dtype]
    if x.dtype != wanted or x.ndim != ndim or x.shape[-1] != signals.channels:
        raise InputError(
            f"samples of type {x.dtype} and shape {x.shape}",
            cure=f"give {wanted} of {signals.channels} channels",
        )


def _chunks(count: int, size: int) -> Iterable[tuple[int, int]]:
    """Beginnings and lengths of parts of ``count`` windows."""
    step = max(1, _CHUNK // max(1, size))
    return ((first, min(step, count - first)) for first in range(0, count, step))


def _part(stream: Array, signals: Signals, first: int, some: int) -> Array:
    """The frames of windows ``first`` to ``first + some - 1``."""
    begin = first * signals.hop
    return stream[begin : begin + (some - 1) * signals.hop + signals.length]


def _numbers(signals: Signals, windows: Array) -> Array:
    dtype = NUMPY[feature_type(signals)]
    return np.hstack([run_branch(branch, windows).astype(dtype) for branch in signals.branches])


def _joined(signals: Signals, made: list[Array]) -> Array:
    if made:
        return np.concatenate(made)
    before = windowed(signals)
    width = sum(branch_width(branch, before, signals.length) for branch in signals.branches)
    return np.empty((0, width), NUMPY[feature_type(signals)])


def _steps(signals: Signals, numbers: Array) -> Array:
    found = run_steps(signals.steps, numbers) if signals.steps else numbers
    found = found[:, list(signals.chosen)] if signals.chosen else found
    assert found.shape[1] == n_features(signals)
    return np.ascontiguousarray(found)


# -- stages --------------------------------------------------------------------------------------


def _at(x: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.ctypes.data)


def _shape(x: Array) -> Any:
    return ctypes.byref(structs.Shape(*x.shape))


def _iir(stage: Iir, x: Array, dtype: str, out: Array) -> Array:
    filter_ = ctypes.byref(structs.iir(stage, dtype))
    call(f"batch_iir_{_KIND[dtype]}", filter_, int(stage.settled), _shape(x), _at(x), _at(out))
    return out


def _fir(stage: Fir, x: Array, dtype: str, out: Array) -> Array:
    filter_ = ctypes.byref(structs.fir(stage, dtype))
    call(f"batch_fir_{_KIND[dtype]}", filter_, _shape(x), _at(x), _at(out))
    return out


def _length(stage: Length, x: Array, dtype: str, out: Array) -> Array:
    if stage.keep:
        out[:, :, :-1] = x
    used = (ctypes.c_int32 * 3)(*stage.channels)
    last = ctypes.c_void_p(out.ctypes.data + (out.shape[2] - 1) * out.itemsize)
    count, channels, stride = (ctypes.c_int64(n) for n in (x.shape[0] * x.shape[1], x.shape[2], out.shape[2]))
    call(f"batch_length_{_KIND[dtype]}", used, len(stage.channels), count, channels, _at(x), stride, last)
    return out


def _choose(stage: Choose, x: Array, dtype: str, out: Array) -> Array:
    return np.ascontiguousarray(x[:, :, list(stage.channels)])


def _to_float(stage: ToFloat, x: Array, dtype: str, out: Array) -> Array:
    np.multiply(x, np.float32(stage.scale), out=out, dtype=np.float32)
    return out


def _columns(what: int, setting: float, x: Array, dtype: str, out: Array) -> Array:
    number = ctypes.c_double(setting)
    call(f"batch_columns_{_KIND[dtype]}", what, number, _shape(x), _at(x), _at(out))
    return out


def _emphasis(stage: Emphasis, x: Array, dtype: str, out: Array) -> Array:
    factor = round(stage.factor * 32768) if dtype == INT16 else stage.factor
    return _columns(_EMPHASIS, factor, x, dtype, out)


def _remove_dc(stage: RemoveDc, x: Array, dtype: str, out: Array) -> Array:
    return _columns(_REMOVE_DC, stage.shift if dtype == INT16 else stage.share, x, dtype, out)


def _centre(stage: Centre, x: Array, dtype: str, out: Array) -> Array:
    return _columns(_CENTRE, 0.0, x, dtype, out)


def _spectrum(stage: Spectrum, x: Array, dtype: str, out: Array) -> Array:
    struct, made = structs.spectrum(stage, dtype)
    whole = out
    if made.picked:
        whole = np.empty((*out.shape[:2], x.shape[2], made.n_out), out.dtype)
    config = ctypes.byref(struct)
    call(f"batch_spectra_{_VIEW[dtype]}", config, stage.hop, made.n_out, _shape(x), _at(x), _at(whole))
    return whole[..., list(made.picked)].reshape(out.shape) if made.picked else out


def _goertzel(stage: Goertzel, x: Array, dtype: str, out: Array) -> Array:
    count = len(stage.frequencies)
    angles = (ctypes.c_uint32 * count)(*(round(frequency * 2**32) for frequency in stage.frequencies))
    call(f"batch_tones_{_KIND[dtype]}", angles, count, _shape(x), _at(x), _at(out))
    return out


_RUN: dict[type, Callable[[Any, Array, str, Array], Array]] = {
    Iir: _iir,
    Fir: _fir,
    Length: _length,
    Choose: _choose,
    ToFloat: _to_float,
    Emphasis: _emphasis,
    RemoveDc: _remove_dc,
    Centre: _centre,
    Spectrum: _spectrum,
    Goertzel: _goertzel,
}


@lru_cache(maxsize=16)
def _matrix(step: Affine) -> tuple[Array, Array]:
    return np.array(step.weights, np.float32), np.array(step.offset, np.float32)


def _vector_step(step: VectorStep, x: Array) -> Array:
    rows, width = (ctypes.c_int64(size) for size in x.shape)
    if isinstance(step, Affine):
        weights, offset = _matrix(step)
        out = np.empty((len(x), len(offset)), np.float32)
        call(
            "batch_affine",
            _at(weights),
            _at(offset),
            rows,
            width,
            ctypes.c_int64(len(offset)),
            _at(x),
            _at(out),
        )
        return out
    if isinstance(step, ScaleEach):
        centre, scale = (np.array(numbers, np.float32) for numbers in (step.centre, step.scale))
        call("batch_scale_each", _at(centre), _at(scale), rows, width, _at(x))
        return x
    what = NORMS.index(step.norm) if isinstance(step, Normalize) else _LOG1P
    call("batch_vectors", what, rows, width, _at(x))
    return x
