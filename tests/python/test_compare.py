"""What counts as agreement, and what as a tie."""

from __future__ import annotations

import numpy as np

from milliwatt.host import compare_classes, compare_values, is_tie
from milliwatt.ir import Agreement


def test_classes() -> None:
    probabilities = np.array(
        [
            [0.2, 0.8],  # clear
            [0.5, 0.5],  # equal
            [0.5 + 1e-10, 0.5 - 1e-10],  # equal but for rounding
            [0.5 + 1e-8, 0.5 - 1e-8],  # clear, if close
        ]
    )
    assert is_tie(probabilities).tolist() == [False, True, True, False]
    same = np.array([1, 0, 0, 0])
    assert compare_classes(same, probabilities) == Agreement(rows=4, agree=4, ties=0)
    assert compare_classes(1 - same, probabilities) == Agreement(rows=4, agree=0, ties=2)
    assert compare_classes(1 - same, probabilities).fraction == 0.5


def test_a_tie_of_two_does_not_excuse_the_third() -> None:
    probabilities = np.array([[0.4, 0.4, 0.2]] * 3)
    assert compare_classes(np.array([0, 1, 2]), probabilities) == Agreement(rows=3, agree=1, ties=1)


def test_one_class_has_no_ties() -> None:
    assert is_tie(np.ones((3, 1))).tolist() == [False] * 3


def test_values_within_the_bound_of_every_output() -> None:
    expected = np.array([[1.0, 100.0], [1.0, 100.0], [1.0, 100.0]])
    answers = expected + np.array([[0.1, 0.0], [0.0, 1.0], [0.2, 1.0]])
    agreement = compare_values(answers, expected, np.array([0.15, 2.0]))
    assert (agreement.rows, agreement.agree, agreement.ties) == (3, 2, 0)
    assert agreement.max_error == 1.0
    assert compare_values(answers[:, 0], expected[:, 0], np.array([0.15])).agree == 2
    assert compare_values(np.empty((0, 2)), np.empty((0, 2)), np.zeros(2)).fraction == 1.0
