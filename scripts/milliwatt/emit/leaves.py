"""Leaf rows as integers: how a model's scores are added up on the device.

ML libraries add up floating-point numbers. The same decisions come out of integers, in one of two
kinds:

* votes: every leaf is pure, so each tree adds 1 to one class. Exact.
* rows: every leaf is a row of unsigned integers of 8, 16 or 32 bits. Exact where all values are
  multiples of one step that these can hold; else rounded to the finest step with which no sum of
  32 bits overflows.

A row holds ``(value - lowest) / step``, so that sums only grow. ``score_bounds`` says how far a score can
be from the estimator's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from milliwatt.emit.bits import c_width
from milliwatt.emit.steps import common_denominator, exact_shift, finest_shift
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import MEAN, MEDIAN

SUM_MAX = (1 << 31) - 1
_COARSEST = 1e-2


@dataclass(frozen=True)
class LeafTable:
    """Leaf rows in device form.

    The score of output ``o`` is ``base[o] + (sum - zero[o]) * 2**-shift[o]``, divided by the number of
    trees before ``base`` is added where the model takes means; with ``one > 0`` it is the proportion
    ``sum / (trees * one)``.

    Attributes:
        kind: ``"votes"`` or ``"rows"``.
        rows: integer rows; for votes one class index a row. One number for each output, except that
            models with ``outputs`` have one number, and with ``implied`` the last one is left out.
        index: for each row of ``model.leaves`` its row here (rows that became equal are shared).
        bits: width of a number in a row: 8, 16 or 32.
        one: proportions: the integer that stands for 1; else 0.
        implied: the numbers of every full row add up to ``one``, so that the last needs no room.
        shift, zero, start: one an output: see above; and what its sum starts from.
        base: one an output: added to the score in floating point.
        exact: rows are not rounded.
    """

    kind: str
    rows: tuple[tuple[int, ...], ...]
    index: tuple[int, ...]
    bits: int = 8
    one: int = 0
    implied: bool = False
    shift: tuple[int, ...] = ()
    zero: tuple[int, ...] = ()
    start: tuple[int, ...] = ()
    base: tuple[float, ...] = ()
    exact: bool = True

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return len(self.rows[0])


def leaf_table(model: TreeEnsemble) -> LeafTable:
    """The smallest exact device form of a model's leaves, or the finest one."""
    if model.is_pure:
        rows = [(row.index(1.0),) for row in model.leaves]
        # Votes need no table: the "row" is the class itself.
        return LeafTable("votes", tuple((c,) for c in range(len(model.classes))), tuple(r[0] for r in rows))
    if model.averages_proportions:
        return _proportions(model)
    return _ranked(model) if model.aggregate == MEDIAN else _values(model)


def _proportions(model: TreeEnsemble) -> LeafTable:
    largest = SUM_MAX // len(model.trees)
    one = common_denominator(model.leaves, min(largest, 0xFFFF))
    exact = one is not None
    if one is None:
        one = largest
    rows = [_rounded(row, one) for row in model.leaves]
    implied = len(model.classes) > 1 and all(sum(row) == one for row in rows)
    bits = c_width(one)
    table, index = _shared([row[:-1] for row in rows] if implied else rows)
    return LeafTable("rows", table, index, bits, one=one, implied=implied, exact=exact)


def _rounded(row: tuple[float, ...], one: int) -> tuple[int, ...]:
    """A row in units of ``1 / one``, rounded so that a sum of 1 stays one."""
    scaled = [value * one for value in row]
    found = [round(value) for value in scaled]
    if abs(sum(row) - 1.0) > 1e-9:
        return tuple(found)
    # What rounding added or took is given back where it was largest.
    excess = sum(found) - one
    step = 1 if excess > 0 else -1
    # Of equal ones the first stays the largest: it is the class that scikit-learn answers.
    order = sorted(range(len(row)), key=lambda i: (step * (scaled[i] - found[i]), -step * i))
    for i in order[: abs(excess)]:
        found[i] -= step
    return tuple(found)


