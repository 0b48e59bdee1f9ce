"""Second-order sections of 32 bits, so scaled that nothing inside can overflow; see `iir_q15`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import MilliwattError
from milliwatt.filters.sections import (
    Numbered,
    Section,
    best_order,
    error_db,
    impulse,
    norm_1,
    read_sos,
    response_length,
    run,
)  # fmt: skip

_FULL = 2.0**31
_AMPLE = _FULL * (1 + 1e-5)


@dataclass(frozen=True)
class SectionQ31:
    """The fields of ``mw_iir_section_q31``.

    Attributes:
        peak: the largest result there can be, 1.0 being what there is room for.
    """

    b: tuple[int, int, int]
    a: tuple[int, int]
    b_shift: int
    gain: int
    peak: float

    @property
    def exact(self) -> Section:
        """What the integers stand for."""
        unit = 2.0 ** (self.b_shift - 62)
        b0, b1, b2 = (value * unit for value in self.b)
        return Section(b0, b1, b2, -self.a[0] * 2.0**-30, -self.a[1] * 2.0**-30)


@dataclass(frozen=True)
class IirQ31:
    """A filter of 32 bits.

    Attributes:
        gains: by how much results of each section are larger inside than those of the sections given.
        noise: the most that roundings change the last section's results by, in units of the output.
        accuracy_db: error of the frequency response by rounded coefficients, below its largest value.
    """

    sections: tuple[SectionQ31, ...]
    out_shift: int
    gains: tuple[float, ...]
    noise: float
    accuracy_db: float


def iir_q31(sos: Sequence[Sequence[float]], *, at_least_db: float = 80.0) -> IirQ31:
    """The filter of ``scipy.signal.sosfilt(sos, x)`` for numbers of 32 bits; see `iir_q15.iir_q15`."""
    wanted = read_sos(sos)
    response_length(wanted)
    found = best_order(wanted, _filter, lambda made: made.noise)
    if found.accuracy_db < at_least_db:
        index = min(range(len(wanted)), key=lambda i: 1 - wanted[i].radius)
        raise _refused(
            index,
            f"with coefficients of 32 bits the frequency response is {found.accuracy_db:.0f} dB accurate, "
            f"less than {at_least_db:g} dB",
            "filter at a lower sample rate, or ask for less accuracy",
        )
    return found


def _filter(numbered: Sequence[Numbered]) -> IirQ31:
    wanted = [section for _, section in numbered]
    n = response_length(wanted)
    sections: list[SectionQ31] = []
    gains: list[float] = []
    ideal, signal, error = impulse(n), impulse(n), 0.0
    for place, (index, section) in enumerate(numbered):
        ideal = run(section, ideal)
        loudest = norm_1(ideal)
        if not loudest > 0:
            raise _refused(index, "nothing comes through it", "leave the filter out")
        last = place + 1 == len(numbered)
        gain = 0.999 / loudest
        if last:
            gain = 2.0 ** math.floor(math.log2(gain))
        before = gains[-1] if gains else 1.0
        made, signal, error, gain = _fitting(index, section, before, gain, last, signal, error)
        sections.append(made)
        gains.append(gain)
    shift = 30 + round(math.log2(gains[-1]))
    if not 1 <= shift <= 62:
        size = f"2^{30 - shift}"
        raise _refused(numbered[-1][0], f"results are {size} times the input", "scale b to a gain near 1")
    accuracy = error_db(wanted, [section.exact for section in sections], 1 / gains[-1])
    return IirQ31(tuple(sections), shift, tuple(gains), error / gains[-1] + 1, accuracy)


def _fitting(
    index: int, section: Section, before: float, gain: float, last: bool, signal: list[float], error: float
) -> tuple[SectionQ31, list[float], float, float]:
    """A section whose results fit, whatever comes in: with less gain than asked for, if need be."""
    for _ in range(80):
        scaled = section.louder(gain / before)
        made = _section(scaled)
        if made is not None:
            if made.b == (0, 0, 0):
                break
            after = run(made.exact, signal)
            worst = _worst(made, len(signal), error)
            ahead = norm_1(run(Section(*made.b, 0, 0), signal)) * _AMPLE + sum(map(abs, made.b)) * (error + 1)
            peak = (norm_1(after) * _AMPLE + worst) / _FULL
            if peak < 1 and ahead < 2.0**63 * (1 - 1e-9) and abs(made.gain) < 1 << 31:
                return dataclasses.replace(made, peak=peak), after, worst, gain
            # Behind a section that attenuates it may gain more than 2, for which there is no room.
            gain *= min(1.0, 2.0**31 / max(1, abs(made.gain))) if not last else 1.0
        gain *= 0.5 if last else 0.97
    raise _refused(
        index,
        f"with a pole {1 - section.radius:.2g} from the unit circle it cannot be had in 32 bits",
        "use floats, or filter at a lower sample rate",
    )


def _worst(made: SectionQ31, n: int, error: float) -> float:
    """How many units all roundings can change results by, if inputs are changed by ``error``."""
    a1, a2 = made.exact.a1, made.exact.a2
    through = norm_1(run(made.exact, impulse(n)))
    # What is cut off is added to the next sum: as if it had gone through 1 - 1/z.
    fed_back = norm_1(run(Section(1, -1, 0, a1, a2), impulse(n)))
    return through * error + fed_back * (1 + 2.0 ** (made.b_shift - 30))


def _section(scaled: Section) -> SectionQ31 | None:
    """The integers nearest to a section; None if its numerator has no room."""
    most = max(max(map(abs, scaled[:3])), sum(map(abs, scaled[:3])) / 2)
    # |b| * 2^(62 - b_shift) < 2^31, and sums of three products within 64 bits.
    shift = max(0, math.frexp(most * (1 + 1e-9))[1] + 31)
    if shift > 30:
        return None
    a = (round(-scaled.a1 * 2.0**30), round(-scaled.a2 * 2.0**30))
    made = SectionQ31(_round_b(scaled, 62 - shift), a, shift, 0, 0)
    exact = made.exact
    if max(map(abs, a)) >= 1 << 31 or not (abs(exact.a2) < 1 and abs(exact.a1) < 1 + exact.a2):
        return None
    return dataclasses.replace(made, gain=round(exact.dc_gain * 2.0**30))


def _round_b(scaled: Section, bits: int) -> tuple[int, int, int]:
    """The numerator in 2^-bits; zeros at frequency 0 and at Nyquist stay where they are."""
    b0, b1, b2 = (round(math.ldexp(value, bits)) for value in scaled[:3])
    size = max(abs(value) for value in scaled[:3]) * 1e-9
    at_0 = abs(scaled.b0 + scaled.b1 + scaled.b2) < size
    at_nyquist = abs(scaled.b0 - scaled.b1 + scaled.b2) < size
    if at_0 and at_nyquist:
        return b0, 0, -b0
    if at_0:
        return b0, -b0 - b2, b2
    return (b0, b0 + b2, b2) if at_nyquist else (b0, b1, b2)


def _refused(index: int, problem: str, cure: str) -> MilliwattError:
    return MilliwattError(problem, option=f"sos, section {index}", cure=cure)
