"""Leaf rows as integers: how a forest's answer is added up on the device.

scikit-learn averages float64 rows. The same decision comes out of integer sums:

* votes: every leaf is pure, so each tree adds 1 to one class. Exact.
* sum16: all values are multiples of one fraction that fits 16 bits. Exact.
* sum32: rounded to 31 bits. A class's mean probability is then off by at most 2**-32, the gap
  between two classes by 2**-31 < 1e-9, so the best class is the same wherever scikit-learn's own
  best two differ by 1e-9 or more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from milliwatt.ir import TreeEnsemble

INT16_MAX = (1 << 15) - 1
INT32_MAX = (1 << 31) - 1
# Proportions are quotients computed in float64: closer than this to a fraction means that fraction.
_SAME_FRACTION = 1e-12


@dataclass(frozen=True)
class LeafTable:
    """Leaf rows in device form.

    Attributes:
        kind: ``"votes"``, ``"sum16"`` or ``"sum32"``.
        rows: integer rows; for votes one class index a row.
        one: classifiers: the integer that stands for probability 1.
        shifts: regressors: a value is ``integer * 2**-shift``, one shift an output.
        index: for each row of ``model.leaves`` its row here (rows that became equal are shared).
    """

    kind: str
    rows: tuple[tuple[int, ...], ...]
    index: tuple[int, ...]
    one: int = 1
    shifts: tuple[int, ...] = ()

    @property
    def sum_type(self) -> str:
        """C type of one sum, wide enough for any number of trees."""
        return {"votes": "uint16_t", "sum16": "int32_t", "sum32": "int64_t"}[self.kind]

    @property
    def bits(self) -> int:
        """Width of a value in a row (votes have no rows in memory)."""
        return 16 if self.kind == "sum16" else 32


def leaf_table(model: TreeEnsemble) -> LeafTable:
    """The smallest exact device form of a model's leaves, or the 31-bit one."""
    if model.is_pure:
        rows = [(row.index(1.0),) for row in model.leaves]
        # Votes need no table: the "row" is the class itself.
        return LeafTable("votes", tuple((c,) for c in range(len(model.classes))), tuple(r[0] for r in rows))
    if model.is_classifier:
        return _proportions(model)
    return _values(model)


def _proportions(model: TreeEnsemble) -> LeafTable:
    one = _common_denominator(model.leaves)
    kind = "sum16"
    if one is None:
        one, kind = INT32_MAX, "sum32"
    rows = [tuple(round(value * one) for value in row) for row in model.leaves]
    return _shared(kind, rows, one=one)


def _common_denominator(leaves: tuple[tuple[float, ...], ...]) -> int | None:
    one = 1
    for value in {value for row in leaves for value in row}:
        fraction = Fraction(value).limit_denominator(INT16_MAX)
        if abs(float(fraction) - value) > _SAME_FRACTION:
            return None
        one = math.lcm(one, fraction.denominator)
        if one > INT16_MAX:
            return None
    return one


def _values(model: TreeEnsemble) -> LeafTable:
    columns = list(zip(*model.leaves, strict=True))
    exact = [_exact_shift(column) for column in columns]
    if all(shift is not None for shift in exact):
        kind, shifts = "sum16", [shift for shift in exact if shift is not None]
    else:
        kind, shifts = "sum32", [_widest_shift(column) for column in columns]
    rows = [
        tuple(round(math.ldexp(value, shift)) for value, shift in zip(row, shifts, strict=True))
        for row in model.leaves
    ]
    return _shared(kind, rows, shifts=tuple(shifts))


def _exact_shift(column: tuple[float, ...]) -> int | None:
    """The smallest shift >= 0 that makes all values 16-bit integers, if there is one."""
    shift = 0
    for value in column:
        # A float64 is an odd integer times a power of two.
        shift = max(shift, value.as_integer_ratio()[1].bit_length() - 1)
    largest = max(abs(value) for value in column)
    return shift if shift <= 15 and math.ldexp(largest, shift) <= INT16_MAX else None


def _widest_shift(column: tuple[float, ...]) -> int:
    """The largest shift that keeps all values within 32 bits (limits: what mw_mean takes)."""
    largest = max(abs(value) for value in column)
    if largest == 0.0:
        return 0
    shift = 31 - math.frexp(largest)[1]
    if round(math.ldexp(largest, shift)) > INT32_MAX:
        shift -= 1
    return min(max(shift, -127), 126)


def _shared(
    kind: str, rows: list[tuple[int, ...]], *, one: int = 1, shifts: tuple[int, ...] = ()
) -> LeafTable:
    distinct: dict[tuple[int, ...], int] = {}
    index = tuple(distinct.setdefault(row, len(distinct)) for row in rows)
    return LeafTable(kind, tuple(distinct), index, one, shifts)


def value_bounds(model: TreeEnsemble) -> tuple[float, ...]:
    """How far each of a regressor's answers on the device can be from the estimator's (absolute).

    Half a step of the fixed-point leaves, then float32 rounding of sum and quotient (half a unit
    in the last place each) at the largest possible answer, and of denormal results.
    """
    table = leaf_table(model)
    bounds = []
    for column, shift in zip(zip(*model.leaves, strict=True), table.shifts, strict=True):
        step = 0.0 if table.kind == "sum16" else math.ldexp(0.5, -shift)
        largest = max(abs(value) for value in column)
        bounds.append(step + largest * 2.0**-23 + (2.0**-149 if largest else 0.0))
    return tuple(bounds)
