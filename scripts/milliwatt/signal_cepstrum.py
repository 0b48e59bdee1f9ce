"""Discrete cosine transforms of type II as the tables of ``<milliwatt/cepstrum.h>``: for MFCC."""

from __future__ import annotations

import math
from dataclasses import dataclass

from milliwatt.c_text import array, float_literal
from milliwatt.errors import MilliwattError

NORMS = ("ortho", "none", "htk")
LIFTERS = ("librosa", "htk")


@dataclass(frozen=True)
class Cepstrum:
    """A transform from ``n_in`` numbers to coefficients: all factors, one row a coefficient."""

    rows: tuple[tuple[float, ...], ...]

    @property
    def n_in(self) -> int:
        """How many numbers are transformed."""
        return len(self.rows[0])

    def c_float(self, name: str) -> str:
        """C text: a constant ``mw_dct_float`` and its table."""
        return array("float", f"{name}_factors", map(float_literal, self.packed())) + (
            f"static const mw_dct_float {name} MW_FLASH = "
            f"{{{name}_factors, {self.n_in}, {len(self.rows)}}};\n"
        )

    def c_integer(self, name: str) -> str:
        """C text: a constant ``mw_dct_integer`` and its table."""
        factors, shift = self.packed_integers()
        return array("int16_t", f"{name}_factors", map(str, factors)) + (
            f"static const mw_dct_integer {name} MW_FLASH = "
            f"{{{name}_factors, {self.n_in}, {len(self.rows)}, {shift}}};\n"
        )

    def packed(self) -> list[float]:
        """The factors of ``mw_dct_float``."""
        return self._packed([list(row) for row in self.rows])

    def packed_integers(self) -> tuple[list[int], int]:
        """The factors of ``mw_dct_integer``, and its shift."""
        factors, bits = self.integers()
        values = self._packed([[float(factor) for factor in row] for row in factors])
        return [round(value) for value in values], bits - 4

    def integers(self) -> tuple[list[list[int]], int]:
        """All factors as integers, and in which power of two.

        As many bits as factors of 16 bits leave, and sums that cannot overflow: see mw_dct_i16. A factor in
        the middle is even, since its half is in the table.
        """
        largest = max(abs(factor) for row in self.rows for factor in row)
        most = max(sum(map(abs, row)) for row in self.rows)
        start = math.floor(math.log2(min(32768.0 / largest, 2.0**20 / most))) + 1
        for bits in range(min(start, 34), max(start - 4, 4), -1):
            rows = [[self._rounded(row, i, bits) for i in range(self.n_in)] for row in self.rows]
            largest = max(abs(factor) for row in rows for factor in row)
            if largest <= 32767 and max(sum(map(abs, row)) for row in rows) < 1 << 20:
                return rows, bits
        raise MilliwattError("factors are too large for integers", option="gain", cure="a smaller gain")

    def _rounded(self, row: tuple[float, ...], i: int, bits: int) -> int:
        if 2 * i + 1 == self.n_in:
            return 2 * round(math.ldexp(row[i], bits - 1))
        return round(math.ldexp(row[i], bits))

    def _packed(self, rows: list[list[float]]) -> list[float]:
        """In the order of the C table."""
        if len(rows) % 2:
            rows = [*rows, [0.0] * self.n_in]
        values = []
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            for i in range((self.n_in + 1) // 2):
                half = 0.5 if 2 * i + 1 == self.n_in else 1.0
                values += [first[i] * half, second[i] * half]
        return values


def cepstrum(
    n_in: int,
    n_out: int,
    *,
    norm: str = "ortho",
    lifter: float = 0.0,
    lifter_of: str = "librosa",
    gain: float = 1.0,
) -> Cepstrum:
    """The first ``n_out`` coefficients of the DCT-II of ``n_in`` numbers.

    Args:
        norm: ``ortho`` and ``none`` as in ``scipy.fft.dct``; ``htk``: sqrt(2 / n_in) for all.
        lifter: liftering parameter L, 0 for none. The factor is 1 + L / 2 * sin(pi * m / L).
        lifter_of: what m is: ``htk`` the coefficient's index, ``librosa`` that plus 1.
        gain: what everything is multiplied by: a change of units.

    Raises:
        MilliwattError: an argument is out of range.
    """
    if norm not in NORMS or lifter_of not in LIFTERS:
        raise MilliwattError(f"{norm!r} or {lifter_of!r} is not known", option="norm")
    if not 1 <= n_out <= n_in <= 4096:
        raise MilliwattError("not 1 to n_in, which is at most 4096", option="n_out")
    if lifter < 0.0 or not math.isfinite(gain) or gain == 0.0:
        raise MilliwattError("lifter is negative, or gain is no factor", option="lifter")
    rows = []
    for k in range(n_out):
        size = gain * _norm(norm, n_in, k)
        if lifter > 0.0:
            place = k if lifter_of == "htk" else k + 1
            size *= 1.0 + lifter / 2.0 * math.sin(math.pi * place / lifter)
        rows.append(tuple(size * _cosine(k * (2 * i + 1), n_in) for i in range(n_in)))
    return Cepstrum(tuple(rows))


def _norm(norm: str, n_in: int, k: int) -> float:
    if norm == "none":
        return 2.0
    return math.sqrt((1.0 if norm == "ortho" and k == 0 else 2.0) / n_in)


def _cosine(steps: int, n_in: int) -> float:
    """cos(pi * steps / (2 n_in)), exact zeros included."""
    steps %= 4 * n_in
    return 0.0 if steps in (n_in, 3 * n_in) else math.cos(math.pi * steps / (2 * n_in))
