"""Answers compared with the estimator's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Agreement

# Below this the order of an estimator's best two probabilities is rounding noise of its own sum.
TIE = 1e-9


def is_tie(probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """For each row, whether the best two probabilities differ by less than 1e-9."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=bool)
    best = np.partition(probabilities, -2, axis=1)[:, -2:]
    result: NDArray[np.bool_] = best[:, 1] - best[:, 0] < TIE
    return result


def compare_classes(
    answers: NDArray[Any], probabilities: NDArray[Any], tie: float | NDArray[np.float64] = TIE
) -> Agreement:
    """Class indices compared with an estimator's probabilities (``class_columns`` of its answers).

    A row counts as agreeing when the answer is the estimator's class, and as a tie when the
    answer is another of the classes whose probability is within ``tie`` of the best.

    Args:
        tie: one for all rows, or one a row.
    """
    expected = probabilities.argmax(axis=1)
    same = answers == expected
    rows = np.arange(len(answers))
    behind = probabilities[rows, expected] - probabilities[rows, answers]
    ties = ~same & (behind < tie)
    return Agreement(rows=len(answers), agree=int(same.sum()), ties=int(ties.sum()))


def compare_labels(answers: NDArray[Any], probabilities: NDArray[Any], tie: float = TIE) -> Agreement:
    """Labels that hold or not (0 or 1, a column each) compared with an estimator's probabilities.

    A row agrees when all its labels do, and is a tie when those that differ are all within ``tie`` of 1/2.
    """
    expected = probabilities > 0.5
    differs = np.asarray(answers, dtype=bool) != expected
    close = np.abs(probabilities - 0.5) < tie
    same = ~differs.any(axis=1)
    ties = ~same & (~differs | close).all(axis=1)
    return Agreement(rows=len(answers), agree=int(same.sum()), ties=int(ties.sum()))


def compare_values(answers: NDArray[Any], expected: NDArray[Any], bound: NDArray[Any]) -> Agreement:
    """Regressed values compared with an estimator's: a row agrees within the stated bound."""
    error = np.abs(np.asarray(answers, dtype=np.float64) - expected)
    if error.ndim == 1:
        error = error[:, np.newaxis]
    return Agreement(
        rows=len(answers),
        agree=int((error <= bound).all(axis=1).sum()),
        max_error=float(error.max(initial=0.0)),
    )
