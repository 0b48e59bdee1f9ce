"""Weighted votes in integers, so that the device decides as float64 sums do, ties included.

scikit-learn adds weights up in float64, in the order of the members, and takes the first class with the
largest sum. Weights that are whole multiples of one power of two are added up exactly there, and here as
integers. Of others the last bit of a sum may decide (0.1 + 0.2 is more than 0.3): a few members are
looked up in a table of all sums in order of size, which decides in the same way; many get the integers
nearest to their weights.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_MOST = (1 << 31) - 1
_MOST_RANKED = 8  # members; the table has 2 to the power of that many bytes
_SAME_FRACTION = 1e-12
_LARGEST_DENOMINATOR = 10_000


@dataclass(frozen=True)
class Ballots:
    """What votes count.

    Attributes:
        counts: one integer a member, > 0, of a sum below 2^31; empty where ``ranks`` decide.
        ranks: for each set of members (bit i: member i) the place of its sum among those of all sets;
            equal sums have the same place.
        slack: sums of weights that differ by more than this are decided as float64 sums are; 0: all are.
    """

    counts: tuple[int, ...] = ()
    ranks: tuple[int, ...] = ()
    slack: float = 0.0


def ballots(weights: Sequence[float], n_members: int) -> Ballots:
    """Integers, or ranks, for weights > 0 in the order of the members; none: all count 1."""
    if not weights:
        return Ballots((1,) * n_members)
    exact = _dyadic(weights)
    if exact is not None:
        return Ballots(exact)
    even = _fractions(weights)
    if len(weights) <= _MOST_RANKED:
        if even is not None and _decide_alike(weights, even):
            return Ballots(even)
        return Ballots(ranks=_ranks(weights))
    # Half a unit for each weight that was rounded, in sums on either side.
    if even is not None:
        return Ballots(even, slack=sum(weights) * len(weights) * _SAME_FRACTION)
    unit = sum(weights) / (_MOST - 2 * len(weights))
    nearest = tuple(max(1, round(weight / unit)) for weight in weights)
    return Ballots(nearest, slack=unit * 2 * len(weights))


def counts_exactly(weights: Sequence[float]) -> bool:
    """Whether sums of these weights are whole numbers of one unit, in float64 too."""
    return _dyadic(weights) is not None


def _dyadic(weights: Sequence[float]) -> tuple[int, ...] | None:
    """The weights in units of a power of two, if their sum stays within 32 bits."""
    fractions = [Fraction(weight) for weight in weights]
    return _within(fractions)


def _fractions(weights: Sequence[float]) -> tuple[int, ...] | None:
    """The weights as multiples of a simple fraction of the largest, if that is what they are."""
    largest = max(weights)
    fractions = [Fraction(weight / largest).limit_denominator(_LARGEST_DENOMINATOR) for weight in weights]
    close = all(
        abs(float(fraction) - weight / largest) <= _SAME_FRACTION and fraction > 0
        for fraction, weight in zip(fractions, weights, strict=True)
    )
    return _within(fractions) if close else None


def _within(fractions: Sequence[Fraction]) -> tuple[int, ...] | None:
    """Fractions as integers of the same proportions, as small as can be."""
    common = math.lcm(*(fraction.denominator for fraction in fractions))
    whole = [fraction.numerator * (common // fraction.denominator) for fraction in fractions]
    divisor = math.gcd(*whole)
    found = tuple(number // divisor for number in whole)
    return found if sum(found) <= _MOST else None


def _decide_alike(weights: Sequence[float], counts: Sequence[int]) -> bool:
    """Whether integers order any two sums of different members as float64 does."""
    for sides in itertools.product((0, 1, 2), repeat=len(weights)):
        left, right = (_sum(weights, [side == s for side in sides]) for s in (1, 2))
        ahead = sum(count if side == 1 else -count for count, side in zip(counts, sides, strict=True) if side)
        if (left > right) != (ahead > 0) or (left == right) != (ahead == 0):
            return False
    return True


def _ranks(weights: Sequence[float]) -> tuple[int, ...]:
    n = len(weights)
    sums = [_sum(weights, [bool(voters >> i & 1) for i in range(n)]) for voters in range(1 << n)]
    place = {value: rank for rank, value in enumerate(sorted(set(sums)))}
    return tuple(place[value] for value in sums)


def _sum(weights: Sequence[float], chosen: Sequence[bool]) -> float:
    """The float64 sum in the order of the members; Python's sum() is more exact than that."""
    total = 0.0
    for weight, is_in in zip(weights, chosen, strict=True):
        if is_in:
            total += weight
    return total
