"""Steps in which leaf values are whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

# Proportions are quotients computed in float64: closer than this to a fraction means that fraction.
_SAME_FRACTION = 1e-12
_MOST_SHIFT = 126  # what C can scale by


def common_denominator(rows: Iterable[tuple[float, ...]], largest: int) -> int | None:
    """The smallest integer <= ``largest`` of which all proportions are multiples, if there is one."""
    one = 1
    for value in {value for row in rows for value in row}:
        fraction = Fraction(value).limit_denominator(largest)
        if abs(float(fraction) - value) > _SAME_FRACTION:
            return None
        one = math.lcm(one, fraction.denominator)
        if one > largest:
            return None
    return one


def exact_shift(values: Iterable[float], largest: int) -> int | None:
    """The smallest shift that makes all values integers within a span of ``largest``, if any does."""
    shift = -_MOST_SHIFT
    low, high = math.inf, -math.inf
    for value in values:
        if value:
            shift = max(shift, -_lowest_bit(value))
        if shift > _MOST_SHIFT:
            return None
        low, high = min(low, value), max(high, value)
    if low == high == 0:
        return 0
    # Whole numbers stay as they are where there is room: nothing is won by a larger step.
    shift = max(shift, 0) if math.ldexp(high - low, max(shift, 0)) <= largest else shift
    return shift if math.ldexp(high - low, shift) <= largest else None


def _lowest_bit(value: float) -> int:
    """The exponent of the lowest bit that is set in a number."""
    mantissa, exponent = math.frexp(value)
    whole = int(abs(mantissa) * (1 << 53))
    return exponent - 53 + (whole & -whole).bit_length() - 1


def finest_shift(room: float, largest: int) -> int:
    """The largest shift with which ``room`` stays within ``largest`` (and within what C can scale by)."""
    if room == 0.0:
        return 0
    shift = 30 - math.frexp(room)[1]  # room is below 2**exponent
    while math.ldexp(room, shift + 1) <= largest:
        shift += 1
    while math.ldexp(room, shift) > largest:
        shift -= 1
    return min(max(shift, -127), 126)
