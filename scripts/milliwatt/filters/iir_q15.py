"""Second-order sections of 16 bits, so scaled that nothing inside can overflow.

``d = -a - k`` is what whole numbers ``k`` leave of a coefficient. Every section is scaled by the L1 norm of
the impulse response up to it, and afterwards the very integers are checked: L1 norm of their responses, plus
what all roundings can add to it at most, has to stay within 16 bits.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from milliwatt.errors import MilliwattError
from milliwatt.filters.sections import (
    Numbered,
    Section,
    best_order,
    error_db,
    grid,
    impulse,
    norm_1,
    norm_2,
    numerator,
    read_sos,
    response,
    response_length,
    run,
)  # fmt: skip

_FULL = 32768.0
_AMPLE = _FULL * (1 + 1e-5)  # with what is left off at the end of impulse responses
_MOST_SHIFT = 14


@dataclass(frozen=True)
class SectionQ15:
    """The fields of ``mw_iir_section_q15``.

    Attributes:
        peak: the largest result there can be, 1.0 being what there is room for.
        cut: whether ``k[1]`` multiplies high halves only; ``d_shift`` is 0 then.
    """

    b: tuple[int, int, int]
    d: tuple[int, int]
    k: tuple[int, int]
    b_shift: int
    d_shift: int
    bias: int
    gain: int
    peak: float
    cut: bool = False

    @property
    def row(self) -> tuple[int, ...]:
        """What files hold: b, d, k, b_shift, d_shift, bias, gain, cut."""
        return (*self.b, *self.d, *self.k, self.b_shift, self.d_shift, self.bias, self.gain, int(self.cut))

    @classmethod
    def of_row(cls, row: Sequence[int]) -> SectionQ15:
        """What :attr:`row` was made of, but for ``peak``."""
        b0, b1, b2, d1, d2, k1, k2, b_shift, d_shift, bias, gain, cut = row
        return cls((b0, b1, b2), (d1, d2), (k1, k2), b_shift, d_shift, bias, gain, 0.0, bool(cut))

    @property
    def coarse(self) -> tuple[float, float]:
        """What multiplies high halves of the two results before, and thus what those leave off."""
        unit = 2.0 ** -(16 + self.d_shift)
        return self.d[0] * unit, self.d[1] * unit + (self.k[1] if self.cut else 0)

    @property
    def exact(self) -> Section:
        """What the integers stand for."""
        unit_b, unit_d = 2.0 ** -(16 + self.b_shift + self.d_shift), 2.0 ** -(16 + self.d_shift)
        a1, a2 = (-k - d * unit_d for k, d in zip(self.k, self.d, strict=True))
        return Section(self.b[0] * unit_b, self.b[1] * unit_b, self.b[2] * unit_b, a1, a2)


@dataclass(frozen=True)
class IirQ15:
    """A filter of 16 bits.

    Attributes:
        gains: by how much results of each section are larger inside than those of the sections given.
        noise: standard deviation of rounding at the output, in its units, as far as it can be predicted.
        accuracy_db: error of the frequency response by rounded coefficients, below its largest value.
    """

    sections: tuple[SectionQ15, ...]
    out_shift: int
    gains: tuple[float, ...]
    noise: float
    accuracy_db: float


@dataclass(frozen=True)
class _Place:
    """A section wanted.

    Attributes:
        index: where it is in the user's array.
        later: impulse response of the sections behind it.
        last: whether there are none.
    """

    index: int
    section: Section
    later: list[float]
    last: bool


def iir_q15(sos: Sequence[Sequence[float]], *, at_least_db: float = 50.0) -> IirQ15:
    """The filter of ``scipy.signal.sosfilt(sos, x)`` for numbers of 16 bits.

    Args:
        sos: rows b0, b1, b2, a0 = 1, a1, a2.
        at_least_db: accuracy of the frequency response that is asked for.

    Raises:
        MilliwattError: for filters that are not stable or not to be had in 16 bits.
    """
    wanted = read_sos(sos)
    response_length(wanted)
    found = best_order(wanted, _filter, lambda made: made.noise)
    if found.accuracy_db < at_least_db:
        index = min(range(len(wanted)), key=lambda i: 1 - wanted[i].radius)
        raise MilliwattError(
            f"with coefficients of 16 bits the frequency response is {found.accuracy_db:.0f} dB accurate, "
            f"less than {at_least_db:g} dB",
            option=f"sos, section {index}",
            cure="use q31 or floats, filter at a lower sample rate, or ask for less accuracy",
        )
    return found


def _filter(numbered: Sequence[Numbered]) -> IirQ15:
    wanted = [section for _, section in numbered]
    n = response_length(wanted)
    sections: list[SectionQ15] = []
    gains: list[float] = []
    ideal = impulse(n)  # response of the sections wanted, up to here
    signal, error = impulse(n), 0.0  # response of the integers; most that rounding adds to it, in units
    for place in _places(numbered, n):
        ideal = run(place.section, ideal)
        before = gains[-1] if gains else 1.0
        loudest = norm_1(ideal)
        if not loudest > 0:
            raise _refused(place.index, "nothing comes through it", "leave the filter out")
        gain = 0.999 / loudest
        if place.last:
            gain = 2.0 ** math.floor(math.log2(gain))
        made, signal, error, gain = _fitting(place, before, gain, signal, error)
        sections.append(made)
        gains.append(gain)
    shift = 16 + round(math.log2(gains[-1]))
    if not 1 <= shift <= 31:
        raise _refused(
            numbered[-1][0], f"results are 2^{16 - shift} times the input", "scale b to a gain near 1"
        )
    exact = [section.exact for section in sections]
    accuracy = error_db(wanted, exact, 1 / gains[-1])
    return IirQ15(tuple(sections), shift, tuple(gains), _noise(sections, n, gains[-1]), accuracy)


@lru_cache(maxsize=64)
def check_q15(sections: tuple[SectionQ15, ...], out_shift: int) -> None:
    """Refuse sections in which something could overflow: the proof of :func:`iir_q15`, for those of a file.

    Args:
        out_shift: from the last section's results to the output.

    Raises:
        MilliwattError: names the section.
    """
    exact = [section.exact for section in sections]
    for index, section in enumerate(exact):
        if not _stable(section):
            raise _refused(index, "it is not stable", "design the filter again")
    n = response_length(exact)
    signal, error = impulse(n), 0.0
    for index, made in enumerate(sections):
        after = run(made.exact, signal)
        worst = _worst(made, n, error)
        fits = norm_1(after) * _AMPLE + worst < _FULL and _sums_fit(made, signal, after, error, worst)
        room = _room(signal, error)
        settles = abs(made.gain - max(-room, min(room, made.exact.dc_gain * 65536))) <= 1
        settled = abs(made.gain) * (abs(math.fsum(signal)) * 32768 + error + 1)
        settled += 2.0 ** (out_shift - 1 if index + 1 == len(sections) else 15)
        if not fits or not settles or abs(made.gain) > room or settled >= 2.0**31:
            raise _refused(index, "its numbers could overflow", "design the filter again")
        signal, error = after, worst


def _places(numbered: Sequence[Numbered], n: int) -> list[_Place]:
    later, last, found = impulse(n), True, []
    for index, section in reversed(numbered):
        found.append(_Place(index, section, later, last))
        later, last = run(section, later), False
    return found[::-1]


def _fitting(
    place: _Place, before: float, gain: float, signal: list[float], error: float
) -> tuple[SectionQ15, list[float], float, float]:
    """A section whose results fit, whatever comes in: with less gain than asked for, if need be."""
    for _ in range(80):
        scaled = place.section.louder(gain / before)
        made = _section(scaled, math.ldexp(gain, 15) if place.last else _FULL, signal, place)
        if made is not None:
            if made.b == (0, 0, 0) or not _stable(made.exact):
                break
            after = run(made.exact, signal)
            worst = _worst(made, len(signal), error)
            peak = (norm_1(after) * _AMPLE + worst) / _FULL
            if peak < 1 and _sums_fit(made, signal, after, error, worst):
                room = _room(signal, error)
                made = dataclasses.replace(made, peak=peak, gain=max(-room, min(room, made.gain)))
                return made, after, worst, gain
        gain *= 0.5 if place.last else 0.97
    raise _refused(
        place.index,
        f"with a pole {1 - place.section.radius:.2g} from the unit circle it cannot be had in 16 bits",
        "use q31 or floats, or filter at a lower sample rate",
    )


def _room(signal: list[float], error: float) -> int:
    """The greatest gain that has room with the largest input that does not change.

    Exact gains have it, as results have; rounding might add what is just too much.
    """
    most = abs(math.fsum(signal)) * 32768 + error + 1
    return min(int(((1 << 31) - (1 << 18)) / most), (1 << 31) - 1)


def _sums_fit(made: SectionQ15, signal: list[float], after: list[float], error: float, worst: float) -> bool:
    """Whether the two sums that are shifted stay within 32 bits."""
    ahead = norm_1(run(Section(*made.b, 0, 0), signal)) * _AMPLE
    ahead += sum(map(abs, made.b)) * (error + 1) + abs(made.bias) + 1
    unit = 2.0 ** (16 + made.d_shift)
    part = norm_1(run(_whole(made.k), after)) * _AMPLE * unit
    part += (worst * (1 + sum(map(abs, made.k))) + 1) * unit
    return max(ahead, part) < 2.0**31


def _whole(k: tuple[int, int]) -> Section:
    """What whole coefficients leave of results."""
    return Section(1, -k[0], -k[1], 0, 0)


def _stable(section: Section) -> bool:
    return abs(section.a2) < 1 and abs(section.a1) < 1 + section.a2


def _worst(made: SectionQ15, n: int, error: float) -> float:
    """How many units all roundings can change results by, if inputs are changed by ``error``."""
    through = norm_1(run(made.exact, impulse(n)))
    ringing = norm_1(run(Section(1, 0, 0, made.exact.a1, made.exact.a2), impulse(n)))
    # Where its high half is multiplied it is off by less than a unit; shifts and bias: by less than 2^-14.
    own = abs(made.coarse[0]) + abs(made.coarse[1]) + 2.0**-14
    return through * (error + 1) + ringing * own + 1 + _lifted(made, n)


def _lifted(made: SectionQ15, n: int) -> float:
    """How many units `bias` moves results by at most, beyond the half of one that the others allow for.

    Half of what the output is rounded to is more than that where a filter attenuates.
    """
    shift = made.b_shift + made.d_shift
    lift = (made.bias - _lost(made)) * 2.0**-shift
    fine = made.k[0] + (0 if made.cut else made.k[1])
    above = lift - _FULL * (1 - fine)  # 0 where results are to be higher by half a unit
    below = -above - _FULL * (1 + made.exact.a1 + made.exact.a2)  # 0 where they are to stay
    beyond = max(above, below) - 2.0**-shift
    if beyond <= 0:
        return 0.0
    step = run(Section(1, 0, 0, made.exact.a1, made.exact.a2), [1.0] * n)
    return beyond / 65536 * max(map(abs, step))


def _lost(made: SectionQ15) -> float:
    """What shifts to the right leave off on average, in the unit of `bias`."""
    return ((1 << made.b_shift) - 1) / 2 + ((1 << made.d_shift) - 1) / 2 * (1 << made.b_shift)


def _section(scaled: Section, half: float, signal: list[float], place: _Place) -> SectionQ15 | None:
    """The integers nearest to a section; ``half`` is half of what its results are rounded to, in 2^-16.

    None if its sums have no room. `_sums_fit` looks at the integers themselves again.
    """
    k = (_nearest(-scaled.a1), _nearest(-scaled.a2))
    rest = (-scaled.a1 - k[0], -scaled.a2 - k[1])
    ahead = norm_1(run(Section(*scaled[:3], 0, 0), signal))
    part = norm_1(run(_whole(k), run(scaled, signal)))
    most = max(map(abs, scaled[:3]))
    # Margins, as rounding may move each coefficient by one or two.
    room = 0.9995 * min(0.5 / max(most, 1e-12), 1 / max(ahead, 1e-12))
    room_d = 0.9995 * min(0.50025 / max(*map(abs, rest), 2e-5), 1 / part)
    d_shift = min(_MOST_SHIFT, _exponent(room_d), _exponent(room))
    if d_shift < 0:
        return None
    b_shift = min(_MOST_SHIFT, _exponent(room) - d_shift)
    d = _round_d(scaled, rest, 16 + d_shift)
    made = SectionQ15((0, 0, 0), d, k, b_shift, d_shift, 0, 0, 0)
    cut = dataclasses.replace(made, cut=True)
    gain = half / _FULL
    if (
        d_shift == 0
        and k[1] != 0
        and _own_noise(cut, gain, place.later) < _own_noise(made, gain, place.later)
    ):
        made = cut
    return _rounded(scaled, made, half)


def _own_noise(made: SectionQ15, gain: float, later: list[float]) -> float:
    """What low halves of results, which are left off, add behind all sections; its variance by theirs.

    Args:
        gain: of the last section, whose output may have more bits; of all others 1.
        later: response of what follows.
    """
    a1, a2 = made.exact.a1, made.exact.a2
    again = Section(0, *made.coarse, a1, a2)  # by which an error comes back
    with_output = Section(1, a1 + again.b1, a2 + again.b2, a1, a2)  # the output has it, too
    share = min(1.0, gain) ** 2
    return share * norm_2(run(with_output, later)) ** 2 + (1 - share) * norm_2(run(again, later)) ** 2


def _exponent(value: float) -> int:
    """Of the power of two up to ``value``."""
    return math.frexp(value)[1] - 1


def _nearest(value: float) -> int:
    """Rounded, a half up: the remainder is then -0.5, for which there is room in 16 bits."""
    return math.floor(value + 0.5)


def _round_d(scaled: Section, rest: tuple[float, float], bits: int) -> tuple[int, int]:
    """The remainders in 2^-bits: of the nine pairs around them the one that changes the response least."""
    weights = []
    for z in grid([scaled], 16):
        denominator = 1 + z * (scaled.a1 + z * scaled.a2)
        weights.append((z, abs(numerator(scaled, z)) / abs(denominator) ** 2))
    centre = [round(value * 2.0**bits) for value in rest]

    def off(pair: tuple[int, int]) -> float:
        first, second = (value - found * 2.0**-bits for value, found in zip(rest, pair, strict=True))
        return sum((weight * abs(z * (first + z * second))) ** 2 for z, weight in weights)

    near = itertools.product(*(range(c - 1, min(c + 2, 32768)) for c in centre))
    return min(((one, other) for one, other in near), key=off)


def _rounded(scaled: Section, made: SectionQ15, half: float) -> SectionQ15:
    """With `b`, `bias` and `gain`."""
    shift = made.b_shift + made.d_shift
    b = _round_b(scaled, made.exact, 16 + shift)
    # Results are to be higher by `half`; high halves of them are, on average, by `half - _FULL`.
    fine = made.k[0] + (0 if made.cut else made.k[1])
    lift = half * (1 - fine) - sum(made.coarse) * (half - _FULL)
    made = dataclasses.replace(made, b=b, bias=round(lift * (1 << shift) + _lost(made)))
    exact = made.exact
    gain = sum(b) * 2.0**-shift / (1 + exact.a1 + exact.a2) if _stable(exact) else 0
    return dataclasses.replace(made, gain=round(gain))


def _round_b(scaled: Section, denominator: Section, bits: int) -> tuple[int, int, int]:
    """The numerator in 2^-bits: of the 27 around it the one whose response is nearest to that wanted.

    Zeros at frequency 0 and at Nyquist stay where they are.
    """
    wanted = []
    for z in grid([scaled], 16):
        below = 1 + z * (denominator.a1 + z * denominator.a2)
        wanted.append((z, response(scaled, z), below * 2.0**bits))
    size = max(abs(value) for value in scaled[:3])
    ends = [
        abs(scaled.b0 + sign * scaled.b1 + scaled.b2) < 1e-9 * size or None for sign in (1, -1)
    ]  # True where there is a zero

    def off(b: tuple[int, int, int]) -> float:
        return sum(abs((b[0] + z * (b[1] + z * b[2])) / below - want) ** 2 for z, want, below in wanted)

    near = itertools.product(*(range(c - 2, c + 3) for c in (round(v * 2.0**bits) for v in scaled[:3])))
    kept = [
        (b0, b1, b2) for b0, b1, b2 in near if not ((ends[0] and b0 + b1 + b2) or (ends[1] and b0 - b1 + b2))
    ]
    return min(kept, key=off)


def _noise(sections: Sequence[SectionQ15], n: int, gain: float) -> float:
    """Standard deviation at the output of the roundings, each section's taken as white noise of its own."""
    total = max(0.0, gain**2 - 1)  # what the output leaves off of a last result's high half
    later, own_gain = impulse(n), gain
    for section in reversed(sections):
        shifts = Section(2.0**-16, 0, 0, section.exact.a1, section.exact.a2)
        total += _own_noise(section, own_gain, later) + norm_2(run(shifts, later)) ** 2
        later, own_gain = run(section.exact, later), 1.0
    return math.sqrt(total / 12) / gain


def _refused(index: int, problem: str, cure: str) -> MilliwattError:
    return MilliwattError(problem, option=f"sos, section {index}", cure=cure)
