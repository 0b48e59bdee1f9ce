"""A- and C-weighting filters (IEC 61672-1:2013, annex E) as second-order sections for any sample rate.

Sections are rows ``b0, b1, b2, 1, a1, a2``, as ``scipy.signal`` has them. Two designs:

- ``matched`` (the default): poles at ``exp(pole / rate)``, zeros at z = 1, and the numerator of the last
  section fitted to what is missing in magnitude, after M. Vicanek, "Matched Second Order Digital Filters"
  (2016). At 8 to 96 kHz the error is at most 0.3 dB below 0.45 of the sample rate, and 1 dB up to half of it.
- ``bilinear``: bends frequencies, so that high ones are weakened: at 48 kHz by 0.5 dB at 8 kHz and 6.4 dB at
  16 kHz; sampled at 16 kHz by 0.5 dB at 4 kHz and 5.8 dB at 6.4 kHz, which not even class 2 allows.
"""

from __future__ import annotations

import cmath
import math

from milliwatt.errors import MilliwattError

KINDS = ("a", "c")
METHODS = ("matched", "bilinear")
FAST_S = 0.125
SLOW_S = 1.0

# Corner frequencies in Hz: equations E.2 to E.5 of annex E, rounded as in E.4.3.
_F1, _F2, _F3, _F4 = 20.598997, 107.65265, 737.86223, 12194.217

Section = tuple[float, float, float, float, float, float]


def weighting_db(kind: str, hz: float) -> float:
    """What the standard asks for at a frequency above 0, in dB: 0 at 1 kHz."""
    return 10.0 * math.log10(_power(kind, hz) / _power(kind, 1000.0))


def weighting_sos(kind: str, sample_rate: float, method: str = "matched") -> list[Section]:
    """The filter, 0 dB at 1 kHz.

    Raises:
        MilliwattError: unknown kind or method, or a sample rate below 4 kHz.
    """
    for option, value, known in (("kind", kind, KINDS), ("method", method, METHODS)):
        if value not in known:
            raise MilliwattError(f"{value!r} is not known", option=option, cure=f"one of {', '.join(known)}")
    if not (math.isfinite(sample_rate) and sample_rate >= 4000.0):
        raise MilliwattError("is below 4000", option="sample_rate", cure="sample faster: 16000 and more")
    pairs = [(_F1, _F1), (_F2, _F3)] if kind == "a" else [(_F1, _F1)]
    if method == "bilinear":
        sections = [_bilinear(*pair, sample_rate, 1.0) for pair in pairs]
        sections.append(_bilinear(_F4, _F4, sample_rate, -1.0))
    else:
        sections = [_poles(*pair, sample_rate, (1.0, -2.0, 1.0)) for pair in pairs]
        sections.append(_fitted(kind, sections, sample_rate))
    gain = 1.0 / math.sqrt(_sections_power(sections, 1000.0 / sample_rate))
    b0, b1, b2, *rest = sections[0]
    return [(b0 * gain, b1 * gain, b2 * gain, rest[0], rest[1], rest[2]), *sections[1:]]


def response_db(sections: list[Section], sample_rate: float, hz: float) -> float:
    """What sections do at a frequency above 0 and below half the sample rate, in dB."""
    return 10.0 * math.log10(_sections_power(sections, hz / sample_rate))


def time_share(sample_rate: float, seconds: float, samples: int = 1) -> float:
    """The share of an exponential mean (``FAST_S``, ``SLOW_S``) that so many samples have."""
    return -math.expm1(-samples / (sample_rate * seconds))


def _power(kind: str, hz: float) -> float:
    """Squared magnitude of the analogue filter, up to a factor."""
    f = hz * hz
    power = f / (f + _F1 * _F1) / (f + _F4 * _F4)
    power *= power
    return power * f / (f + _F2 * _F2) * f / (f + _F3 * _F3) if kind == "a" else power


