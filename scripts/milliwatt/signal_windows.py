"""Window functions in the integers of ``<milliwatt/windows.h>``: tables with the bits of ``mw_window_*``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from milliwatt.errors import MilliwattError
from milliwatt.ir.signals import WINDOWS

LONGEST = 32768
_BOXCAR = WINDOWS[0]

# What cosines of 0, 1, 2, ... turns a window weigh, with signs in turn, in 2^-30.
_FACTORS = {
    "boxcar": (1073741824,),
    "hann": (536870912, 536870912),
    "hamming": (579820585, 493921239),
    "blackman": (450971566, 536870912, 85899346),
    "blackmanharris": (385204879, 524297395, 151698245, 12541305),
    "flattop": (231476135, 447354753, 297709049, 89742211, 7459676),
}
# Series of Taylor, in 2^-31, in the square of what is 1 at an eighth of a turn.
_SINE = (2147483648, 220779313, 6809389, 100009, 857, 5)
_COSINE = (2147483648, 662337939, 34046945, 700062, 7711, 53)
_TWO_PI = 3373259426  # in 2^-29
_EIGHTH = 1 << 29


def window_f32(name: str, length: int, *, periodic: bool = True) -> list[float]:
    """``mw_window_f32``: float32 numbers, exactly.

    Args:
        name: one of ``ir.signals.WINDOWS``.
        periodic: scipy's ``sym=False``.

    Raises:
        MilliwattError: a window that there is not, or a length that is not 1 to 32768.
    """
    return [math.ldexp(_rounded(value), -60) for value in _window(name, length, periodic)]


def window_q15(name: str, length: int, *, periodic: bool = True) -> list[int]:
    """``mw_window_q15``: in 2^-15, of which 1 becomes 32767; as above."""
    return [min((value + (1 << 44)) >> 45, 32767) for value in _window(name, length, periodic)]


def _window(name: str, length: int, periodic: bool) -> Sequence[int]:
    """In 2^-60."""
    if name not in _FACTORS:
        raise MilliwattError(
            f"{name!r} is not known", option="window", cure=f"one of {', '.join(map(repr, WINDOWS))}"
        )
    if not 1 <= length <= LONGEST:
        raise MilliwattError(f"a length of {length}", option="window", cure=f"1 to {LONGEST}")
    if length == 1 or name == _BOXCAR:
        return [_at(_BOXCAR, 0)] * length
    period = length if periodic else length - 1
    values = [0] * length
    for i in range(period // 2 + 1):
        values[i] = _at(name, ((i << 32) + period // 2) // period)
        if period - i < length:
            values[period - i] = values[i]
    return values


def _at(name: str, turns: int) -> int:
    total, angle = 0, 0
    for index, factor in enumerate(_FACTORS[name]):
        term = factor * (_cosine_turns(angle) >> 30)
        total += -term if index % 2 else term
        angle = (angle + turns) % (1 << 32)
    return total


def _cosine_turns(turns: int) -> int:
    """The cosine of ``turns / 2^32`` turns in 2^-60."""
    if turns > 4 * _EIGHTH:
        turns = (1 << 32) - turns
    is_negative = turns > 2 * _EIGHTH
    if is_negative:
        turns = 4 * _EIGHTH - turns
    value = _eighth(turns, True) if turns <= _EIGHTH else _eighth(2 * _EIGHTH - turns, False)
    return -value if is_negative else value


def _eighth(turns: int, is_cosine: bool) -> int:
    y = turns * turns >> 27
    if is_cosine:
        return _series(_COSINE, y) << 29
    return turns * (_series(_SINE, y) * _TWO_PI >> 32)


def _series(factors: Sequence[int], y: int) -> int:
    total = factors[-1]
    for factor in reversed(factors[:-1]):
        total = (factor - (total * y >> 31)) % (1 << 32)
    return total


def _rounded(value: int) -> float:
    """An integer with the 24 bits of a float32, halves to even."""
    size = abs(value)
    excess = max(0, size.bit_length() - 24)
    kept, rest = size >> excess, size & ((1 << excess) - 1)
    half = (1 << excess) >> 1
    if excess and (rest > half or (rest == half and kept & 1)):
        kept += 1
    return math.copysign(float(kept << excess), value)