def _values(model: TreeEnsemble) -> LeafTable:
    """Values of additive models and regressors: one step an output; or one for all, where sums are
    compared with each other or leaves do not say which output they are for."""
    columns = _columns(model)
    if model.is_classifier or model.outputs:
        merged = [value for row in model.leaves for value in row]
        shifts = [_shift(model, merged, max(_trees_each(model)))] * model.n_outputs
        lows = [min(merged)] * model.n_outputs
    else:
        shifts = [_shift(model, c, n) for c, n in zip(columns, _trees_each(model), strict=True)]
        lows = [min(column) for column in columns]
    lowest = [round(math.ldexp(low, shift)) for low, shift in zip(lows, shifts, strict=True)]
    width = len(model.leaves[0])
    rows = [
        tuple(round(math.ldexp(row[o], shifts[o])) - lowest[o] for o in range(width)) for row in model.leaves
    ]
    largest = max(max(row) for row in rows)
    table, index = _shared(rows)
    zero = [-low * n for low, n in zip(lowest, _trees_each(model), strict=True)]
    start = _start(model, shifts, zero)
    exact = all(
        math.ldexp(v, s) == round(math.ldexp(v, s)) for c, s in zip(columns, shifts, strict=True) for v in c
    )
    if not exact:
        _check_steps(model, shifts[0])
    return LeafTable(
        "rows",
        table,
        index,
        c_width(largest),
        shift=tuple(shifts),
        zero=tuple(z + s for z, s in zip(zero, start, strict=True)),
        start=tuple(start),
        base=model.base or (0.0,) * model.n_outputs,
        exact=exact,
    )


def _check_steps(model: TreeEnsemble, shift: int) -> None:
    """Refuse what 32 bits cannot tell apart: margins are a few units, whatever the leaves are."""
    off = math.ldexp(0.5, -shift) * len(model.trees)
    if model.is_classifier and off > _COARSEST:
        raise UnsupportedModelError(
            f"its leaves are so large that sums of 32 bits would be off by {off:.3g}, and classes with them",
            cure="train with a smaller learning_rate: trees that overshoot cancel each other out",
        )


def _start(model: TreeEnsemble, shifts: list[int], zero: list[int]) -> list[int]:
    """What sums start from so that they compare as scores do: only classes are compared."""
    if not model.is_classifier or model.is_binary:
        return [0] * model.n_outputs
    trees = len(model.trees) if model.aggregate == MEAN else 1
    base = model.base or (0.0,) * model.n_outputs
    level = [round(math.ldexp(b * trees, s)) - z for b, s, z in zip(base, shifts, zero, strict=True)]
    return [value - min(level) for value in level]


def _columns(model: TreeEnsemble) -> list[list[float]]:
    """The values that each output may add up; leaves of one number do not say which output they are for."""
    columns = [list(column) for column in zip(*model.leaves, strict=True)]
    return columns * model.n_outputs if model.outputs else columns


def _trees_each(model: TreeEnsemble) -> list[int]:
    """How many trees add to each output."""
    if not model.outputs:
        return [len(model.trees)] * model.n_outputs
    return [model.outputs.count(output) for output in range(model.n_outputs)]


def _shift(model: TreeEnsemble, values: list[float], n_trees: int) -> int:
    """Steps are ``2**-shift``: exact in 16 bits if that can be, else as fine as sums allow."""
    base = max(map(abs, model.base), default=0.0) * (n_trees if model.aggregate == MEAN else 1)
    room = n_trees * max(max(map(abs, values)), max(values) - min(values)) + 2 * base
    finest = finest_shift(room, SUM_MAX - n_trees - 2)
    exact = exact_shift(values, 0xFFFF)
    if exact is None or exact > finest:
        return finest
    if _compares_bases(model) and exact_shift(model.base, SUM_MAX) not in range(exact + 1):
        # Sums start from rounded bases: as fine as leaves of 16 bits can be.
        return min(finest, max(exact, finest_shift(max(values) - min(values), 0xFFFF)))
    return exact


def _compares_bases(model: TreeEnsemble) -> bool:
    """True where sums of several classes start from their bases."""
    return model.is_classifier and not model.is_binary and any(model.base)


