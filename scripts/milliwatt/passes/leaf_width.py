"""Leaf values of a few bits.

Proportions become multiples of ``1 / (2**bits - 1)``, rounded so that each row still adds up to 1: the
largest remainders are rounded up, of equal ones the first. Other values become multiples of a power
of two, the smallest with which they span ``2**bits - 1`` steps at most; it is one step an output for
regressors, and one for all scores of a classifier, as these are compared with each other.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import MilliwattError
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.validate import MAX_LEAF_BITS
from milliwatt.passes.leaf_rows import has_proportions, leaf_groups, replace_rows

# Differences below this between remainders are rounding noise of the proportions themselves.
_NOISE_DIGITS = 9
# Values are steps away from 0 no more often than float32, the type of answers, can tell apart.
_MOST_STEPS = float(1 << 24)
_SMALLEST_EXPONENT = -149
# Proportions are quotients computed in float64: closer than this to a fraction means that fraction.
_SAME_FRACTION = 1e-12


def set_leaf_bits(model: TreeEnsemble, bits: int) -> TreeEnsemble:
    """The model with leaf values of so many bits; what ``prune`` can take out it leaves in.

    Args:
        bits: 1 to 16; 0 means hard votes: each leaf gives everything to its best class, the lowest
            index among equals. One bit comes to the same, except for additive models.

    Raises:
        MilliwattError: hard votes of a model whose leaves are no proportions, or an impossible width.
    """
    if not 0 <= bits <= MAX_LEAF_BITS:
        raise MilliwattError(
            f"{bits} bits are not possible", option="leaf_bits", cure=f"give 0 to {MAX_LEAF_BITS}"
        )
    groups = leaf_groups(model)
    return replace_rows(model, groups, [rounded(model, group.values, bits) for group in groups])


def rounded(model: TreeEnsemble, values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Leaf rows of a model, shape (rows, width), as values of so many bits."""
    if has_proportions(model):
        if bits == 0:
            return _hard(values)
        one = (1 << bits) - 1
        return numerators(values, one) / one
    if bits == 0:
        raise MilliwattError(
            "hard votes need leaves that hold class proportions, and this model adds up "
            + ("scores" if model.is_classifier else "values"),
            option="leaf_bits",
            cure=f"use leaf_bits=1 to {MAX_LEAF_BITS}, or exact",
        )
    if model.is_classifier:
        return _stepped(values, bits)
    return np.column_stack([_stepped(column, bits) for column in values.T])


def numerators(rows: NDArray[np.float64], one: int) -> NDArray[np.int64]:
    """Rows of proportions as integers, each row adding up to ``one``, by largest remainders."""
    scaled = rows * (one / rows.sum(axis=1, keepdims=True))
    # Noise just below a whole number must not cost it a unit.
    floor = np.floor(scaled + 0.5 * 10.0**-_NOISE_DIGITS)
    remainder = np.round(scaled - floor, _NOISE_DIGITS)
    missing = one - floor.sum(axis=1, keepdims=True)
    rank = np.empty(rows.shape, dtype=np.int64)
    order = np.argsort(-remainder, axis=1, kind="stable")
    np.put_along_axis(rank, order, np.arange(rows.shape[1])[np.newaxis, :], axis=1)
    found: NDArray[np.int64] = (floor + (rank < missing)).astype(np.int64)
    return found


def exact_bits(model: TreeEnsemble) -> int | None:
    """The fewest bits in which a model's proportions are exact; None where 16 are not enough."""
    largest = (1 << MAX_LEAF_BITS) - 1
    one = 1
    for value in {value for row in model.leaves for value in row}:
        fraction = Fraction(value).limit_denominator(largest)
        if abs(float(fraction) - value) > _SAME_FRACTION:
            return None
        one = math.lcm(one, fraction.denominator)
        if one > largest:
            return None
    return one.bit_length()


def _hard(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    # Rounded, so that noise does not decide between proportions that are meant to be equal.
    best = np.round(rows, _NOISE_DIGITS).argmax(axis=1)
    one_hot: NDArray[np.float64] = np.eye(rows.shape[1])[best]
    return one_hot


def _stepped(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    step = _step(float(values.min()), float(values.max()), (1 << bits) - 1)
    limit = math.floor(FLOAT32_MAX / step)
    return np.clip(np.rint(values / step), -limit, limit) * step


def _step(low: float, high: float, most: int) -> float:
    """The smallest power of two in which a range, its ends rounded, spans ``most`` steps at most."""
    finest = max((high - low) / (most + 1), max(abs(low), abs(high)) / _MOST_STEPS)
    exponent = max(math.frexp(finest)[1] - 1 if finest else 0, _SMALLEST_EXPONENT)
    while not _spans(low, high, math.ldexp(1.0, exponent), most):
        exponent += 1
    return math.ldexp(1.0, exponent)


def _spans(low: float, high: float, step: float, most: int) -> bool:
    # Python's round() and numpy's rint() both take the even one of two neighbours.
    within = max(abs(low), abs(high)) / step <= _MOST_STEPS
    return within and round(high / step) - round(low / step) <= most
