"""Mel filterbanks as the tables of ``<milliwatt/mel.h>``; the filters are those of ``librosa.filters.mel``.

Scales: Slaney, "Auditory Toolbox", Interval Research report 1998-010 (linear up to 1 kHz, then 27 steps to
6.4 kHz); Young et al., "The HTK Book", after O'Shaughnessy (2595 log10(1 + f / 700)).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from milliwatt.c_text import array, float_literal, integer
from milliwatt.errors import MilliwattError

SCALES = ("slaney", "htk")
NORMS = ("slaney", "none")

_HZ_A_MEL = 200.0 / 3.0  # Slaney's, below 1 kHz
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_A_MEL
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: float, scale: str = "slaney") -> float:
    """A frequency on a mel scale."""
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + hz / 700.0)
    if hz < _BREAK_HZ:
        return hz / _HZ_A_MEL
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def mel_to_hz(mel: float, scale: str = "slaney") -> float:
    """The frequency at a place on a mel scale."""
    if scale == "htk":
        return 700.0 * (math.pow(10.0, mel / 2595.0) - 1.0)
    if mel < _BREAK_MEL:
        return mel * _HZ_A_MEL
    return _BREAK_HZ * math.exp(_LOG_STEP * (mel - _BREAK_MEL))


@dataclass(frozen=True)
class MelBank:
    """A filterbank.

    Attributes:
        length: bins of the spectrum, ``n_fft // 2 + 1``.
        first: the first bin between two corners.
        bins: how many bins lie between the first two corners, the next two, ...; one more than filters.
        rises: for each of those bins its weight in the filter that it rises into; in the filter before, it
            weighs one less that.
        scales: what each filter is multiplied by; empty for 1.
        corners: where filters begin, have their centre and end, in Hz: two more than filters.
    """

    length: int
    first: int
    bins: tuple[int, ...]
    rises: tuple[float, ...]
    scales: tuple[float, ...]
    corners: tuple[float, ...]

    @property
    def n_mels(self) -> int:
        """How many filters there are."""
        return len(self.bins) - 1

    def part(self, first: int, end: int) -> MelBank:
        """Filters ``first`` to ``end - 1`` alone; each answers the same bits."""
        before, last = sum(self.bins[:first]), sum(self.bins[: end + 1])
        return MelBank(
            self.length,
            self.first + before,
            self.bins[first : end + 1],
            self.rises[before:last],
            self.scales[first:end],
            self.corners[first : end + 2],
        )

    def weights(self) -> list[list[float]]:
        """The filters as a dense matrix, one row each."""
        rows = [[0.0] * self.length for _ in range(self.n_mels)]
        at = 0
        for gap, bins in enumerate(self.bins):
            for _ in range(bins):
                place, rise = self.first + at, self.rises[at]
                if gap < self.n_mels:
                    rows[gap][place] = rise * self._scale(gap)
                if gap > 0:
                    rows[gap - 1][place] = (1.0 - rise) * self._scale(gap - 1)
                at += 1
        return rows

    def _scale(self, index: int) -> float:
        return self.scales[index] if self.scales else 1.0

    def c_float(self, name: str) -> str:
        """C text: a constant ``mw_mel_float`` and its tables."""
        text = self._c_bins(name) + array("float", f"{name}_rises", map(float_literal, self.rises))
        if self.scales:
            text += array("float", f"{name}_scales", map(float_literal, self.scales))
        return text + self._c_struct("mw_mel_float", name)

    def c_integer(self, name: str) -> str:
        """C text: a constant ``mw_mel_integer`` and its tables."""
        text = self._c_bins(name) + array(
            "uint16_t", f"{name}_rises", (f"{r}U" for r in self.integer_rises())
        )
        if self.scales:
            logarithms = (integer(value, 32) for value in self.integer_scales())
            text += array("int32_t", f"{name}_scales", logarithms)
        return text + self._c_struct("mw_mel_integer", name)

    def integer_rises(self) -> list[int]:
        """The weights in 1/65536."""
        return [min(65535, math.floor(rise * 65536.0 + 0.5)) for rise in self.rises]

    def integer_scales(self) -> list[int]:
        """The binary logarithms of scales in 1/65536."""
        return [math.floor(math.log2(scale) * 65536.0 + 0.5) for scale in self.scales]

    def _c_bins(self, name: str) -> str:
        return array("uint16_t", f"{name}_bins", (f"{count}U" for count in self.bins))

    def _c_struct(self, kind: str, name: str) -> str:
        scales = f"{name}_scales" if self.scales else "NULL"
        numbers = f"{self.length}, {self.first}, {self.n_mels}"
        return f"static const {kind} {name} MW_FLASH = {{{name}_bins, {name}_rises, {scales}, {numbers}}};\n"


def mel_bank(
    sample_rate: float,
    n_fft: int,
    n_mels: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    scale: str = "slaney",
    norm: str = "slaney",
) -> MelBank:
    """The filters of ``librosa.filters.mel(sr, n_fft, n_mels, fmin, fmax, htk, norm)``.

    Args:
        norm: ``slaney`` divides each filter by half its width in Hz; ``none`` leaves its peak at 1.

    Raises:
        MilliwattError: a filter would see no bin, or an argument is out of range.
    """
    top = sample_rate / 2.0 if fmax is None else fmax
    _check(sample_rate, n_fft, n_mels, fmin, top, scale, norm)
    low, high = hz_to_mel(fmin, scale), hz_to_mel(top, scale)
    corners = [mel_to_hz(low + (high - low) * i / (n_mels + 1), scale) for i in range(n_mels + 2)]
    length = n_fft // 2 + 1
    first, bins = 0, [0] * (n_mels + 1)
    rises: list[float] = []
    for k in range(length):
        hz = k * sample_rate / n_fft
        gap = bisect_right(corners, hz) - 1
        if 0 <= gap <= n_mels:
            first = first if rises else k
            bins[gap] += 1
            rises.append((hz - corners[gap]) / (corners[gap + 1] - corners[gap]))
    scales = []
    if norm == "slaney":
        scales = [2.0 / (corners[i + 2] - corners[i]) for i in range(n_mels)]
    bank = MelBank(length, first, tuple(bins), tuple(rises), tuple(scales), tuple(corners))
    _refuse_empty(bank)
    return bank


def _refuse_empty(bank: MelBank) -> None:
    at = 0
    for index in range(bank.n_mels):
        rising = bank.rises[at : at + bank.bins[index]]
        at += bank.bins[index]
        if bank.bins[index + 1] == 0 and not any(rising):
            low, high = bank.corners[index], bank.corners[index + 2]
            raise MilliwattError(
                f"mel filter {index} ({low:.0f} to {high:.0f} Hz) sees no bin of the spectrum",
                option="n_mels",
                cure="fewer filters, a longer FFT, or a higher fmin",
            )


def _check(
    sample_rate: float, n_fft: int, n_mels: int, fmin: float, fmax: float, scale: str, norm: str
) -> None:
    for option, value, known in (("scale", scale, SCALES), ("norm", norm, NORMS)):
        if value not in known:
            raise MilliwattError(f"{value!r} is not known", option=option, cure=f"one of {', '.join(known)}")
    if not (math.isfinite(sample_rate) and sample_rate > 0.0):
        raise MilliwattError("is not more than 0", option="sample_rate")
    if n_fft < 2 or n_fft % 2 or n_fft > 65536 * 2 - 4:
        raise MilliwattError("is not an even number from 2 to 131068", option="n_fft")
    if not 1 <= n_mels < 65535:
        raise MilliwattError("is not from 1 to 65534", option="n_mels")
    if not 0.0 <= fmin < fmax:
        raise MilliwattError("is not from 0 to below fmax", option="fmin")
    if fmax > sample_rate / 2.0:
        raise MilliwattError(
            f"{fmax:g} Hz is more than half the sample rate",
            option="fmax",
            cure=f"at most {sample_rate / 2:g}",
        )
