"""Signals in float64 by numpy and scipy alone: what features should be, but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import scipy.fft
import scipy.signal
import scipy.stats
from numpy.typing import NDArray

from milliwatt.ir.signals import (
    INT16,
    Affine,
    Branch,
    Centre,
    Choose,
    Emphasis,
    Fir,
    Goertzel,
    Iir,
    Length,
    Log1p,
    Normalize,
    RemoveDc,
    ScaleEach,
    Signals,
    Spectrum,
    Stage,
    TimeFeature,
    ToFloat,
)
from milliwatt.ir.time_features import TIME_FEATURES
from milliwatt.signal_mel import mel_bank

Array: TypeAlias = NDArray[np.float64]


def reference(signals: Signals, recording: NDArray[Any]) -> Array:
    """Features of all windows, (windows, features)."""
    x = recording.astype(np.float64)
    if not signals.restart:
        return _features(signals, x)
    parts = [x[at : at + signals.restart] for at in range(0, len(x), signals.restart)]
    return np.concatenate([_features(signals, part)[:1] for part in parts])


def _features(signals: Signals, x: Array) -> Array:
    is_integer = signals.dtype == INT16
    for stage in signals.stages:
        x, is_integer = run(stage, x, is_integer), is_integer and not isinstance(stage, ToFloat)
    rows = []
    for at in range(0, len(x) - signals.length + 1, signals.hop):
        window = x[at : at + signals.length]
        numbers = np.concatenate([_branch(branch, window, is_integer) for branch in signals.branches])
        for step in signals.steps:
            numbers = _step(step, numbers)
        rows.append(numbers[list(signals.chosen)] if signals.chosen else numbers)
    return np.array(rows)


def _branch(branch: Branch, window: Array, is_integer: bool) -> Array:
    for stage in branch.stages:
        window = run(stage, window, is_integer)
        is_integer = is_integer and not isinstance(stage, ToFloat)
    if branch.features:
        return np.array([feature(one, window, is_integer) for one in branch.features])
    flat = window.reshape(-1)
    return flat[list(branch.chosen)] if branch.chosen else flat


# -- stages ----------------------------------------------------------------------------------------


def run(stage: Stage, x: Array, is_integer: bool) -> Array:
    """A stage on frames."""
    match stage:
        case Iir():
            sos = np.array([[*row[:3], 1.0, *row[3:]] for row in stage.sections])
            start = scipy.signal.sosfilt_zi(sos)[:, :, None] * (x[0] if stage.settled else 0 * x[0])
            return np.asarray(scipy.signal.sosfilt(sos, x, axis=0, zi=start)[0])
        case Fir():
            return np.asarray(scipy.signal.lfilter(stage.taps, 1.0, x, axis=0)[:: stage.decimation])
        case Length():
            length = np.sqrt((x[:, list(stage.channels)] ** 2).sum(axis=1, keepdims=True))
            length = np.minimum(length, 32767) if is_integer else length
            return np.hstack([x, length]) if stage.keep else length
        case Choose():
            return x[:, list(stage.channels)]
        case ToFloat():
            return x * stage.scale
        case Emphasis():
            return x - stage.factor * np.vstack([x[:1], x[:-1]])
        case RemoveDc():
            share = 2.0**-stage.shift if is_integer else stage.share
            return x - scipy.signal.lfilter([share], [1.0, share - 1.0], x, axis=0)
        case Centre():
            return x - x.mean(axis=0)
        case Goertzel():
            t = np.arange(len(x))
            waves = np.exp(-2j * np.pi * np.outer(stage.frequencies, t))
            return (2 / len(x) * np.abs(waves @ x)).T.reshape(1, -1)
        case Spectrum():
            return _spectra(stage, x, is_integer)


def _spectra(stage: Spectrum, x: Array, is_integer: bool) -> Array:
    starts = range(0, len(x) - stage.length + 1, stage.hop)
    windows = (x[at : at + stage.length].T for at in starts)
    return np.array([np.hstack([_spectrum(stage, channel, is_integer) for channel in w]) for w in windows])


def _spectrum(stage: Spectrum, x: Array, is_integer: bool) -> Array:
    x = x / 32768 if is_integer else x
    x = x - x.mean() if stage.centre else x
    bins = np.abs(np.fft.rfft(x * scipy.signal.get_window(stage.window, stage.length), stage.n_fft))
    seen = bins**2 if stage.quantity == "power" else bins
    values = _values(stage, seen)
    values = _logarithm(stage, values) * (256 if is_integer else 1)
    if stage.values == "cepstrum":
        values = _cepstrum(stage, values) / (4 if is_integer else 1)
    shape = [
        _shape(stage, name, seen) * (8 if is_integer and name == "centroid" else 1) for name in stage.shape
    ]
    found = np.concatenate([values, shape])
    return found[list(stage.chosen)] if stage.chosen else found


def _values(stage: Spectrum, seen: Array) -> Array:
    if stage.values == "bins":
        return seen
    if stage.values == "bands":
        return np.array([seen[a:b].sum() for a, b in zip(stage.edges, stage.edges[1:], strict=False)])
    if stage.values == "none":
        return np.empty(0)
    bank = mel_bank(stage.rate, stage.n_fft, stage.n_mels, fmin=stage.fmin, fmax=stage.fmax,
                    scale=stage.mel_scale, norm=stage.mel_norm)  # fmt: skip
    return np.array(bank.weights()) @ seen


def _logarithm(stage: Spectrum, values: Array) -> Array:
    if stage.logarithm == "none":
        return values
    log = np.log2(np.maximum(values, stage.floor))
    decibels = 10 if stage.quantity == "power" else 20
    return log * {"log2": 1.0, "ln": np.log(2), "db": decibels * np.log10(2)}[stage.logarithm]


def _cepstrum(stage: Spectrum, values: Array) -> Array:
    found = np.asarray(scipy.fft.dct(values, norm="ortho"))[: stage.n_cepstrum]
    if stage.lifter:
        found = found * (1 + stage.lifter / 2 * np.sin(np.pi * np.arange(1, len(found) + 1) / stage.lifter))
    return found


def _shape(stage: Spectrum, name: str, seen: Array) -> float:
    if name == "peak":
        return float(seen.argmax())
    if name == "centroid":
        return float(seen @ np.arange(len(seen)) / seen.sum())
    return float(np.searchsorted(np.cumsum(seen), stage.rolloff * seen.sum()))


# -- features --------------------------------------------------------------------------------------


def _crossings(x: Array, level: float) -> float:
    return float(np.count_nonzero(np.diff(x < level)))


def _turns(x: Array, least: float) -> float:
    before, after = x[1:-1] - x[:-2], x[1:-1] - x[2:]
    is_turn = (before * after > 0) & (np.maximum(np.abs(before), np.abs(after)) > least)
    return float(np.count_nonzero(is_turn))


_ONE: dict[str, Callable[[Array, float], Any]] = {
    "mean": lambda x, a: x.mean(),
    "rms": lambda x, a: np.sqrt((x**2).mean()),
    "energy": lambda x, a: (x**2).sum(),
    "variance": lambda x, a: x.var(),
    "std": lambda x, a: x.std(),
    "skewness": lambda x, a: scipy.stats.skew(x),
    "kurtosis": lambda x, a: scipy.stats.kurtosis(x),
    "min": lambda x, a: x.min(),
    "max": lambda x, a: x.max(),
    "peak_to_peak": lambda x, a: np.ptp(x),
    "abs_mean": lambda x, a: np.abs(x).mean(),
    "zero_crossings": lambda x, a: _crossings(x, 0.0),
    "mean_crossings": lambda x, a: _crossings(x, x.mean()),
    "crossings": _crossings,
    "slope_changes": _turns,
    "waveform_length": lambda x, a: np.abs(np.diff(x)).sum(),
    "jerk": lambda x, a: np.abs(np.diff(x)).mean(),
    "jerk_rms": lambda x, a: np.sqrt((np.diff(x) ** 2).mean()),
    "median": lambda x, a: np.median(x),
    "percentile": lambda x, a: np.percentile(x, a / 10),
    "iqr": lambda x, a: np.percentile(x, 75) - np.percentile(x, 25),
}
_SEVERAL: dict[str, Callable[[Array], Any]] = {
    "correlation": lambda x: np.corrcoef(x.T)[0, 1],
    "covariance": lambda x: np.cov(x.T, ddof=0)[0, 1],
    "magnitude_area": lambda x: np.abs(x).sum(axis=1).mean(),
    "roll": lambda x: np.arctan2(*x.mean(axis=0)[1:]),
    "pitch": lambda x: np.arctan2(-x[:, 0].mean(), np.hypot(*x.mean(axis=0)[1:])),
}


def feature(one: TimeFeature, window: Array, is_integer: bool) -> float:
    """A feature in its units."""
    x = window[:, list(one.channels)]
    value = float(_ONE[one.name](x[:, 0], one.argument) if one.name in _ONE else _SEVERAL[one.name](x))
    known = TIME_FEATURES[one.name]
    if not is_integer:
        return value
    return value * (32768 / np.pi if known.unit == "rad" else known.scale)


def _step(step: object, x: Array) -> Array:
    match step:
        case Affine():
            return np.asarray(x @ np.array(step.weights) + step.offset)
        case ScaleEach():
            return (x - step.centre) / np.array(step.scale)
        case Normalize():
            order = {"l1": 1, "l2": 2, "max": np.inf}[step.norm]
            return np.asarray(x / (np.linalg.norm(x, order) or 1.0))
        case Log1p():
            return np.log1p(x)
    raise AssertionError(step)