def _ranked(model: TreeEnsemble) -> LeafTable:
    """Medians compare leaf values and never add them: rows are ranks among the distinct values."""
    distinct = sorted({row[0] for row in model.leaves})
    rank = {value: number for number, value in enumerate(distinct)}
    index = tuple(rank[row[0]] for row in model.leaves)
    bits = c_width(len(distinct) - 1)
    return LeafTable("rows", tuple((r,) for r in range(len(distinct))), index, bits)


def _shared(rows: list[tuple[int, ...]]) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    distinct: dict[tuple[int, ...], int] = {}
    index = tuple(distinct.setdefault(row, len(distinct)) for row in rows)
    return tuple(distinct), index


def cut_sum(model: TreeEnsemble, table: LeafTable) -> int:
    """Binary classifiers: class 1 is answered when the sum is larger than this integer. Exact."""
    trees = len(model.trees) if model.aggregate == MEAN else 1
    steps = Fraction(2) ** table.shift[0] * trees
    bound = (Fraction(model.cut) - Fraction(table.base[0])) * steps + table.zero[0]
    below = math.ceil(bound) - 1 if model.cut_inclusive else math.floor(bound)
    return min(max(below, -SUM_MAX - 1), SUM_MAX)


def score_bounds(model: TreeEnsemble, table: LeafTable | None = None) -> tuple[float, ...]:
    """How far each score on the device can be from the exact one (absolute).

    Half a step for each rounded leaf, then float32 rounding of sum, quotient and base (half a unit
    in the last place each) at the largest possible score, and of denormal results.
    """
    table = table or leaf_table(model)
    if model.aggregate == MEDIAN:
        return (max(abs(row[0]) for row in model.leaves) * 2.0**-24 + 2.0**-149,)
    if table.kind == "votes" or table.one:
        step = 0.0 if table.exact else 1.0 / table.one
        return (step + 2.0**-23,) * model.n_outputs
    bounds = []
    base = model.base or (0.0,) * model.n_outputs
    for column, shift, offset, trees in zip(
        _columns(model), table.shift, base, _trees_each(model), strict=True
    ):
        added = 1 if model.aggregate == MEAN else trees
        step = 0.0 if table.exact else math.ldexp(0.5, -shift) * added
        step += math.ldexp(0.5, -shift) if _compares_bases(model) else 0.0
        largest = max(map(abs, column)) * added
        rounding = largest * 2.0**-23 + (largest + abs(offset)) * 2.0**-23 * bool(offset)
        bounds.append(step + rounding + (2.0**-149 if largest or offset else 0.0))
    return tuple(bounds)


def value_bounds(model: TreeEnsemble, table: LeafTable | None = None) -> tuple[float, ...]:
    """How far each of the answers of ``predict_proba`` or ``regress`` can be from the exact ones (absolute).

    The slope of sigmoid is at most 1/4, of softmax 1/2 for each score; ``mw_exp`` adds its own error
    (``include/milliwatt/links.h``). ``exp`` grows without bound: its error is the largest value's.
    """
    bounds = score_bounds(model, table)
    if model.link == "sigmoid":
        return tuple(bound / 4 + 2.0**-22 for bound in bounds) * (2 if model.is_binary else 1)
    if model.link == "isolation":
        return (bounds[0] + 2.0**-21,)
    if model.link == "softmax":
        return (max(bounds) + 2.0**-21,) * model.n_outputs
    if model.link == "exp":
        return tuple(_exp_bound(model, bound, o) for o, bound in enumerate(bounds))
    if model.is_binary and model.has_probabilities:
        return tuple(bounds) * 2
    return bounds


def relative_exp_bound(bound: float) -> float:
    """The relative error of ``mw_exp(score)`` when the score is off by ``bound``."""
    return math.expm1(min(bound, 80.0)) + 2.0**-22


def _exp_bound(model: TreeEnsemble, bound: float, output: int) -> float:
    column = _columns(model)[output]
    added = 1 if model.aggregate == MEAN else _trees_each(model)[output]
    top = (model.base[output] if model.base else 0.0) + max(column) * added
    return math.exp(min(top, 88.0)) * relative_exp_bound(bound) + 2.0**-126
