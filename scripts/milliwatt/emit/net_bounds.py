"""How far the answers of networks of integers can be from what their scores stand for.

Scores are integers, the same on every CPU. What is made of them is float32: the score times its unit, and a
link. How far scores themselves are from the estimator's is measured, not known.
"""

from __future__ import annotations

from math import inf

from milliwatt.ir.model import EXP, SIGMOID, SOFTMAX
from milliwatt.ir.network import Network
from milliwatt.ir.network_grids import grids, score_units
from milliwatt.ir.network_integers import IntAveragePool, IntDense
from milliwatt.ir.validate_integers import sums

_HALF_ULP = 2.0**-24
_ROUNDINGS = 3  # of the integer as a float, of the unit, and of their product
_LINKS = {SIGMOID: 2.0**-22, SOFTMAX: 2.0**-21, EXP: 2.0**-22}  # see <milliwatt/links.h>
# How far an answer moves when scores do; of exp as a fraction of it.
_STEEPEST = {SIGMOID: 0.25, SOFTMAX: 0.5, EXP: 1.0}
_MOST_MEAN = 255 * 256 + 64  # 256 times the mean of bytes, rounding included


def largest_score(model: Network) -> float:
    """What no score of a network of integers exceeds in size, as a real number."""
    last, known, units = model.layers[-1], grids(model), score_units(model)
    grid, before = known[-1], known[last.inputs[0]]
    if grid is not None:
        return max(abs(grid.low - grid.zero), abs(grid.high - grid.zero)) * max(units)
    assert before is not None
    if isinstance(last, IntAveragePool):
        ends = (0, _MOST_MEAN) if last.bits == 8 else (before.low, before.high)
        return max(abs(end * last.scale + last.offset) for end in ends) * max(units)
    assert isinstance(last, IntDense)
    how, each = last.requantize, units if len(units) > 1 else units * last.n_out
    return max(
        max(abs(low >> how.sum_shift), abs(high >> how.sum_shift)) * scale * unit
        for (low, high), scale, unit in zip(sums(last, before), how.scale.numbers(), each, strict=True)
    )


def score_bound(model: Network) -> float:
    """How far a score is from its integer times its unit."""
    return _ROUNDINGS * _HALF_ULP * largest_score(model)


def answer_bound(model: Network) -> float:
    """How far an answer is from what the link makes of exact scores; of exp as a fraction of it."""
    bound = score_bound(model)
    if model.link not in _LINKS:
        return bound
    if model.link == EXP and bound > 1.0:
        return inf  # e^x of numbers so large is no float32 in any case
    # A difference of scores, which softmax takes, is rounded once more.
    rounded = 2 * _HALF_ULP * largest_score(model) if model.link == SOFTMAX else 0.0
    return _LINKS[model.link] + 1.01 * _STEEPEST[model.link] * (bound + rounded)
