"""Checks of single stages: their settings, and that they suit the stream that they are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import MilliwattError
from milliwatt.filters import SectionQ15, check_q15
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import INT16, Spectrum, Stage
from milliwatt.ir.validate import fail
from milliwatt.signal_mel import mel_bank

MAX_TAPS = 32_767


def check_stage(stage: Stage, stream: Stream, frames: int | None) -> None:
    """Refuse a stage that cannot run on a stream.

    Args:
        frames: of a window, all of which the stage is given; None: a stream without end.

    Raises:
        ModelFileError: names the field.
    """
    if frames is None and isinstance(stage, nodes.Centre | nodes.Goertzel):
        raise fail("it needs a whole window, and stands before the windows are cut")
    _CHECKS[type(stage)](stage, stream)
    if frames is not None and isinstance(stage, Spectrum) and frames < stage.length:
        raise fail(f"a window of {frames} frames is shorter than {stage.length}", "length")


def _iir(stage: nodes.Iir, stream: Stream) -> None:
    if not 1 <= len(stage.sections) <= 255 or any(len(row) != 5 for row in stage.sections):
        raise fail("not 1 to 255 sections of 5 coefficients", "sections")
    _finite([value for row in stage.sections for value in row], "sections")
    if (stream.dtype == INT16) != bool(stage.integers):
        raise fail("integers are for samples of 16 bits, which cannot do without", "integers")
    if not stage.integers:
        return
    if len(stage.integers) != len(stage.sections) or any(len(row) != 12 for row in stage.integers):
        raise fail("not a row of 12 numbers for each section", "integers")
    for row in stage.integers:
        _bits(row[:5], 16, "integers")
        _bits(row[5:7], 8, "integers")
        _bits(row[9:11], 32, "integers")
        check_range(row[11], 0, 1 if row[8] == 0 else 0, "integers")
        check_range(row[7], 0, 31, "integers")
        check_range(row[8], 0, 31, "integers")
    check_range(stage.out_shift, 1, 31, "out_shift")
    try:
        check_q15(tuple(map(SectionQ15.of_row, stage.integers)), stage.out_shift)
    except MilliwattError as error:
        raise fail(f"{error.option}: {error.problem}", "integers") from None


def _fir(stage: nodes.Fir, stream: Stream) -> None:
    check_range(len(stage.taps), 1, MAX_TAPS, "taps")
    check_range(stage.decimation, 1, MAX_TAPS, "decimation")
    _finite(stage.taps, "taps")
    if (stream.dtype == INT16) != bool(stage.integers):
        raise fail("integers are for samples of 16 bits, which cannot do without", "integers")
    if not stage.integers:
        return
    if len(stage.integers) != len(stage.taps):
        raise fail("not as many as taps", "integers")
    _bits(stage.integers, 16, "integers")
    check_range(stage.shift, 0, 31, "shift")
    if sum(map(abs, stage.integers)) * 32768 + ((1 << stage.shift) >> 1) >= 1 << 31:
        raise fail("sums of 32 bits would overflow", "integers")


def _length(stage: nodes.Length, stream: Stream) -> None:
    if len(stage.channels) not in (2, 3):
        raise fail("the length of a vector takes two or three channels", "channels")
    _choose(stage, stream)


def _choose(stage: nodes.Choose | nodes.Length, stream: Stream) -> None:
    if not stage.channels or any(not 0 <= channel < stream.channels for channel in stage.channels):
        raise fail(f"not some of channels 0 to {stream.channels - 1}", "channels")
    if len(set(stage.channels)) != len(stage.channels):
        raise fail("a channel is there twice", "channels")


def _to_float(stage: nodes.ToFloat, stream: Stream) -> None:
    if stream.dtype != INT16:
        raise fail("the samples are floats already")
    if not 0.0 < abs(stage.scale) <= FLOAT32_MAX / 32768:
        raise fail("0, or too large", "scale")


def _emphasis(stage: nodes.Emphasis, stream: Stream) -> None:
    if not 0.0 <= stage.factor <= 1.0 or (stream.dtype == INT16 and round(stage.factor * 32768) > 32767):
        raise fail("not from 0 to less than 1", "factor")


def _remove_dc(stage: nodes.RemoveDc, stream: Stream) -> None:
    if stream.dtype == INT16:
        check_range(stage.shift, 1, 14, "shift")
    elif not 0.0 < stage.share < 1.0:
        raise fail("not more than 0 and less than 1", "share")


def _centre(stage: nodes.Centre, stream: Stream) -> None:
    """Nothing can be wrong with it."""


def _goertzel(stage: nodes.Goertzel, stream: Stream) -> None:
    check_range(len(stage.frequencies), 1, 255, "frequencies")
    if not all(0.0 <= frequency <= 0.5 for frequency in stage.frequencies):
        raise fail("not from 0 to 0.5 of the sample rate", "frequencies")


def _spectrum(stage: Spectrum, stream: Stream) -> None:
    if stage.n_fft not in [1 << k for k in range(3, 13)]:
        raise fail("not a power of two from 8 to 4096", "n_fft")
    check_range(stage.length, 1, stage.n_fft, "length")
    check_range(stage.hop, 1, 65_535, "hop")
    for name, known in _CHOICES.items():
        if getattr(stage, name) not in known:
            raise fail(f"{getattr(stage, name)!r} is none of {', '.join(known)}", name)
    if len(set(stage.shape)) != len(stage.shape) or not set(stage.shape) <= set(nodes.SPECTRAL_SHAPES):
        raise fail(f"not some of {', '.join(nodes.SPECTRAL_SHAPES)}", "shape")
    if stage.values == nodes.NOTHING and not stage.shape:
        raise fail("no values, and no shape either", "values")
    if stage.logarithm != nodes.LINEAR and not 0.0 < stage.floor <= FLOAT32_MAX:
        raise fail("not more than 0", "floor")
    if not 0.0 <= stage.rolloff <= 1.0:
        raise fail("not from 0 to 1", "rolloff")
    if stage.values in _VALUES:
        _VALUES[stage.values](stage, stream)
    if stream.dtype == INT16 and (stage.quantity, stage.logarithm) != (nodes.POWER, nodes.LOG2):
        raise fail("samples of 16 bits give log2 of powers", "logarithm")
    check_chosen(stage.chosen, stage.n_all, "chosen")


def _bands(stage: Spectrum, stream: Stream) -> None:
    edges = list(stage.edges)
    if len(edges) < 2 or edges != sorted(edges) or edges[0] < 0 or edges[-1] > stage.n_bins:
        raise fail(f"not two or more ascending bins up to {stage.n_bins}", "edges")


def _mel(stage: Spectrum, stream: Stream) -> None:
    check_range(stage.n_mels, 1, stage.n_bins, "n_mels")
    if not 0.0 < stage.rate <= FLOAT32_MAX:
        raise fail("not a sample rate in hertz", "rate")
    try:
        mel_bank(
            stage.rate, stage.n_fft, stage.n_mels, fmin=stage.fmin, fmax=stage.fmax, scale=stage.mel_scale,
            norm=stage.mel_norm,
        )  # fmt: skip
    except MilliwattError as error:
        raise fail(error.problem, _OF_BANKS.get(str(error.option), error.option)) from None


def _cepstrum(stage: Spectrum, stream: Stream) -> None:
    _mel(stage, stream)
    if stage.logarithm == nodes.LINEAR:
        raise fail("cepstra are of logarithms", "logarithm")
    check_range(stage.n_cepstrum, 1, stage.n_mels, "n_cepstrum")
    if stage.cepstrum_norm not in ("ortho", "none", "htk"):
        raise fail(f"unknown norm {stage.cepstrum_norm!r}", "cepstrum_norm")
    if not 0.0 <= stage.lifter <= 1e6:
        raise fail("not a number >= 0", "lifter")


_CHOICES = {
    "window": nodes.WINDOWS,
    "quantity": nodes.QUANTITIES,
    "values": nodes.VALUES,
    "logarithm": nodes.LOGARITHMS,
}
_OF_BANKS = {"scale": "mel_scale", "norm": "mel_norm"}
_VALUES: dict[str, Callable[[Spectrum, Stream], None]] = {
    nodes.BANDS: _bands,
    nodes.MEL: _mel,
    nodes.CEPSTRUM: _cepstrum,
}
_CHECKS: dict[type, Callable[[Any, Stream], None]] = {
    nodes.Iir: _iir,
    nodes.Fir: _fir,
    nodes.Length: _length,
    nodes.Choose: _choose,
    nodes.ToFloat: _to_float,
    nodes.Emphasis: _emphasis,
    nodes.RemoveDc: _remove_dc,
    nodes.Centre: _centre,
    nodes.Goertzel: _goertzel,
    Spectrum: _spectrum,
}


def _finite(values: Sequence[float], where: str) -> None:
    if not all(math.isfinite(value) and abs(value) <= FLOAT32_MAX for value in values):
        raise fail("a number is no float32", where)


def _bits(values: Sequence[int], bits: int, where: str) -> None:
    for value in values:
        check_range(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1, where)


def check_range(value: int, low: int, high: int, where: str) -> None:
    """Refuse a number that is not from ``low`` to ``high``."""
    if not low <= value <= high:
        raise fail(f"{value}; {low} to {high} is possible", where)


def check_chosen(chosen: Sequence[int], count: int, where: str) -> None:
    """Refuse a choice out of ``count`` that is not ascending."""
    found = list(chosen)
    if found != sorted(set(found)) or any(not 0 <= index < count for index in found):
        raise fail(f"not ascending indices below {count}", where)