def _sections_power(sections: list[Section], turns: float) -> float:
    """Squared magnitude at a frequency in units of the sample rate."""
    z = cmath.exp(-2j * math.pi * turns)
    power = 1.0
    for b0, b1, b2, _, a1, a2 in sections:
        power *= abs((b0 + (b1 + b2 * z) * z) / (1.0 + (a1 + a2 * z) * z)) ** 2
    return power


def _poles(first: float, second: float, rate: float, zeros: tuple[float, float, float]) -> Section:
    """Poles of two corner frequencies, mapped by z = exp(s / rate)."""
    p, q = (math.exp(-2.0 * math.pi * hz / rate) for hz in (first, second))
    return (*zeros, 1.0, -(p + q), p * q)


def _bilinear(first: float, second: float, rate: float, zero: float) -> Section:
    """Poles of two corner frequencies by the bilinear transform; both zeros at ``zero``."""
    p, q = ((1.0 - w) / (1.0 + w) for w in (math.pi * hz / rate for hz in (first, second)))
    return (1.0, -2.0 * zero, 1.0, 1.0, -(p + q), p * q)


def _fitted(kind: str, others: list[Section], rate: float) -> Section:
    """The poles at 12.2 kHz, and the numerator that brings the whole filter closest to the standard.

    Its squared magnitude, c0 + c1 cos w + c2 cos 2w, is fitted by least squares of relative errors.
    """
    poles = _poles(_F4, _F4, rate, (1.0, 0.0, 0.0))
    steps = 400
    rows, wanted = [], []
    for step in range(steps):
        turns = 0.5 * (step + 0.5) / steps
        power = _power(kind, turns * rate) / _sections_power([*others, poles], turns)
        angle = 2.0 * math.pi * turns
        rows.append([1.0 / power, math.cos(angle) / power, math.cos(2.0 * angle) / power])
        wanted.append(1.0)
    c0, c1, c2 = _least_squares(rows, wanted)
    return (*_factor(c0, c1, c2), 1.0, poles[4], poles[5])


def _least_squares(rows: list[list[float]], wanted: list[float]) -> list[float]:
    """The three unknowns of a system that has too many equations, by Givens rotations."""
    work = [[0.0] * 4 for _ in range(3)]
    for row, want in zip(rows, wanted, strict=True):
        line = [*row, want]
        for i in range(3):
            size = math.hypot(work[i][i], line[i])
            if size == 0.0:
                continue
            c, s = work[i][i] / size, line[i] / size
            pairs = list(zip(work[i], line, strict=True))
            work[i] = [c * a + s * b for a, b in pairs]
            line = [c * b - s * a for a, b in pairs]
    found = [0.0] * 3
    for i in (2, 1, 0):
        rest = sum(work[i][j] * found[j] for j in range(i + 1, 3))
        found[i] = (work[i][3] - rest) / work[i][i]
    return found


def _factor(c0: float, c1: float, c2: float) -> tuple[float, float, float]:
    """The b0, b1, b2 whose squared magnitude that is, with zeros within the unit circle.

    c0 = b0^2 + b1^2 + b2^2, c1 = 2 b1 (b0 + b2), c2 = 2 b0 b2; c2 (y^2 - 2) + c1 y + 2 c0 has the zeros
    y = z + 1 / z.
    """
    zeros: list[complex] = []
    for y in _quadratic(c2, c1, 2.0 * c0 - 2.0 * c2):
        root = cmath.sqrt(y * y / 4.0 - 1.0)
        pair = (y / 2.0 + root, y / 2.0 - root)
        zeros.append(min(pair, key=abs))
    b1, b2 = -(zeros[0] + zeros[1]).real, (zeros[0] * zeros[1]).real
    size = math.sqrt((c0 + c1 + c2) / (1.0 + b1 + b2) ** 2)
    return size, size * b1, size * b2


def _quadratic(a: float, b: float, c: float) -> tuple[complex, complex]:
    root = cmath.sqrt(b * b - 4.0 * a * c)
    return (-b + root) / (2.0 * a), (-b - root) / (2.0 * a)
