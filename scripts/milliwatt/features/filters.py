"""Filters of streams: recursive ones, finite ones, and what comes before spectra."""

from __future__ import annotations

import importlib
from typing import Any

from milliwatt import filters
from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.features.base import StageTransformer
from milliwatt.filters import read_sos
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import INT16

_STARTS = ("settled", "rest")


class IIRFilter(StageTransformer):
    """A cascade of second-order sections, on each channel alike: `<milliwatt/iir.h>`.

    int16 is filtered in 16 bits with error feedback, scaled so that nothing inside overflows; floats in
    float32.

    Args:
        sos: rows b0, b1, b2, a0 = 1, a1, a2, as ``scipy.signal`` designs them with ``output='sos'``.
        start: ``settled``: as if all samples before had been the first one, so that a high-pass does not take
            gravity for a step; ``rest``: as if they had been 0.
        rate: of samples in hertz, if known: other steps are checked against it.
    """

    def __init__(self, sos: Any, start: str = "settled", rate: float | None = None) -> None:
        self.sos = sos
        self.start = start
        self.rate = rate

    @classmethod
    def butter(
        cls, order: int, cutoff: Any, rate: float, kind: str = "lowpass", start: str = "settled"
    ) -> IIRFilter:
        """A Butterworth filter by ``scipy.signal.butter``.

        Args:
            cutoff: in hertz; of band-passes and band-stops a pair.
            kind: ``lowpass``, ``highpass``, ``bandpass`` or ``bandstop``.

        Raises:
            ToolMissingError: scipy is not installed.
            MilliwattError: no such filter, or a cutoff that is not between 0 and half of the rate.
        """
        try:
            signal = importlib.import_module("scipy.signal")
        except ModuleNotFoundError:
            raise ToolMissingError("scipy designs filters", cure="pip install scipy") from None
        try:
            sos = signal.butter(order, cutoff, kind, output="sos", fs=rate)
        except (TypeError, ValueError) as error:
            raise MilliwattError(
                f"scipy.signal.butter: {error}",
                option=f"{cls.__name__}.butter({order!r}, {cutoff!r}, rate={rate!r}, kind={kind!r})",
                cure="give a cutoff between 0 and half of the rate, two of them for bandpass and bandstop",
            ) from None
        return cls(sos, start, rate)

    def _stage(self, stream: Stream) -> nodes.Iir:
        if self.start not in _STARTS:
            raise self._wrong(
                f"{self.start!r} is not possible", "start", f"choose one of {', '.join(_STARTS)}"
            )
        try:
            sections = tuple(tuple(float(value) for value in section) for section in read_sos(self.sos))
        except (TypeError, ValueError):
            raise self._wrong(
                f"{self.sos!r} is not possible", "sos", "give what scipy.signal designs with output='sos'"
            ) from None
        settled = self.start == "settled"
        if stream.dtype != INT16:
            return nodes.Iir(sections, settled)
        found = filters.iir_q15(self.sos)
        return nodes.Iir(sections, settled, tuple(section.row for section in found.sections), found.out_shift)


class FIRFilter(StageTransformer):
    """A filter with a finite impulse response, on each channel alike, with decimation: `<milliwatt/fir.h>`.

    ``scipy.signal.upfirdn(taps, x, 1, decimation)``, as far as samples go: the first result is that of the
    first sample, as if all before had been 0.

    Args:
        taps: as ``scipy.signal.firwin`` designs them.
        decimation: keeps one of so many results.
        rate: of the samples it takes, in hertz, if known.
    """

    def __init__(self, taps: Any, decimation: int = 1, rate: float | None = None) -> None:
        self.taps = taps
        self.decimation = decimation
        self.rate = rate

    def _stage(self, stream: Stream) -> nodes.Fir:
        taps, decimation = self._floats("taps"), self._int("decimation")
        if stream.dtype != INT16:
            return nodes.Fir(taps, decimation)
        found = filters.fir_q15(taps, decimation)
        return nodes.Fir(taps, decimation, found.taps, found.shift)


class PreEmphasis(StageTransformer):
    """``x[n] - factor * x[n - 1]`` ("The HTK Book", 5.2); before the first sample stands that sample itself.

    Args:
        factor: 0 to less than 1; 0.97 is usual for speech.
    """

    def __init__(self, factor: float = 0.97) -> None:
        self.factor = factor

    def _stage(self, stream: Stream) -> nodes.Emphasis:
        return nodes.Emphasis(self._float("factor"))


class RemoveDC(StageTransformer):
    """Takes a running mean away: a high-pass of first order, -3 dB at about ``rate / (2 pi 2**shift)``.

    The mean begins at 0.

    Args:
        shift: the mean follows by 2**-shift of the distance with each sample; 1 to 14.
    """

    def __init__(self, shift: int = 8) -> None:
        self.shift = shift

    def _stage(self, stream: Stream) -> nodes.RemoveDc:
        shift = self._int("shift")
        if not 1 <= shift <= 14:
            raise self._wrong(f"{shift} is not possible", "shift", "give 1 to 14")
        if stream.dtype == INT16:
            return nodes.RemoveDc(shift=shift)
        return nodes.RemoveDc(share=2.0**-shift)


class Centre(StageTransformer):
    """Takes the mean of a window from each of its samples, on each channel; of windows only."""

    def _stage(self, stream: Stream) -> nodes.Centre:
        return nodes.Centre()
