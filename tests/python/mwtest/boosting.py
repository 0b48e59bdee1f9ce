"""What the tests of XGBoost's and LightGBM's frontends share: samples, and comparison with the library."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

# Both libraries start a thread a core for models of a few hundred rows, and wait for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import class_columns, compare_classes, decide, evaluate, scores
from milliwatt.ir import TreeEnsemble, dumps, loads
from milliwatt.passes import prepare

Rows = NDArray[np.float32]


class Problem(NamedTuple):
    """Features and targets to train on."""

    x: Rows
    gaps: Rows
    codes: Rows
    binary: NDArray[np.intp]
    classes: NDArray[np.intp]
    values: Rows


def problem(seed: int, rows: int, categories: int) -> Problem:
    """Four features: with gaps, and with two of them counting categories, 40 and ``categories`` of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    gaps = np.where(rng.random(x.shape) < 0.15, np.float32(np.nan), x)
    codes = x.copy()
    codes[:, 2] = rng.integers(0, 40, rows)
    codes[:, 3] = rng.integers(0, categories, rows)
    binary = (x[:, 0] + 0.3 * rng.normal(size=rows) > 0).astype(int)
    classes = binary + (x[:, 1] > 0.4)
    return Problem(x, gaps, codes, binary, classes, np.abs(x[:, 0] * 2 + x[:, 1]) + 0.1)


def near_thresholds(model: TreeEnsemble, x: Rows, count: int, seed: int, gaps: float = 0.0) -> Rows:
    """Samples with features at thresholds of the model, or one float32 beside them.

    Features that some split takes for categories get categories, known ones and others.
    """
    rng = np.random.default_rng(seed)
    rows = x[rng.integers(len(x), size=count)].copy()
    tests = [
        (f, t)
        for tree in model.trees
        for f, t, c in zip(
            tree.feature, tree.threshold, tree.category_set or (-1,) * tree.n_splits, strict=True
        )
        if c < 0 and np.isfinite(t)
    ]
    counting = categorical_features(model)
    for row in rows:
        for _ in range(min(len(tests), x.shape[1])):
            feature, threshold = tests[rng.integers(len(tests))]
            with np.errstate(over="ignore"):
                value = np.float32(threshold)
                step = np.float32(rng.choice([-np.inf, value, np.inf]))
                value = np.nextafter(value, step)
            row[feature] = value if np.isfinite(value) else row[feature]
        for feature in counting:
            row[feature] = rng.choice([0, 1, 2, 3, 5, 7, 31, 32, 33, 40, 65_535, 70_000])
    rows[rng.random(rows.shape) < gaps] = np.nan
    return rows


def categorical_features(model: TreeEnsemble) -> list[int]:
    """Features that some split takes for a category."""
    return sorted({f for t in model.trees for f, c in zip(t.feature, t.category_set, strict=False) if c >= 0})


def value_bound(model: TreeEnsemble, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a library's answers may be from exact ones when its scores are off by ``noise``."""
    if model.link == "exp":
        return values * (np.expm1(model.noise) + 2.0**-20)
    return np.full(values.shape, model.noise)  # sigmoid's and softmax's slopes are below 1


def same(estimator: Any, x: Rows, **options: Any) -> TreeEnsemble:
    """Convert, and compare the oracle with the library: answers within the bound, classes equal but for ties.

    The model takes a trip through ``*.mw.json`` first.
    """
    model, _ = prepare(to_ir(estimator, **options), "float", None)
    assert loads(dumps(model)) == model
    expected = estimator_answers(estimator, x)
    given = evaluate(model, x)
    assert given.shape == expected.shape == (len(x), 1 if model.link == "margin" else model.n_answers)
    excess = np.abs(given - expected) - value_bound(model, given)
    assert (excess <= 0).all(), (excess.max(), model.noise)
    if model.is_classifier:
        agreement = compare_classes(
            decide(model, scores(model, x)), class_columns(model, expected), model.noise
        )
        assert agreement.agree + agreement.ties == len(x)
        assert agreement.ties <= 0.05 * len(x) + 3  # or nothing would be compared
    return model
