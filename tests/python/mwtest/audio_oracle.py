"""Audio features with numpy: integers as the C library computes them, filters as the literature has them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from milliwatt.signal_cepstrum import Cepstrum
from milliwatt.signal_mel import MelBank


def log2_q16(x: NDArray[Any]) -> NDArray[np.int32]:
    """What mw_log2_q16_u64 answers."""
    wide = x.astype(np.uint64)
    high = (wide >> np.uint64(32)).astype(np.float64)  # exact, so frexp counts bits
    low = (wide & np.uint64(0xFFFFFFFF)).astype(np.float64)
    whole = np.where(high > 0, 32 + np.frexp(high)[1], np.frexp(low)[1]).astype(np.int64) - 1
    up, down = np.clip(31 - whole, 0, 31).astype(np.uint64), np.clip(whole - 31, 0, 63).astype(np.uint64)
    fraction = ((wide << up >> down) & np.uint64(0x7FFFFFFF)).astype(np.int64)
    f = (fraction + 0x4000) >> 15
    q = f * 1694 >> 16
    for factor in (6289, 11924, 18062):
        q = f * (factor - q) >> 16
    q = (f * (65536 - f) >> 15) * ((29003 - q) >> 1)
    logarithm = (whole << 16) + ((fraction + (q >> 1) + 0x4D00) >> 15)
    return np.where(wide == 0, -65536, logarithm).astype(np.int32)


def db_q8_of_log2(x: NDArray[Any]) -> NDArray[np.int32]:
    """What mw_db_q8_of_log2 answers."""
    wide = x.astype(np.int64)
    return (((wide >> 16) * 49321 + ((wide & 0xFFFF) * 49321 >> 16) + 32) >> 6).astype(np.int32)


def mel_filters(
    rate: float, n_fft: int, n_mels: int, fmin: float, fmax: float, *, htk: bool, area: bool
) -> NDArray[np.float64]:
    """Triangles evenly spaced in mel, as Slaney's report and the HTK book draw them.

    Slaney: 13 filters 133.33 Hz = 2 mel apart stand for 66.67 Hz a mel up to 1 kHz; above, 27 filters to
    6.4 kHz, each 6.4^(1/27) = 1.0711703 times the one before.
    """
    hz = np.linspace(0, rate / 2, n_fft // 2 + 1)
    if htk:
        mels = np.linspace(1127.010480 * np.log1p(fmin / 700), 1127.010480 * np.log1p(fmax / 700), n_mels + 2)
        edges = 700 * np.expm1(mels / 1127.010480)
    else:
        steps = 1.0711702874944676 ** np.arange(-0.0, 200)
        known_mel = np.concatenate([[0.0], 15 + np.arange(200)])
        known_hz = np.concatenate([[0.0], 1000 * steps])
        ends = [
            f * 3 / 200 if f < 1000 else 15 + np.log(f / 1000) / np.log(1.0711702874944676)
            for f in (fmin, fmax)
        ]
        mels = np.linspace(*ends, n_mels + 2)
        low = np.interp(mels, known_mel, known_hz)
        edges = np.where(mels < 15, low, 1000 * 1.0711702874944676 ** (mels - 15))
    filters = np.zeros((n_mels, hz.size))
    for i in range(n_mels):
        left, centre, right = edges[i : i + 3]
        filters[i] = np.interp(hz, [left, centre, right], [0, 1, 0], left=0, right=0)
        if area:
            filters[i] *= 2 / (right - left)
    return filters


def gaps(bank: MelBank) -> list[slice]:
    """Which bins of the spectrum lie between neighbouring corners."""
    ends = bank.first + np.cumsum([0, *bank.bins])
    return [slice(a, b) for a, b in pairwise(ends)]


def mel_energies(bank: MelBank, spectrum: NDArray[Any]) -> list[int]:
    """Exact integers, by bins and filters."""
    rises = bank.integer_rises()
    weights = [dict[int, int]() for _ in range(bank.n_mels)]
    at = 0
    for gap, span in enumerate(gaps(bank)):
        for place in range(span.start, span.stop):
            if gap < bank.n_mels:
                weights[gap][place] = rises[at]
            if gap > 0:
                weights[gap - 1][place] = 65536 - rises[at]
            at += 1
    return [sum(int(spectrum[k]) * w for k, w in row.items()) for row in weights]


def mel_log2(bank: MelBank, spectrum: NDArray[Any], exponent: int) -> NDArray[np.int16]:
    """What mw_mel_log2_u32 and mw_mel_log2_u64 answer."""
    seen = spectrum[bank.first :]
    shift = max(0, int(max(map(int, seen))).bit_length() - 32)
    energies = mel_energies(bank, spectrum >> np.asarray(shift, spectrum.dtype))
    found = log2_q16(np.array(energies, np.uint64)).astype(np.int64)
    found += (exponent + shift - 16) * 65536 + np.array(bank.integer_scales() or [0])
    return np.clip((found + 128) >> 8, -32768, 32767).astype(np.int16)


def mel_touched(bank: MelBank, power: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each filter would see if all its weights were its scale."""
    span = gaps(bank)
    sums = [power[s].astype(np.float64).sum() for s in span]
    scales = np.array(bank.scales or [1.0] * bank.n_mels)
    return (np.array(sums[:-1]) + np.array(sums[1:])) * scales


def dct_i16(dct: Cepstrum, x: NDArray[np.int16]) -> NDArray[np.int16]:
    """What mw_dct_i16 answers."""
    rows, bits = dct.integers()
    wide, half = x.astype(np.int64), (dct.n_in + 1) // 2
    found = []
    for k, row in enumerate(rows):
        folded = wide + (-1) ** k * wide[::-1]
        factors = np.array(row[:half], np.int64)
        if dct.n_in % 2:
            factors[-1] //= 2
        total = int(np.sum((folded[:half] * factors) >> 4))
        assert -(2**31) <= total < 2**31
        found.append(((total >> (bits - 5)) + 1) >> 1)
    return np.clip(found, -32768, 32767).astype(np.int16)


def deltas_want(frames: NDArray[np.float32], reach: int, order: int) -> NDArray[np.float64]:
    """Changes over frames, the first and the last of which go on for ever."""
    width = 2 * reach + 1
    edged = np.concatenate([np.repeat(frames[:1], reach, 0), frames, np.repeat(frames[-1:], reach, 0)])
    smooth = signal.savgol_filter(edged.astype(np.float64), width, order, deriv=order, axis=0, mode="nearest")
    return np.asarray(smooth[reach:-reach])
