"""Estimators against their IR models, evaluated by numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import decide, evaluate, scores, undecided
from milliwatt.ir import AnyModel
from milliwatt.passes import prepare


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """For modules that import it: threads that wait for each other take longer than small data do."""
    with threadpool_limits(1):
        yield


def agrees(estimator: Any, x: NDArray[Any], *, nan: str = "auto", rtol: float = 1e-9) -> Any:
    """The estimator's model after all passes, which answered as the estimator does.

    Both the model as the frontend gives it and the one after the passes are evaluated.

    Args:
        x: samples; they are rounded to float32 first, as the device takes them.
        rtol: of answers, relative to each and to the largest of a thousandth part.
    """
    raw = to_ir(estimator, nan=nan)
    prepared, _ = prepare(raw, "float", None)
    samples = np.asarray(x, dtype=np.float32).astype(np.float64)
    expected = estimator_answers(estimator, samples)
    for model in (raw, prepared):
        answers = evaluate(model, samples)
        assert answers.shape == expected.shape
        # What has cancelled out in a sum keeps the rounding of its terms.
        slack = rtol * 1e-3 * np.abs(expected).max(initial=1e-300)
        if model.is_classifier and model.noise > 1e-9:
            slack += model.noise  # scores so large that their sum is no better; probabilities follow them
        clear = ~undecided(model, samples)
        np.testing.assert_allclose(answers[clear], expected[clear], rtol=rtol, atol=slack)
        if model.is_classifier:
            _same_classes(model, estimator, samples)
    return prepared


def _same_classes(model: AnyModel, estimator: Any, samples: NDArray[np.float64]) -> None:
    reached = scores(model, samples)
    given = decide(model, reached)
    labels = np.empty(len(model.classes), dtype=object)
    labels[:] = model.classes
    wrong = np.array([a != b for a, b in zip(labels[given], _labels(estimator, samples), strict=True)])
    if model.is_binary:
        margin = np.abs(reached[:, 0] - model.cut)
    else:
        best = np.sort(reached, axis=1)[:, -2:]
        margin = best[:, -1] - best[:, 0]
    excused = undecided(model, samples)
    if not getattr(model, "counts_votes", False):  # votes are counted exactly, ties included
        excused |= margin <= model.noise
    assert excused[wrong].all()


def _labels(estimator: Any, samples: NDArray[np.float64]) -> list[Any]:
    found: list[Any] = np.asarray(estimator.predict(samples)).tolist()
    return found


def near_thresholds(
    model: AnyModel, x: NDArray[Any], rng: np.random.Generator, rows: int = 200
) -> NDArray[np.float64]:
    """Samples drawn from x, each with one feature at some split's threshold or one float beside it."""
    drawn = np.asarray(x, dtype=np.float32)[rng.integers(len(x), size=rows)]
    splits = [(f, t) for tree in model.trees for f, t in zip(tree.feature, tree.threshold, strict=True)]
    largest = np.finfo(np.float32).max
    for row in drawn if splits else []:
        feature, threshold = splits[rng.integers(len(splits))]
        exact = np.float32(np.clip(threshold, -largest, largest))
        towards = rng.choice([np.float32(-np.inf), exact, np.float32(np.inf)])
        with np.errstate(over="ignore"):
            row[feature] = np.clip(np.nextafter(exact, towards), -largest, largest)
    found: NDArray[np.float64] = drawn.astype(np.float64)
    return found
