"""Spectra: bins, bands, mel energies, cepstra, single frequencies."""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from milliwatt.errors import MilliwattError
from milliwatt.features.base import StageTransformer
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import INT16
from milliwatt.signal_spectral import spectral

AUTO = "auto"


class _OfFrames(StageTransformer):
    """A transformer of frames of samples, one after the other.

    Subclasses have the parameters n_fft, length, hop and window.
    """

    n_fft: int
    length: int | None
    hop: int | None
    window: str

    def _framed(self, stream: Stream, logarithm: str, **more: Any) -> nodes.Spectrum:
        n_fft = self._int("n_fft")
        length = n_fft if self.length is None else self._int("length")
        if logarithm == AUTO:
            logarithm = nodes.LOG2 if stream.dtype == INT16 else nodes.LINEAR
        if stream.dtype == INT16 and logarithm != nodes.LOG2:
            raise self._wrong(
                f"{logarithm!r} of samples of 16 bits, whose spectra are log2 in 1/256",
                "logarithm",
                "use 'log2' or 'auto'; or put ToFloat() before it",
            )
        hop = length if self.hop is None else self._int("hop")
        # Choices out of a grid may be numpy's texts, which no file holds.
        more = {name: str(value) if isinstance(value, str) else value for name, value in more.items()}
        return nodes.Spectrum(n_fft, length, hop, str(self.window), logarithm=str(logarithm), **more)

    def _prove(self, stage: nodes.Spectrum) -> None:
        try:
            spectral(stage, self.dtype_)
        except MilliwattError as error:
            raise self._wrong(error.problem, str(error.option), error.cure or "change it") from None

    @abstractmethod
    def _labels(self) -> list[str]:
        """Of a channel's values."""

    def _names(self, names: Sequence[str]) -> list[str]:
        if len(names) == 1:
            return self._labels()
        return [f"{label}_{name}" for name in names for label in self._labels()]


