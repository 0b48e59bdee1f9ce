"""Second-order sections: checked, and what their impulse responses add up to."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from milliwatt.errors import MilliwattError

LONGEST = 60_000  # samples of an impulse response


class Section(NamedTuple):
    """``y = (b0 + b1/z + b2/z²) / (1 + a1/z + a2/z²) x``"""

    b0: float
    b1: float
    b2: float
    a1: float
    a2: float

    @property
    def radius(self) -> float:
        """How far the outermost pole is from 0."""
        root = cmath.sqrt(self.a1 * self.a1 / 4 - self.a2)
        return max(abs(-self.a1 / 2 + root), abs(-self.a1 / 2 - root))

    def louder(self, gain: float) -> Section:
        """The section with results ``gain`` times as large."""
        return Section(self.b0 * gain, self.b1 * gain, self.b2 * gain, self.a1, self.a2)

    @property
    def dc_gain(self) -> float:
        return (self.b0 + self.b1 + self.b2) / (1 + self.a1 + self.a2)


def read_sos(sos: Iterable[Iterable[float]]) -> tuple[Section, ...]:
    """The rows of scipy's ``sos``.

    Raises:
        MilliwattError: for what is no such array, and for sections that are not stable; it names the section.
    """
    rows = [[float(value) for value in row] for row in sos]
    if not 1 <= len(rows) <= 255:
        raise _error(None, f"{len(rows)} sections", "give 1 to 255 of them")
    return tuple(_section(index, row) for index, row in enumerate(rows))


def _section(index: int, row: Sequence[float]) -> Section:
    if len(row) != 6:
        raise _error(index, f"{len(row)} coefficients, not 6", "design the filter with output='sos'")
    if not all(map(math.isfinite, row)):
        raise _error(index, "a coefficient is not finite", "design the filter again")
    if row[3] != 1.0:
        raise _error(index, f"a0 is {row[3]:g}, not 1", "divide the row by a0")
    section = Section(row[0], row[1], row[2], row[4], row[5])
    if row[:3] == [0, 0, 0]:
        raise _error(index, "all of b is 0", "leave the filter out: nothing comes through it")
    # The triangle of stable coefficients; on its sides poles are on the unit circle.
    if not (abs(section.a2) < 1 and abs(section.a1) < 1 + section.a2):
        raise _error(
            index,
            f"a pole is {section.radius:.9g} from 0: the section is not stable",
            "all poles have to be inside the unit circle: design a filter of lower order or wider band",
        )
    return section


def _error(index: int | None, problem: str, cure: str) -> MilliwattError:
    where = "sos" if index is None else f"sos, section {index}"
    return MilliwattError(problem, option=where, cure=cure)


def response_length(sections: Sequence[Section], least: float = 1e-7) -> int:
    """Samples until impulse responses have become less than about ``least``.

    Raises:
        MilliwattError: if that takes more than `LONGEST`.
    """
    index, radius = max(enumerate(section.radius for section in sections), key=lambda pair: pair[1])
    if radius < 1e-3:
        return 8 + 4 * len(sections)
    # Poles may coincide, and then n * radius^n is what goes to zero.
    n = (math.log(least) + 2 * math.log(max(1e-9, 1 - radius))) / math.log(radius) + 8 + 4 * len(sections)
    if n > LONGEST:
        raise _error(
            index,
            f"a pole is {1 - radius:.2g} from the unit circle: the filter rings for more than "
            f"{LONGEST} samples",
            "lower the sample rate (decimate first), or use floats",
        )
    return int(n)


def run(section: Section, x: Iterable[float]) -> list[float]:
    """A section's answer in float64, direct form I."""
    b0, b1, b2, a1, a2 = section
    x1 = x2 = y1 = y2 = 0.0
    out = []
    for x0 in x:
        y = b0 * x0 + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x2, x1, y2, y1 = x1, x0, y1, y
        out.append(y)
    return out


def impulse(n: int) -> list[float]:
    """1, 0, 0, ..."""
    return [1.0] + [0.0] * (n - 1)


def norm_1(values: Iterable[float]) -> float:
    """Sum of magnitudes: of an impulse response, the most that comes out where at most 1 goes in."""
    return math.fsum(map(abs, values))


def norm_2(values: Iterable[float]) -> float:
    """Of an impulse response: how much white noise is amplified."""
    return math.sqrt(math.fsum(value * value for value in values))


def grid(sections: Sequence[Section], n: int = 40) -> list[complex]:
    """Values of 1/z on the unit circle: evenly spread, towards 0 and Nyquist, and at poles."""
    angles = [math.pi * i / n for i in range(n + 1)]
    angles += [math.pi * 10 ** (-i / 5) for i in range(1, 20)]
    angles += [math.pi - math.pi * 10 ** (-i / 5) for i in range(2, 12)]
    for section in sections:
        angle = abs(cmath.phase(-section.a1 / 2 + cmath.sqrt(section.a1 * section.a1 / 4 - section.a2)))
        angles += [angle, angle * 0.9, min(math.pi, angle * 1.1)]
    return [cmath.exp(-1j * angle) for angle in angles]


def response(section: Section, z: complex) -> complex:
    """The frequency response, ``z`` being 1/z."""
    return numerator(section, z) / (1 + z * (section.a1 + z * section.a2))


def numerator(section: Section, z: complex) -> complex:
    return section.b0 + z * (section.b1 + z * section.b2)


def error_db(wanted: Sequence[Section], found: Sequence[Section], gain: float) -> float:
    """How far off the frequency response is, at most, below the largest gain; ``gain`` times ``found``."""
    most, worst = 0.0, 0.0
    for z in grid(wanted):
        want, have = 1 + 0j, gain + 0j
        for section in wanted:
            want *= response(section, z)
        for section in found:
            have *= response(section, z)
        most, worst = max(most, abs(want)), max(worst, abs(want - have))
    return math.inf if worst == 0 else 20 * math.log10(max(most, 1e-300) / worst)


_T = TypeVar("_T")
Numbered = tuple[int, Section]  # with its place in the user's array


def best_order(
    sections: Sequence[Section], make: Callable[[Sequence[Numbered]], _T], noise: Callable[[_T], float]
) -> _T:
    """What ``make`` makes of the order with the least noise: scipy's, and by distance of poles both ways.

    Raises:
        MilliwattError: what ``make`` raises, if it does so for all orders.
    """
    numbered = list(enumerate(sections))
    by_radius = sorted(numbered, key=lambda pair: pair[1].radius)
    made, refused = [], []
    orders = [numbered, by_radius, by_radius[::-1]]
    for at, order in enumerate(orders):
        if order in orders[:at]:
            continue
        try:
            made.append(make(order))
        except MilliwattError as error:
            refused.append(error)
    if not made:
        raise refused[0]
    return min(made, key=noise)
