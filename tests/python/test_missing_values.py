"""NaN features: followed as scikit-learn does, refused, or ignored, as the nan option says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, tree

import milliwatt
from milliwatt.errors import InputError, MilliwattError
from milliwatt.options import METHODS

rng = np.random.default_rng(3)
X = rng.normal(size=(200, 4)).astype(np.float32)
GAPS = np.where(rng.random(X.shape) < 0.2, np.float32(np.nan), X)
Y = (np.nan_to_num(GAPS[:, 0]) > 0).astype(int) + np.isnan(GAPS[:, 1])
PROBE = np.where(rng.random(X.shape) < 0.4, np.float32(np.nan), rng.normal(size=X.shape).astype(np.float32))
PROBE[:4] = np.nan
PROBE[4:8] = -np.float32(np.nan)

KINDS = [
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    tree.ExtraTreeRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
]


def _fit(kind: type, x: np.ndarray = GAPS, **settings: Any) -> Any:
    if kind.__module__.startswith("sklearn.ensemble"):
        settings["n_estimators"] = 7
    return kind(random_state=0, **settings).fit(x, Y)


def _same(model: milliwatt.Model, estimator: Any, x: np.ndarray = PROBE) -> None:
    if model.ir.is_classifier:
        probabilities = estimator.predict_proba(x)
        assert np.abs(model.predict_proba(x) - probabilities).max() <= 2.0**-22
        two = np.sort(probabilities, axis=1)[:, -2:]
        clear = two[:, 1] - two[:, 0] >= 1e-9
        assert (model.predict(x) == estimator.predict(x))[clear].all()
    else:
        assert (np.abs(model.predict(x) - estimator.predict(x)) <= model.bound).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_trained_with_gaps_follows_them(kind: type, method: str) -> None:
    estimator = _fit(kind)
    model = milliwatt.convert(estimator, method=method)
    assert model.ir.handles_missing
    assert model.ir.dtype == "float"
    _same(model, estimator)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_trained_without_gaps_refuses_them(kind: type) -> None:
    """The rule by which scikit-learn sends NaN there must not be taken for something learnt."""
    estimator = _fit(kind, X)
    model = milliwatt.convert(estimator)
    assert not model.ir.handles_missing
    _same(model, estimator, X)
    with pytest.raises(InputError, match="feature 0 of sample 0 is NaN") as caught:
        model.predict(PROBE)
    assert "nan=follow" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_follow_without_gaps_in_training_is_scikit_learns_rule(kind: type, method: str) -> None:
    estimator = _fit(kind, X)
    _same(milliwatt.convert(estimator, nan="follow", method=method), estimator)


@pytest.mark.parametrize("nan", ["refuse", "ignore"])
@pytest.mark.parametrize("dtype", ["auto", "float"])
def test_trained_with_gaps_but_not_followed(nan: str, dtype: str) -> None:
    estimator = _fit(ensemble.RandomForestClassifier)
    model = milliwatt.convert(estimator, nan=nan, dtype=dtype)
    assert not model.ir.handles_missing
    _same(model, estimator, X)
    if nan == "refuse":
        with pytest.raises(InputError):
            model.predict(PROBE)
    else:
        assert set(model.predict(PROBE)) <= {0, 1, 2}


def test_ignored_gaps_are_not_looked_for() -> None:
    model = milliwatt.convert(_fit(tree.DecisionTreeClassifier, X), nan="ignore")
    assert not model.ir.check_nan
    from milliwatt.emit import emit_c

    assert "mw_has_nan" not in emit_c(model.ir).files["model.c"]
    assert set(model.predict(PROBE)) <= {0, 1, 2}


@pytest.mark.parametrize("gaps", [2, 3, 7])
def test_a_split_on_missing_or_not(gaps: int) -> None:
    x = np.array([[np.nan]] * gaps + [[1.0], [2.0], [5.0]])
    estimator = tree.DecisionTreeClassifier().fit(x, [1] * gaps + [0] * 3)
    assert np.isposinf(estimator.tree_.threshold).any()
    for method in METHODS:
        model = milliwatt.convert(estimator, method=method)
        assert model.predict([[np.nan], [-1e30], [3e38]]).tolist() == [1, 0, 0]


def test_a_split_on_missing_or_not_where_nothing_is_missing() -> None:
    """The threshold of such a split is infinite; as an integer it always holds."""
    x = np.array([[np.nan], [np.nan], [1.0], [2.0], [5.0], [6.0]])
    estimator = tree.DecisionTreeClassifier(random_state=0).fit(x, [1, 1, 0, 0, 2, 2])
    for options in ({}, {"dtype": "int16"}, {"dtype": "int8", "calibration": np.array([[0.5], [6.0]])}):
        model = milliwatt.convert(estimator, nan="refuse", **options)
        assert model.predict([[1], [2], [5], [6]]).tolist() == [0, 0, 2, 2]


def test_follow_where_nothing_is_ever_asked() -> None:
    """A tree without splits takes NaN as it takes anything."""
    estimator = tree.DecisionTreeClassifier().fit(X, np.zeros(len(X)))
    assert milliwatt.convert(estimator, nan="follow").predict(PROBE).tolist() == [0.0] * len(PROBE)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8"])
def test_integers_have_no_word_for_missing(dtype: str) -> None:
    with pytest.raises(MilliwattError, match="no value for missing features") as caught:
        milliwatt.convert(_fit(tree.DecisionTreeClassifier), dtype=dtype)
    assert caught.value.option == "dtype"


def test_calibration_with_gaps(tmp_path: Any) -> None:
    gaps = GAPS.copy()
    gaps[:, 3] = np.nan
    estimator = _fit(ensemble.RandomForestClassifier)
    model = milliwatt.convert(estimator, calibration=gaps)
    calibration = model.ir.calibration
    assert calibration is not None
    assert calibration.agreement.fraction == 1.0
    assert calibration.low[0] == np.nanmin(gaps[:, 0])
    assert (calibration.low[3], calibration.high[3]) == (np.inf, -np.inf)
    model.save(tmp_path / "m.mw.json")
    assert milliwatt.load(tmp_path / "m.mw.json").ir == model.ir


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_calibration_that_cannot_be(bad: float) -> None:
    data = X.astype(float)
    data[3, 2] = bad
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(_fit(tree.DecisionTreeClassifier, X), calibration=data)
    assert caught.value.option == "calibration"
