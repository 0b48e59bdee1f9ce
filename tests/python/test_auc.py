"""Areas under the ROC curve against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from milliwatt.host import macro_auc


@given(st.integers(0, 2**32 - 1), st.integers(3, 6), st.sampled_from([2, 5, 1000]))
def test_many_classes_as_scikit_learn(seed: int, classes: int, levels: int) -> None:
    """Few levels make many ties."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, 30)])
    scores = rng.integers(1, levels + 1, (len(truth), classes)).astype(float)
    scores /= scores.sum(axis=1, keepdims=True)
    expected = roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert macro_auc(scores, truth) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 1000]))
def test_two_classes_as_scikit_learn(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([[0, 1], rng.integers(0, 2, 30)])
    score = rng.integers(0, levels, len(truth)) / levels
    expected = roc_auc_score(truth, score)
    assert macro_auc(score[:, np.newaxis], truth) == pytest.approx(expected, abs=1e-12)
    both = np.column_stack([1.0 - score, score])
    assert macro_auc(both, truth) == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    score = np.array([[0.1], [0.4], [0.35], [0.8]])
    assert macro_auc(score, np.array([0, 0, 1, 1])) == 0.75
    assert macro_auc(score, np.array([0, 0, 0, 1])) == 1.0
    assert macro_auc(-score, np.array([0, 0, 0, 1])) == 0.0
    assert macro_auc(np.ones((4, 1)), np.array([0, 1, 0, 1])) == 0.5


def test_classes_that_do_not_occur_are_left_out() -> None:
    scores = np.array([[0.6, 0.4, 0.0], [0.3, 0.7, 0.0], [0.6, 0.4, 0.0]])
    assert macro_auc(scores, np.array([0, 1, 0])) == 1.0
    assert macro_auc(scores, np.array([0, 0, 0])) is None
    assert macro_auc(scores[:, :1], np.array([1, 1, 1])) is None
    assert macro_auc(np.zeros((0, 3)), np.zeros(0, dtype=np.intp)) is None