class Spectrum(_OfFrames):
    """Power or magnitude of bins or bands of bins, frame by frame: `<milliwatt/spectral.h>`.

    Args:
        n_fft: length of the transform, a power of two from 8 to 4096; frames that are shorter get zeros.
        length: samples of a frame; None: n_fft.
        hop: samples from one frame to the next; None: ``length``, so that frames do not overlap.
        window: boxcar, hann, hamming, blackman, blackmanharris or flattop; periodic.
        quantity: ``power`` or ``magnitude``; int16: power.
        bands: ascending edges; a band holds the bins from one edge on to below the next, and is their sum. In
            hertz if there is a rate, else bins. None: all bins.
        rate: of samples, in hertz.
        logarithm: ``none``, ``ln``, ``db``, ``log2``; ``auto``: none of floats; of int16 log2 in 1/256 of
            powers in units of full scale.
        floor: what is less counts as that before a logarithm.
        shape: some of ``peak``, ``centroid``, ``rolloff``: bins, that follow the values; int16: in 1/8 the
            centroid.
        rolloff: the share of all power that lies up to the rolloff.
        values: False: ``shape`` alone.
        centre: takes each frame's mean off first.
    """

    def __init__(
        self,
        n_fft: int = 256,
        length: int | None = None,
        hop: int | None = None,
        window: str = "hann",
        quantity: str = "power",
        bands: Any = None,
        rate: float | None = None,
        logarithm: str = AUTO,
        floor: float = 1e-10,
        shape: Sequence[str] = (),
        rolloff: float = 0.85,
        values: bool = True,
        centre: bool = False,
    ) -> None:
        self.n_fft = n_fft
        self.length = length
        self.hop = hop
        self.window = window
        self.quantity = quantity
        self.bands = bands
        self.rate = rate
        self.logarithm = logarithm
        self.floor = floor
        self.shape = shape
        self.rolloff = rolloff
        self.values = values
        self.centre = centre

    def _stage(self, stream: Stream) -> nodes.Spectrum:
        kind = nodes.NOTHING if not self.values else nodes.BINS if self.bands is None else nodes.BANDS
        return self._framed(
            stream,
            self.logarithm,
            quantity=self.quantity,
            values=kind,
            floor=self._float("floor"),
            shape=tuple(map(str, self.shape)),
            rolloff=self._float("rolloff"),
            edges=self._edges() if kind == nodes.BANDS else (),
            centre=bool(self.centre),
        )

    def _edges(self) -> tuple[int, ...]:
        """Of bands, in bins."""
        edges = self._bins()
        empty = [index for index, (low, high) in enumerate(pairwise(edges)) if low >= high]
        if len(edges) < 2 or empty:
            raise self._wrong(
                f"band {empty[0]} holds no bin" if empty else "one edge makes no band",
                "bands",
                "give ascending edges, further apart, or a longer n_fft",
            )
        return edges

    def _bins(self) -> tuple[int, ...]:
        if self.rate is None:
            return self._ints("bands", cure="bins are whole numbers; give rate= for edges in hertz")
        rate, n_fft, edges = self._float("rate"), self._int("n_fft"), self._floats("bands")
        if any(not 0 <= edge <= rate / 2 for edge in edges):
            raise self._wrong(
                f"edges outside 0 to {rate / 2:g} Hz", "bands", "give edges up to half of the rate"
            )
        # The half of the rate itself closes a band; just above what rounding does to whole bins.
        return tuple(
            n_fft // 2 + 1 if edge == rate / 2 else math.ceil(edge * n_fft / rate - 1e-9) for edge in edges
        )

    def _labels(self) -> list[str]:
        if not self.values:
            return list(self.shape)
        if self.bands is None:
            return [*(f"bin{i}" for i in range(self.n_fft // 2 + 1)), *self.shape]
        return [*(f"band{i}" for i in range(len(self.bands) - 1)), *self.shape]


class MelSpectrogram(_OfFrames):
    """Energies of mel bands, frame by frame; filters as ``librosa.filters.mel`` makes them.

    Args:
        rate: of samples, in hertz.
        n_fft, length, hop, window, centre, floor: as of :class:`Spectrum`; hop None: half of ``length``.
        n_mels: bands.
        fmin, fmax: in hertz; None: half of the rate.
        scale: ``slaney`` or ``htk``.
        norm: ``slaney``: bands are divided by their widths; ``none``.
        quantity: ``power`` or ``magnitude``; int16: power.
        logarithm: ``log2``, ``ln``, ``db`` or ``none``; int16: ``log2``, in 1/256.
    """

    _kind = nodes.MEL
    _label = "mel"

    def __init__(
        self,
        rate: float,
        n_fft: int = 512,
        length: int | None = None,
        hop: int | None = None,
        n_mels: int = 40,
        fmin: float = 0.0,
        fmax: float | None = None,
        scale: str = "slaney",
        norm: str = "slaney",
        window: str = "hann",
        quantity: str = "power",
        logarithm: str = "log2",
        floor: float = 1e-10,
        centre: bool = False,
    ) -> None:
        self.rate = rate
        self.n_fft = n_fft
        self.length = length
        self.hop = hop
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.scale = scale
        self.norm = norm
        self.window = window
        self.quantity = quantity
        self.logarithm = logarithm
        self.floor = floor
        self.centre = centre

    def _mel(self, stream: Stream, **more: Any) -> nodes.Spectrum:
        framed = self._framed(
            stream,
            self.logarithm,
            quantity=self.quantity,
            values=self._kind,
            floor=self._float("floor"),
            rate=self._float("rate"),
            n_mels=self._int("n_mels"),
            fmin=self._float("fmin"),
            fmax=self._float("rate") / 2 if self.fmax is None else self._float("fmax"),
            mel_scale=self.scale,
            mel_norm=self.norm,
            centre=bool(self.centre),
            **more,
        )
        if self.hop is not None:
            return framed
        return dataclasses.replace(framed, hop=max(framed.length // 2, 1))

    def _stage(self, stream: Stream) -> nodes.Spectrum:
        return self._mel(stream)

    def _labels(self) -> list[str]:
        return [f"mel{i}" for i in range(int(self.n_mels))]


class MFCC(MelSpectrogram):
    """Cepstral coefficients: the cosine transform of the logarithms of mel energies.

    Args:
        n_mfcc: how many coefficients, from 0 on.
        cepstrum_norm: ``ortho`` and ``none`` as in ``scipy.fft.dct``; ``htk``.
        lifter: as of ``librosa.feature.mfcc``; 0: none.
        the others: as of :class:`MelSpectrogram`; int16: coefficients of log2 in 1/64.
    """

    _kind = nodes.CEPSTRUM

    def __init__(
        self,
        rate: float,
        n_mfcc: int = 13,
        n_fft: int = 512,
        length: int | None = None,
        hop: int | None = None,
        n_mels: int = 40,
        fmin: float = 0.0,
        fmax: float | None = None,
        scale: str = "slaney",
        norm: str = "slaney",
        window: str = "hann",
        quantity: str = "power",
        logarithm: str = "log2",
        floor: float = 1e-10,
        centre: bool = False,
        cepstrum_norm: str = "ortho",
        lifter: float = 0.0,
    ) -> None:
        super().__init__(
            rate, n_fft, length, hop, n_mels, fmin, fmax, scale, norm, window, quantity, logarithm, floor,
            centre,
        )  # fmt: skip
        self.n_mfcc = n_mfcc
        self.cepstrum_norm = cepstrum_norm
        self.lifter = lifter

    def _stage(self, stream: Stream) -> nodes.Spectrum:
        return self._mel(
            stream,
            n_cepstrum=self._int("n_mfcc"),
            cepstrum_norm=self.cepstrum_norm,
            lifter=self._float("lifter"),
        )

    def _labels(self) -> list[str]:
        return [f"mfcc{i}" for i in range(int(self.n_mfcc))]


class Goertzel(StageTransformer):
    """Amplitudes at some frequencies over a whole window, without a transform; of windows only.

    Args:
        frequencies: in hertz.
        rate: of samples, in hertz.
    """

    def __init__(self, frequencies: Any, rate: float) -> None:
        self.frequencies = frequencies
        self.rate = rate

    def _stage(self, stream: Stream) -> nodes.Goertzel:
        rate = self._float("rate")
        return nodes.Goertzel(tuple(frequency / rate for frequency in self._floats("frequencies")))

    def _names(self, names: Sequence[str]) -> list[str]:
        labels = [f"{frequency:g}hz" for frequency in self.frequencies]
        if len(names) == 1:
            return labels
        return [f"{label}_{name}" for name in names for label in labels]
