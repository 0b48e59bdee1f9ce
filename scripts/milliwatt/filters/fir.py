"""Taps of 16 bits, so scaled that sums of 32 bits cannot overflow."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import MilliwattError


@dataclass(frozen=True)
class Fir:
    """The fields of ``mw_fir_q15``; ``taps`` in the order of scipy.

    Attributes:
        accuracy_db: error of the frequency response by rounded taps, below its largest value.
    """

    taps: tuple[int, ...]
    shift: int
    decimation: int
    accuracy_db: float

    @property
    def bias(self) -> int:
        return (1 << self.shift) >> 1


def read_taps(taps: Sequence[float], decimation: int) -> list[float]:
    """Taps, checked.

    Raises:
        MilliwattError: for none at all, too many, and such as are not finite.
    """
    values = [float(tap) for tap in taps]
    if not 1 <= len(values) <= 32767:
        raise MilliwattError(f"{len(values)} of them", option="taps", cure="give 1 to 32767 of them")
    for index, value in enumerate(values):
        if not math.isfinite(value):
            raise MilliwattError("not finite", option=f"taps, number {index}", cure="design the filter again")
    if not 1 <= decimation <= 32767:
        raise MilliwattError(f"{decimation} of them", option="decimation", cure="give 1 to 32767")
    return values


def fir_q15(taps: Sequence[float], decimation: int = 1) -> Fir:
    """The filter of ``scipy.signal.upfirdn(taps, x, 1, decimation)`` for numbers of 16 bits."""
    values = read_taps(taps, decimation)
    most = max(map(abs, values))
    if most == 0:
        raise MilliwattError("all of them are 0", option="taps", cure="leave the filter out")
    for shift in range(31, -1, -1):
        found = [round(math.ldexp(value, shift)) for value in values]
        if max(map(abs, found)) > 32767 or not any(found):
            continue
        if sum(map(abs, found)) * 32768 + ((1 << shift) >> 1) < 1 << 31:
            return Fir(tuple(found), shift, decimation, _accuracy(values, found, shift))
    raise MilliwattError(
        f"the sum of magnitudes is {math.fsum(map(abs, values)):.3g}: results have no room",
        option="taps",
        cure="scale them to a gain near 1",
    )


def _accuracy(values: Sequence[float], found: Sequence[int], shift: int) -> float:
    most, worst = 0.0, 0.0
    n = min(4 * len(values), 512)
    for i in range(n + 1):
        z = cmath.exp(-1j * math.pi * i / n)
        want, off, power = 0j, 0j, 1 + 0j
        for value, tap in zip(values, found, strict=True):
            want += value * power
            off += (value - math.ldexp(tap, -shift)) * power
            power *= z
        most, worst = max(most, abs(want)), max(worst, abs(off))
    return math.inf if worst == 0 else 20 * math.log10(most / worst)
