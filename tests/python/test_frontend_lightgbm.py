"""LightGBM in all its settings: the IR answers as the library does, from memory and from files."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.boosting import categorical_features, near_thresholds, problem, same

import milliwatt
from milliwatt.errors import InputError, MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.lightgbm_trees import _LINKS, read_file
from milliwatt.host import decide, evaluate, scores

lgb = pytest.importorskip("lightgbm")

N = 300
X, GAPS, CODES, BINARY, CLASSES, VALUES = problem(6, N, 5)
BY_CODE = np.isin(CODES[:, 2], [1, 5, 7, 31, 32, 33, 39]) * 2.0 + (CODES[:, 3] == 2) + 0.1 * X[:, 0]
SMALL = {"n_estimators": 8, "num_leaves": 9, "min_child_samples": 5, "verbose": -1}
FOREST = {**SMALL, "boosting_type": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}
CATEGORY = {**SMALL, "min_data_per_group": 3, "cat_smooth": 1.0, "max_cat_to_onehot": 2}
VALUE_OBJECTIVES = [
    "regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie",
    "cross_entropy", "binary",
]  # fmt: skip


def probe(estimator: Any, x: Any = X, gaps: float = 0.1) -> Any:
    return near_thresholds(to_ir(estimator, nan="follow"), x, 300, 1, gaps)


def agrees(estimator: Any, x: Any = X, nan: str = "follow") -> Any:
    """Equal answers, and as LightGBM adds doubles too, equal to many digits."""
    model = same(estimator, probe(estimator, x, 0.1 if nan == "follow" else 0.0), nan=nan)
    assert model.noise < 1e-8
    return model


def text_of(estimator: Any) -> str:
    return str(getattr(estimator, "booster_", estimator).model_to_string())


def from_text(text: str) -> Any:
    return read_file(text.encode())


# Objectives


@pytest.mark.parametrize("more", [{}, {"sigmoid": 2.5}, {"is_unbalance": True}], ids=str)
@pytest.mark.parametrize("settings", [SMALL, FOREST], ids=["gbdt", "rf"])
def test_two_classes(settings: Any, more: Any) -> None:
    estimator = lgb.LGBMClassifier(**settings, **more).fit(X, np.where(BINARY, "up", "down"))
    model = agrees(estimator)
    assert model.classes == ("down", "up")
    x = probe(estimator)
    assert (np.array(model.classes)[decide(model, scores(model, x))] == estimator.predict(x)).all()


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
@pytest.mark.parametrize("settings", [SMALL, FOREST], ids=["gbdt", "rf"])
def test_several_classes(settings: Any, objective: str) -> None:
    more = {"sigmoid": 0.7} if objective == "multiclassova" else {}
    estimator = lgb.LGBMClassifier(objective=objective, **settings, **more).fit(X, CLASSES * 10 + 10)
    model = agrees(estimator)
    assert model.classes == (10, 20, 30)
    x = probe(estimator)
    assert (np.array(model.classes)[decide(model, scores(model, x))] == estimator.predict(x)).all()
    assert np.allclose(evaluate(model, x), estimator.predict_proba(x), rtol=1e-12, atol=1e-15)


def test_probabilities_of_each_class_against_the_rest_do_not_add_up_to_one() -> None:
    estimator = lgb.LGBMClassifier(objective="multiclassova", **SMALL).fit(X, CLASSES)
    total = evaluate(to_ir(estimator), X).sum(axis=1)
    assert np.abs(total - 1).max() > 0.01
    assert np.allclose(total, estimator.predict_proba(X).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("settings", [SMALL, FOREST], ids=["gbdt", "rf"])
@pytest.mark.parametrize("objective", VALUE_OBJECTIVES)
def test_values(objective: str, settings: Any) -> None:
    y = BINARY if objective in ("binary", "cross_entropy") else VALUES
    estimator = lgb.LGBMRegressor(objective=objective, **settings).fit(X, y)
    model = agrees(estimator)
    assert not model.is_classifier
    x = probe(estimator)
    assert np.allclose(evaluate(model, x)[:, 0], estimator.predict(x), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg"])
def test_rankers(objective: str) -> None:
    estimator = lgb.LGBMRanker(objective=objective, **SMALL).fit(X, BINARY, group=[20] * 15)
    assert np.ptp(evaluate(agrees(estimator), X)) > 0.1


def test_cross_entropy_classifies_too() -> None:
    model = agrees(lgb.LGBMClassifier(objective="cross_entropy", **SMALL).fit(X, BINARY))
    assert (model.link, model.classes) == ("sigmoid", (0, 1))


def test_every_objective_is_tested() -> None:
    assert {*VALUE_OBJECTIVES, "multiclass", "multiclassova", "lambdarank", "rank_xendcg"} == set(_LINKS)


@pytest.mark.parametrize("objective", ["binary", "multiclass", "multiclassova", "regression"])
def test_boosters_know_what_they_are_by_their_objective(objective: str) -> None:
    n_class = {"num_class": 3} if objective.startswith("multi") else {}
    given = {"objective": objective, "verbose": -1, "min_data_in_leaf": 5, **n_class}
    y = CLASSES if n_class else BINARY
    model = agrees(lgb.train(given, lgb.Dataset(X, y), 6))
    classes = {"binary": (0, 1), "regression": ()}.get(objective, (0, 1, 2))
    assert model.classes == classes


def _own(y: Any, p: Any) -> Any:
    return p - y, np.ones(len(y))


def test_an_objective_of_ones_own_gives_scores() -> None:
    model = agrees(lgb.LGBMRegressor(objective=_own, **SMALL).fit(X, VALUES))
    assert (model.task, model.link) == ("regressor", "identity")
    estimator = lgb.LGBMClassifier(objective=_own, **SMALL).fit(X, BINARY)
    _refused(estimator, "objective of your own", "booster_")
    agrees(estimator.booster_)


# Kinds of boosting


@pytest.mark.parametrize("kind", ["dart", "goss"])
def test_other_boosting(kind: str) -> None:
    agrees(lgb.LGBMClassifier(boosting_type=kind, **SMALL).fit(X, CLASSES))


def test_extra_trees_and_depth() -> None:
    agrees(lgb.LGBMClassifier(extra_trees=True, max_depth=3, **SMALL).fit(X, CLASSES))


def test_trees_without_splits_and_no_trees() -> None:
    model = agrees(lgb.LGBMRegressor(**{**SMALL, "min_child_samples": 1000}).fit(X, VALUES))
    assert model.n_splits == 0
    assert np.allclose(evaluate(model, X), VALUES.mean())
    agrees(lgb.LGBMClassifier(**{**SMALL, "min_child_samples": 1000}).fit(X, CLASSES))


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_early_stopping() -> None:
    given = {"objective": "multiclass", "num_class": 3, "verbose": -1, "learning_rate": 0.5}
    stop = [lgb.early_stopping(3, verbose=False)]
    train = lgb.Dataset(X[:200], CLASSES[:200])
    valid = lgb.Dataset(X[200:], CLASSES[200:], reference=train)
    booster = lgb.train(given, train, 60, valid_sets=[valid], callbacks=stop, keep_training_booster=True)
    assert booster.best_iteration < booster.current_iteration()
    assert len(agrees(booster).trees) == 3 * booster.best_iteration
    assert to_ir(from_text(text_of(booster))).trees == to_ir(booster).trees
    estimator = lgb.LGBMClassifier(n_estimators=60, learning_rate=0.5, verbose=-1)
    estimator.fit(X[:200], CLASSES[:200], eval_set=[(X[200:], CLASSES[200:])], callbacks=stop)
    assert len(agrees(estimator).trees) == 3 * estimator.best_iteration_


def test_feature_names() -> None:
    names = ["ax", "ay", "größe", "a_b"]
    booster = lgb.train({"verbose": -1}, lgb.Dataset(X, VALUES, feature_name=names), 3)
    assert agrees(booster).feature_names == tuple(names)
    assert to_ir(lgb.LGBMRegressor(**SMALL).fit(X, VALUES)).feature_names == ()


# Missing values and categories


def test_trained_on_gaps_follows_them() -> None:
    estimator = lgb.LGBMClassifier(**SMALL).fit(GAPS, CLASSES)
    model = same(estimator, probe(estimator, GAPS, gaps=0.4))
    assert model.handles_missing
    assert not model.check_nan


def test_trained_without_gaps_refuses_them() -> None:
    estimator = lgb.LGBMClassifier(**SMALL).fit(X, CLASSES)
    model = agrees(estimator, nan="auto")
    assert not model.handles_missing
    assert model.check_nan
    with pytest.raises(InputError, match="NaN"):
        milliwatt.convert(estimator).evaluate(GAPS)


def test_a_gap_counts_as_zero_where_training_saw_none() -> None:
    estimator = lgb.LGBMClassifier(**SMALL).fit(X, CLASSES)
    model = same(estimator, GAPS, nan="follow")
    assert model.handles_missing
    assert (evaluate(model, GAPS) == evaluate(model, np.nan_to_num(GAPS))).all()


@pytest.mark.parametrize("nan", ["refuse", "ignore"])
def test_missing_values_that_are_not_followed(nan: str) -> None:
    model = agrees(lgb.LGBMClassifier(**SMALL).fit(GAPS, CLASSES), nan=nan)
    assert not model.handles_missing
    assert model.check_nan == (nan == "refuse")


def test_use_missing_false() -> None:
    model = agrees(lgb.LGBMClassifier(use_missing=False, **SMALL).fit(GAPS, CLASSES), nan="auto")
    assert model.check_nan


@pytest.mark.parametrize("one_hot", [1, 100], ids=["sets", "one-hot"])
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_categories(one_hot: int, gaps: bool) -> None:
    x = np.where(np.isnan(GAPS), np.nan, CODES).astype(np.float32) if gaps else CODES
    estimator = lgb.LGBMRegressor(**{**CATEGORY, "max_cat_to_onehot": one_hot})
    model = agrees(estimator.fit(x, BY_CODE, categorical_feature=[2, 3]), x)
    assert categorical_features(model) == [2, 3]
    assert not any(found.inverted for found in model.category_sets)
    largest = max(len(found.members) for found in model.category_sets)
    assert (largest == 1) == (one_hot == 100)


def test_zero_as_missing() -> None:
    """Converted where a threshold says it all, refused by name where not, never wrong."""
    converted = refused = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        x = np.where(random.random((N, 1)) < 0.4, 0.0, random.normal(size=(N, 1)) + random.integers(-2, 3))
        y = x[:, 0] + random.normal() * (x[:, 0] == 0)
        estimator = lgb.LGBMRegressor(zero_as_missing=True, **{**SMALL, "n_estimators": 1, "num_leaves": 3})
        estimator.fit(x, y)
        tiny = [0.0, -0.0, 1e-35, -1e-35, 1.1e-35, -1.1e-35, 0.9e-35, -0.9e-35, 1e-45, -1e-45, np.nan]
        samples = np.concatenate([x[:, 0], tiny]).astype(np.float32)[:, None]
        try:
            model = to_ir(estimator, nan="follow")
        except UnsupportedModelError as error:
            assert "zero_as_missing" in error.problem  # noqa: PT017
            refused += 1
            continue
        converted += model.n_splits > 0
        same(estimator, samples, nan="follow")
    assert converted > 2
    assert refused > 2


@pytest.mark.parametrize(
    "edge", [0.0, -0.0, 1e-35, -1e-35, 5e-36, -5e-36, 1e-45, 2e-35, 1e300, -1e300, 3.5e38]
)
def test_thresholds_near_zero_and_beyond_floats(edge: float) -> None:
    """LightGBM takes all values from -1e-35 to 1e-35 for zero before it compares."""
    text = text_of(lgb.LGBMRegressor(**{**SMALL, "n_estimators": 2}).fit(GAPS, VALUES))
    lines = [
        "threshold=" + " ".join([repr(edge)] * len(line.split())) if line.startswith("threshold=") else line
        for line in text.splitlines()
    ]
    band = np.array([0.0, 1e-35, 2e-35, 5e-36, 1e-38, 1e-45, 1.0, 3.4e38], dtype=np.float32)
    values = np.concatenate(
        [band, -band, *(np.nextafter(s * band, np.float32(1)) for s in (1, -1)), [np.nan]]
    )
    x = np.random.default_rng(0).choice(values.astype(np.float32), size=(400, 4))
    same(from_text("\n".join(lines)), x, nan="follow")


# What is refused


def _refused(estimator: Any, words: str, cure: str) -> None:
    with pytest.raises(MilliwattError, match=words) as caught:
        milliwatt.convert(estimator)
    assert cure in str(caught.value.cure)


def test_what_is_not_supported_is_refused_by_name() -> None:
    linear = lgb.LGBMRegressor(linear_tree=True, **SMALL).fit(X, VALUES)
    _refused(linear, "linear_tree is not supported", "linear_tree=false")
    _refused(lgb.LGBMRegressor(reg_sqrt=True, **SMALL).fit(X, VALUES), "reg_sqrt", "reg_sqrt=false")
    entropy = lgb.LGBMRegressor(objective="cross_entropy_lambda", **SMALL).fit(X, BINARY)
    _refused(entropy, "'cross_entropy_lambda' is not supported", "cross_entropy")
    _refused(lgb.LGBMClassifier(**SMALL).fit(X, BINARY * 0), "1 classes", "two classes")
    several = lgb.LGBMRegressor(objective="multiclass", num_class=3, **SMALL).fit(X, CLASSES)
    _refused(several, "regressor with objective 'multiclass'", "LGBMClassifier")
    odd = lgb.LGBMClassifier(objective="poisson", **SMALL).fit(X, BINARY)
    _refused(odd, "classifier with objective 'poisson'", "LGBMRegressor")


@pytest.mark.parametrize("name", ["LGBMClassifier", "LGBMRegressor", "LGBMRanker"])
def test_what_is_not_fitted_is_said(name: str) -> None:
    _refused(getattr(lgb, name)(), f"this {name} is not fitted", "call fit()")


def test_leaves_beyond_a_float_are_refused() -> None:
    text = text_of(lgb.LGBMRegressor(**SMALL).fit(X, VALUES))
    line = next(line for line in text.splitlines() if line.startswith("leaf_value="))
    words = line.split()
    changed = text.replace(line, " ".join(["leaf_value=1e300", *words[1:]]), 1)
    _refused(from_text(changed), "leaf's value is beyond what a float", "scale the targets")


# Any model


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(10, 150),
    features=st.integers(1, 6),
    scale=st.sampled_from([0.0, 1e-40, 1e-36, 1e-6, 1.0, 1e6, 1e30]),
    classes=st.integers(1, 5),
    trees=st.integers(1, 12),
    leaves=st.integers(2, 31),
    gaps=st.sampled_from([0.0, 0.3]),
    codes=st.booleans(),
    kind=st.sampled_from(["gbdt", "gbdt", "dart", "rf", "goss"]),
    objective=st.sampled_from(["multiclass", "multiclassova"]),
)
def test_any_model(
    seed: int, rows: int, features: int, scale: float, classes: int, trees: int, leaves: int, gaps: float,
    codes: bool, kind: str, objective: str,
) -> None:  # fmt: skip
    """``classes`` 1 is a regressor, ``scale`` 0 means small integers."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, features)) * scale if scale else random.integers(-4, 5, (rows, features))
    x = x.astype(np.float32)
    categorical: Any = "auto"
    if codes:
        x[:, 0], categorical = random.integers(0, 12, rows), [0]
    x[random.random(x.shape) < gaps] = np.nan
    y = random.integers(0, classes, rows) if classes > 1 else random.normal(size=rows)
    given_ = {
        **CATEGORY, "n_estimators": trees, "num_leaves": leaves, "boosting_type": kind,
        "min_child_samples": 2, "random_state": seed % 1000,
    }  # fmt: skip
    if kind == "rf":
        given_ |= {"bagging_fraction": 0.6, "bagging_freq": 1}
    if classes > 1:
        y[:classes] = np.arange(classes)
        given_ |= {"objective": objective} if classes > 2 else {}
    estimator = (lgb.LGBMClassifier if classes > 1 else lgb.LGBMRegressor)(**given_)
    estimator.fit(x, y, categorical_feature=categorical)
    model = to_ir(estimator, nan="follow")
    same(estimator, near_thresholds(model, x, 60, seed, 0.2), nan="follow")
    assert dataclasses.replace(to_ir(from_text(text_of(estimator)), nan="follow"), origin={}, classes=()) == (
        dataclasses.replace(model, origin={}, classes=())
    )
