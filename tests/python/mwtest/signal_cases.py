"""Models that take raw samples: stages built by hand, and random chains of them."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError
from milliwatt.filters import fir_q15, iir_q15
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.signal_shapes import (
    Stream,
    branch_shape,
    branch_width,
    feature_type,
    n_features,
    n_numbers,
    raw_frames,
    stream_after,
)
from milliwatt.ir.signals import (
    FLOAT,
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
    VectorStep,
)
from milliwatt.ir.time_features import TIME_FEATURES, problem_with
from milliwatt.ir.validate_signals import check_signals
from milliwatt.passes import prune
from mwtest.models import Spec, build


@cache
def iir(dtype: str, kind: str = "lowpass", order: int = 4, low: float = 0.3, settled: bool = True) -> Iir:
    """A Butterworth filter; ``low`` of Nyquist 1."""
    band = [low, min(0.95, low + 0.3)] if kind == "bandpass" else low
    sos = scipy.signal.butter(order, band, kind, output="sos").tolist()
    sections = tuple((*row[:3], *row[4:]) for row in sos)
    if dtype == FLOAT:
        return Iir(sections, settled)
    made = iir_q15(sos)
    return Iir(sections, settled, tuple(s.row for s in made.sections), made.out_shift)


@cache
def fir(dtype: str, n_taps: int = 9, decimation: int = 1) -> Fir:
    """A low-pass."""
    taps = tuple(scipy.signal.firwin(n_taps, 0.8 / max(decimation, 2)).tolist()) if n_taps > 1 else (0.5,)
    if dtype == FLOAT:
        return Fir(taps, decimation)
    made = fir_q15(taps, decimation)
    return Fir(taps, decimation, made.taps, made.shift)


def remove_dc(dtype: str) -> RemoveDc:
    return RemoveDc(shift=5) if dtype == INT16 else RemoveDc(share=1 / 32)


def spectrum(dtype: str, n_fft: int = 16, length: int = 12, hop: int = 5, **given: object) -> Spectrum:
    """A spectrum with what its type asks for."""
    fixed: dict[str, object] = (
        {"quantity": "power", "logarithm": "log2", "floor": 1e-9} if dtype == INT16 else {}
    )
    mels = {"rate": 16000.0, "n_mels": 4, "fmin": 200.0, "fmax": 8000.0, "mel_scale": "htk"}
    if given.get("values") in ("mel", "cepstrum"):
        fixed |= mels
    if given.get("values") == "cepstrum":
        fixed |= {"logarithm": "log2" if dtype == INT16 else "ln", "n_cepstrum": 3, "lifter": 4.0}
    return Spectrum(n_fft, length, hop, **{**fixed, **given})  # type: ignore[arg-type]


def model_of(signals: Signals, name: str = "m", *, dtype: str = "", task: str = "classifier") -> TreeEnsemble:
    """A small model for the features."""
    made = dtype or feature_type(signals)
    spec = Spec(1, dtype=made, task=task, n_features=n_features(signals), n_outputs=3, n_splits=6, n_trees=2)
    check_signals(signals, n_features(signals), made)
    model = prune(build(spec))  # compilers warn of tests that have one outcome only
    return dataclasses.replace(model, signals=signals, name=name, check_nan=False)


def recording(signals: Signals, frames: int, seed: int = 0) -> NDArray[np.generic]:
    """Tones, a constant, steps and noise; of 16 bits some at full scale."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    speed = rng.uniform(0.01, 0.4, (1, signals.channels))
    x = np.sin(2 * np.pi * speed * t) * 0.4 + rng.normal(size=(1, signals.channels)) * 0.1
    x += rng.normal(size=(frames, signals.channels)) * 0.05 + 0.2 * (t // 17 % 2)
    if signals.dtype == INT16:
        return np.clip(np.rint(x * 32768 * rng.choice([0.01, 0.3, 1.5])), -32768, 32767).astype(np.int16)
    return (x * rng.choice([1e-3, 1.0, 100.0])).astype(np.float32)


def all_features(dtype: str, channels: int) -> tuple[TimeFeature, ...]:
    """Every time feature that there is of this type, of each channel, those of several of the first ones."""
    found = []
    for name, known in TIME_FEATURES.items():
        argument = {"level": 100.0, "threshold": 3.0, "per mille": 333.0}.get(known.argument, 0.0)
        places = [(c,) for c in range(channels)] if known.channels == 1 else [tuple(range(known.channels))]
        for channel in places:
            feature = TimeFeature(name, channel, argument)
            if not problem_with(feature, dtype, channels, 40):
                found.append(feature)
    return tuple(found)


# -- random chains ---------------------------------------------------------------------------------


class NothingToChooseError(Exception):
    """A window has no frames, or no feature fits it."""


class Chains:
    """Random signals; the same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def signals(self) -> Signals:
        """Such as validation lets through."""
        for _ in range(200):
            try:
                made = self._signals()
                check_signals(made, n_features(made), feature_type(made))
            except (MilliwattError, NothingToChooseError):
                continue
            if n_features(made) <= 200:
                return made
        raise AssertionError("no random signals are valid")

    def _signals(self) -> Signals:
        rng = self.rng
        dtype, channels = rng.choice([INT16, FLOAT]), rng.choice([1, 1, 2, 3, 3, 7])
        before = Stream(dtype, channels)
        stages, stream = self._stages(rng.choice([0, 1, 1, 2, 3]), before, windows=False)
        length = rng.choice([1, 2, 7, 16, 33])
        hop = rng.choice([1, 2, 5, length, length + 4])
        branches = tuple(self._branch(stream, length) for _ in range(rng.choice([1, 1, 2, 3])))
        plain = Signals(dtype, channels, length, hop, branches, stages)
        if rng.random() < 0.25:
            first, _ = raw(plain)
            plain = dataclasses.replace(plain, hop=length, restart=first + rng.choice([0, 0, 3, 40]))
        if feature_type(plain) == FLOAT and rng.random() < 0.4:
            plain = dataclasses.replace(plain, steps=self._steps(n_numbers(plain)))
        if rng.random() < 0.3:
            some = sorted(rng.sample(range(n_features(plain)), rng.randint(1, n_features(plain))))
            plain = dataclasses.replace(plain, chosen=tuple(some))
        return plain

    def _stages(self, count: int, before: Stream, *, windows: bool) -> tuple[tuple[Stage, ...], Stream]:
        stages: list[Stage] = []
        for _ in range(count):
            stage = self._stage(before, windows=windows)
            stages.append(stage)
            before = stream_after(stage, before)
        return tuple(stages), before

    def _stage(self, before: Stream, *, windows: bool) -> Stage:
        rng, dtype, channels = self.rng, before.dtype, before.channels
        some = rng.sample(range(channels), rng.randint(1, channels))
        length = rng.choice([3, 8, 12, 16])
        known: list[Stage] = [
            iir(dtype, rng.choice(["lowpass", "highpass"]), rng.choice([2, 4]), 0.3, rng.random() < 0.7),
            fir(dtype, rng.choice([1, 4, 9, 40]), rng.choice([1, 1, 2, 3])),
            Choose(tuple(some)),
            Length(tuple(some[:3]), rng.random() < 0.5),
            Emphasis(rng.choice([0.97, 0.5])),
            remove_dc(dtype),
            self._spectrum(dtype, length),
        ]
        if dtype == INT16:
            known += [ToFloat(rng.choice([1.0, 1 / 32768]))] * 2
        if windows:
            known += [Centre(), Goertzel(tuple(rng.random() / 2 for _ in range(rng.randint(1, 3))))]
        return rng.choice(known)

    def _spectrum(self, dtype: str, length: int) -> Spectrum:
        rng = self.rng
        given: dict[str, object] = {
            "values": rng.choice(["bins", "bands", "mel", "cepstrum", "none"]),
            "window": rng.choice(["boxcar", "hann", "flattop"]),
            "edges": (0, 1, 3, 3, 9),
            "shape": tuple(rng.sample(["peak", "centroid", "rolloff"], rng.randint(0, 3))),
            "centre": rng.random() < 0.5,
        }
        if dtype == FLOAT and given["values"] != "cepstrum":
            given["logarithm"] = rng.choice(["none", "ln", "db", "log2"])
            given["quantity"] = rng.choice(["power", "magnitude"])
        if given["values"] == "none":
            given["shape"] = ("peak", "rolloff")
        made = spectrum(dtype, 16, length, rng.choice([1, 5, length, length + 3]), **given)
        if rng.random() < 0.4 and made.n_all:
            some = sorted(rng.sample(range(made.n_all), rng.randint(1, made.n_all)))
            made = dataclasses.replace(made, chosen=tuple(some))
        return made

    def _branch(self, before: Stream, length: int) -> Branch:
        rng = self.rng
        stages, stream = self._stages(rng.choice([0, 0, 1, 2]), before, windows=True)
        stream, frames = branch_shape(Branch(stages), before, length)
        if frames < 1:
            raise NothingToChooseError
        if rng.random() < 0.3:
            width = branch_width(Branch(stages), before, length)
            if width < 1:
                raise NothingToChooseError
            if rng.random() < 0.5:
                return Branch(stages)
            return Branch(stages, (), tuple(sorted(rng.sample(range(width), rng.randint(1, width)))))
        known = [f for f in all_features(stream.dtype, min(stream.channels, 4)) if _fits(f, stream, frames)]
        if not known:
            raise NothingToChooseError
        return Branch(stages, tuple(rng.sample(known, rng.randint(1, min(9, len(known))))))

    def _steps(self, width: int) -> tuple[VectorStep, ...]:
        rng = self.rng
        steps: list[VectorStep] = []
        for kind in rng.sample(["affine", "normalize", "log1p", "affine", "scale"], rng.randint(1, 3)):
            if kind == "normalize":
                steps.append(Normalize(rng.choice(["l1", "l2", "max"])))
            elif kind == "log1p":
                steps.append(Log1p())
            elif kind == "scale":
                centre = tuple(rng.uniform(-100, 100) for _ in range(width))
                steps.append(ScaleEach(centre, tuple(rng.uniform(0.5, 100) for _ in range(width))))
            else:
                out = rng.randint(1, 5)
                weights = tuple(tuple(rng.uniform(-1, 1) for _ in range(out)) for _ in range(width))
                steps.append(Affine(weights, tuple(rng.uniform(-1, 1) for _ in range(out))))
                width = out
        return tuple(steps)


def _fits(feature: TimeFeature, stream: Stream, frames: int) -> bool:
    return not problem_with(feature, stream.dtype, stream.channels, frames)


def raw(signals: Signals) -> tuple[int, int]:
    """Raw frames until the first window, and from one to the next."""
    return raw_frames(signals)


def chains(seeds: Sequence[int]) -> list[Signals]:
    """One for each seed."""
    return [Chains(seed).signals() for seed in seeds]
