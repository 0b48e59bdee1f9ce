"""How far answers can be from the estimator's, as generated headers say it: true, and not said idly."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble

import milliwatt
from milliwatt.emit import emit_c

rng = np.random.default_rng(8)
X = rng.normal(size=(200, 4)).astype(np.float32)
TWO = (X[:, 0] + X[:, 1] + 0.4 * rng.normal(size=200) > 0).astype(int)
THREE = TWO + (X[:, 2] > 0.3)
VALUES = X @ [1.0, 2.0, -1.0, 0.5]
BOTH = np.stack([VALUES, 10 * X[:, 1]], axis=1)
GBC, GBR = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
HGR = ensemble.HistGradientBoostingRegressor

# What is trained, on what, and what the C function of that name answers according to the estimator.
CASES: dict[str, tuple[Any, Any, str, str]] = {
    "forest": (
        ensemble.RandomForestClassifier(5, min_samples_leaf=3),
        THREE,
        "predict_proba",
        "predict_proba",
    ),
    "values": (ensemble.RandomForestRegressor(5, min_samples_leaf=3), VALUES, "regress", "predict"),
    "two values": (ensemble.RandomForestRegressor(5, min_samples_leaf=3), BOTH, "regress", "predict"),
    "boosting": (GBC(n_estimators=6), TWO, "predict_proba", "predict_proba"),
    "boosting scores": (GBC(n_estimators=6), TWO, "score", "decision_function"),
    "classes": (GBC(n_estimators=6), THREE, "predict_proba", "predict_proba"),
    "classes' scores": (GBC(n_estimators=6), THREE, "score", "decision_function"),
    "boosted values": (GBR(n_estimators=6), VALUES, "regress", "predict"),
    "median": (ensemble.AdaBoostRegressor(n_estimators=6), VALUES, "regress", "predict"),
}
_NUMBER = r"([0-9.]+(?:e[-+][0-9]+)?)"
_SAID = re.compile(rf"within {_NUMBER} of the\s*\*?\s*estimator's(?:,\s*\* +and up to {_NUMBER} more since)?")


def said(model: milliwatt.Model, function: str) -> tuple[float, float]:
    """The two numbers in the comment before a function of the header: bound, and what rounding adds."""
    header = emit_c(model.ir).files["model.h"]
    comment = header[: header.index(f"int model_{function}(")].rpartition("/**")[2]
    assert max(map(len, comment.splitlines())) <= 110
    found = _SAID.search(comment)
    assert found is not None, comment
    return float(found[1]), float(found[2] or 0)


def answers(model: milliwatt.Model, function: str) -> np.ndarray:
    given = getattr(model.host, function)(model.host.device_features(X))
    return np.asarray(given, dtype=np.float64).reshape(len(X), -1)


@pytest.mark.parametrize("bits", ["exact", 8, 4])
@pytest.mark.parametrize("case", CASES)
def test_what_is_said_holds(case: str, bits: str | int) -> None:
    estimator, y, function, method = CASES[case]
    estimator.set_params(random_state=0).fit(X, y)
    model = milliwatt.convert(estimator, leaf_bits=bits)
    expected = np.asarray(getattr(estimator, method)(X)).reshape(len(X), -1)
    off = np.abs(answers(model, function) - expected).max()
    bound, rounded = said(model, function)
    assert off <= bound + rounded
    if bits == "exact":
        assert rounded == 0
    else:
        assert off > bound, "so the header has to say more than for exact leaves"
        assert rounded < 1e3 * off


def test_what_is_said_of_powers_of_e() -> None:
    estimator = HGR(loss="poisson", max_iter=5, min_samples_leaf=5).fit(X, np.exp(VALUES / 2))
    expected = estimator.predict(X)
    for bits in ("exact", 4):
        model = milliwatt.convert(estimator, leaf_bits=bits)
        header = re.sub(r"\s*\n \*\s*", " ", emit_c(model.ir).files["model.h"])
        found = re.search(
            rf"at most {_NUMBER} off the estimator's(?:, and up to {_NUMBER} more since)?", header
        )
        assert found is not None, header
        off = np.abs(answers(model, "regress")[:, 0] - expected)
        allowed = float(found[1]) * expected + float(found[2] or 0)
        assert (off <= 1.05 * allowed).all()
        assert (
            (found[2] is None) == (bits == "exact") == bool((off <= 1.05 * float(found[1]) * expected).all())
        )


def test_clusters_and_hard_votes_say_it_too() -> None:
    forest = ensemble.RandomForestClassifier(5, min_samples_leaf=9, random_state=0).fit(X, THREE)
    for options in ({"leaf_clusters": 2}, {"leaf_bits": 0}):
        model = milliwatt.convert(forest, **options)
        off = np.abs(model.predict_proba(X) - forest.predict_proba(X)).max()
        bound, rounded = said(model, "predict_proba")
        assert bound < off <= 1.05 * (bound + rounded)
