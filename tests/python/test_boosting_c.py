"""XGBoost's and LightGBM's models as C: answers as the library itself gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest import batch
from mwtest.boosting import near_thresholds, value_bound
from numpy.typing import NDArray

import milliwatt
from milliwatt.emit.leaves import value_bounds
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import HostModel, class_columns, compare_classes, evaluate
from milliwatt.ir import TreeEnsemble
from milliwatt.options import METHODS
from milliwatt.passes import prepare

rng = np.random.default_rng(11)
N = 300
X = rng.normal(size=(N, 4)).astype(np.float32)
X[:, 3] = rng.integers(0, 40, N)
GAPS = np.where(rng.random(X.shape) < 0.15, np.float32(np.nan), X)
BINARY = (X[:, 0] + 0.3 * rng.normal(size=N) > 0).astype(int)
CLASSES = BINARY + (X[:, 1] > 0.4)
VALUES = np.abs(X[:, 0] * 2 + X[:, 1]) + np.isin(X[:, 3], [1, 5, 7, 31, 33]) + 0.1
TWO = np.stack([VALUES, -100 * VALUES], axis=1)


def _xgboost() -> dict[str, Any]:
    xgb = pytest.importorskip("xgboost")
    small = {"n_estimators": 8, "max_depth": 4, "n_jobs": 1}
    codes = {"feature_types": ["q", "q", "q", "c"], "enable_categorical": True, "max_cat_to_onehot": 2}
    made: dict[str, Any] = {
        objective: xgb.XGBClassifier(objective=objective, **small).fit(GAPS, BINARY)
        for objective in ("binary:logistic", "binary:logitraw", "binary:hinge")
    }
    for objective in ("multi:softprob", "multi:softmax"):
        made[objective] = xgb.XGBClassifier(objective=objective, **small).fit(GAPS, CLASSES)
    for objective in ("reg:squarederror", "count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror"):
        made[objective] = xgb.XGBRegressor(objective=objective, **small).fit(GAPS, VALUES)
    made["reg:logistic"] = xgb.XGBRegressor(objective="reg:logistic", **small).fit(GAPS, BINARY)
    made["categories"] = xgb.XGBRegressor(**small, **codes).fit(X, VALUES)
    made["categories and gaps"] = xgb.XGBClassifier(**small, **codes).fit(
        np.where(np.isnan(GAPS), np.nan, X), CLASSES
    )
    made["two targets"] = xgb.XGBRegressor(**small).fit(X, TWO)
    made["vector leaves"] = xgb.XGBRegressor(multi_strategy="multi_output_tree", **small).fit(X, TWO)
    made["dart"] = xgb.XGBRegressor(booster="dart", rate_drop=0.4, **small).fit(X, VALUES)
    made["forest"] = xgb.XGBRFClassifier(n_estimators=6, n_jobs=1).fit(X, CLASSES)
    return made


def _lightgbm() -> dict[str, Any]:
    lgb = pytest.importorskip("lightgbm")
    small = {
        "n_estimators": 8, "num_leaves": 9, "min_child_samples": 5, "verbose": -1, "n_jobs": 1,
        "min_data_per_group": 3, "cat_smooth": 1.0,
    }  # fmt: skip
    forest = {**small, "boosting_type": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}
    made = {
        "binary": lgb.LGBMClassifier(sigmoid=2.5, **small).fit(GAPS, BINARY),
        "forest": lgb.LGBMClassifier(**forest).fit(GAPS, CLASSES),
        "categories": lgb.LGBMRegressor(**small).fit(X, VALUES, categorical_feature=[3]),
        "categories and gaps": lgb.LGBMClassifier(**small).fit(GAPS, CLASSES, categorical_feature=[3]),
        "cross_entropy": lgb.LGBMRegressor(objective="cross_entropy", **small).fit(GAPS, BINARY),
    }
    for objective in ("multiclass", "multiclassova"):
        made[objective] = lgb.LGBMClassifier(objective=objective, **small).fit(GAPS, CLASSES)
    for objective in ("regression", "poisson", "gamma", "tweedie", "quantile"):
        made[objective] = lgb.LGBMRegressor(objective=objective, **small).fit(GAPS, VALUES)
    return made


def _prepared(estimator: Any) -> tuple[TreeEnsemble, NDArray[np.float32]]:
    model, _ = prepare(to_ir(estimator, nan="follow"), "float", None)
    return model, near_thresholds(model, X, 200, 3, 0.15)


def _compare(model: TreeEnsemble, expected: Any, classes: Any, vectors: Any, what: object) -> None:
    """C's answers with the library's: each is off by its own bound at most."""
    exact = vectors.astype(np.float64)
    bound = np.asarray(value_bounds(model)) + value_bound(model, np.abs(exact)) * (1 + 1e-6)
    assert (np.abs(exact - expected) <= bound).all(), (what, np.abs(exact - expected).max(), bound.max())
    if model.is_classifier:
        tie = model.noise + batch.tie(model)
        agreement = compare_classes(classes, class_columns(model, expected), tie)
        assert agreement.agree + agreement.ties == len(exact), what
        assert agreement.ties < 0.05 * len(exact), what


@pytest.mark.parametrize("make", [_xgboost, _lightgbm], ids=["xgboost", "lightgbm"])
def test_c_answers_as_the_library(make: Any, tmp_path: Path) -> None:
    estimators = make()
    cases, names = [], []
    for name, estimator in estimators.items():
        model, samples = _prepared(estimator)
        cases += [batch.Case(model, method, samples) for method in METHODS]
        names += [(name, method) for method in METHODS]
    for case, answer, name in zip(cases, batch.run(cases, tmp_path, ("-O1",)), names, strict=True):
        assert (answer.statuses == 0).all()
        expected = estimator_answers(estimators[name[0]], case.samples.astype(np.float64))
        _compare(case.model, expected, answer.classes, answer.vectors, name)


@pytest.mark.parametrize("make", [_xgboost, _lightgbm], ids=["xgboost", "lightgbm"])
def test_models_predict_as_the_library(make: Any) -> None:
    estimators = make()
    for name in ("binary:logistic", "binary:logitraw", "count:poisson", "multiclassova", "poisson", "forest"):
        if name not in estimators:
            continue
        estimator = estimators[name]
        model = milliwatt.convert(estimator, nan="follow")
        samples = _prepared(estimator)[1]
        expected = estimator_answers(estimator, samples)
        classes = HostModel(model.ir).predict(samples) if model.ir.is_classifier else None
        if not model.ir.is_classifier:
            vectors = np.asarray(model.predict(samples)).reshape(len(samples), -1)
        elif model.ir.has_probabilities:
            vectors = model.predict_proba(samples)
            assert (model.predict(samples) == np.asarray(model.ir.classes)[classes]).all()
        else:
            vectors = HostModel(model.ir).score(samples)
        _compare(model.ir, expected, classes, vectors, name)


def test_calibration_measures_against_the_library() -> None:
    for estimator in (_xgboost()["multi:softprob"], _lightgbm()["multiclass"]):
        model = milliwatt.convert(estimator, calibration=GAPS)
        assert model.ir.calibration is not None
        assert model.ir.calibration.agreement.fraction == 1.0
        assert np.array_equal(evaluate(model.ir, GAPS).argmax(axis=1), estimator.predict(GAPS))
