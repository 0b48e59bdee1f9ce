"""XGBoost in all its settings: the IR answers as the library does, from memory and from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.boosting import categorical_features, near_thresholds, problem, same

import milliwatt
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.xgboost_objectives import OBJECTIVES
from milliwatt.frontends.xgboost_trees import read_file
from milliwatt.host import decide, evaluate, scores

xgb = pytest.importorskip("xgboost")

N = 240
X, GAPS, CODES, BINARY, CLASSES, VALUES = problem(5, N, 4)
CATEGORY = {"feature_types": ["q", "q", "c", "c"], "enable_categorical": True}
SMALL = {"n_estimators": 8, "max_depth": 4}
BINARY_OBJECTIVES = ["binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic"]
MULTI_OBJECTIVES = ["multi:softmax", "multi:softprob"]
VALUE_OBJECTIVES = [
    "reg:squarederror", "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror", "reg:absoluteerror",
    "reg:quantileerror", "reg:gamma", "reg:tweedie", "count:poisson", "survival:cox", "binary:logistic",
    "binary:logitraw",
]  # fmt: skip


def probe(estimator: Any, x: Any = X, gaps: float = 0.1) -> Any:
    return near_thresholds(to_ir(estimator), x, 300, 1, gaps)


def agrees(estimator: Any, x: Any = X) -> Any:
    return same(estimator, probe(estimator, x))


def load(path: Path) -> Any:
    return load_estimator(path, trust_pickle=False)


# A saved model that tests may change: two classes, categories, gaps


def _document() -> Any:
    x = np.where(np.isnan(GAPS), np.nan, CODES)
    estimator = xgb.XGBClassifier(n_estimators=4, max_depth=3, **CATEGORY).fit(x, BINARY)
    return json.loads(bytes(estimator.get_booster().save_raw("json")))


def _file(document: Any) -> Any:
    return read_file(json.dumps(document).encode())


# Objectives


@pytest.mark.parametrize("base", [None, 0.3])
@pytest.mark.parametrize("objective", BINARY_OBJECTIVES)
def test_two_classes(objective: str, base: float | None) -> None:
    estimator = xgb.XGBClassifier(objective=objective, base_score=base, **SMALL).fit(X, BINARY)
    model = agrees(estimator)
    assert model.classes == (0, 1)
    x = probe(estimator)
    reached = scores(model, x)
    clear = np.abs(reached[:, 0] - model.cut) > model.noise
    assert clear.mean() > 0.9
    assert (decide(model, reached) == estimator.predict(x))[clear].all()


@pytest.mark.parametrize("base", [None, 0.3])
@pytest.mark.parametrize("objective", MULTI_OBJECTIVES)
def test_several_classes(objective: str, base: float | None) -> None:
    estimator = xgb.XGBClassifier(objective=objective, base_score=base, **SMALL).fit(X, CLASSES)
    model = agrees(estimator)
    assert model.classes == (0, 1, 2)
    x = probe(estimator)
    best = np.sort(scores(model, x), axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > model.noise
    assert clear.mean() > 0.9
    assert (decide(model, scores(model, x)) == estimator.predict(x))[clear].all()
    assert np.abs(evaluate(model, x) - estimator.predict_proba(x)).max() <= model.noise


@pytest.mark.parametrize("base", [None, 0.3])
@pytest.mark.parametrize("objective", VALUE_OBJECTIVES)
def test_values(objective: str, base: float | None) -> None:
    y = BINARY if objective in ("reg:logistic", "binary:logistic", "binary:logitraw") else VALUES
    more = {"quantile_alpha": 0.7} if objective == "reg:quantileerror" else {}
    estimator = xgb.XGBRegressor(objective=objective, base_score=base, **SMALL, **more).fit(X, y)
    model = agrees(estimator)
    assert not model.is_classifier
    x = probe(estimator)
    assert np.allclose(evaluate(model, x)[:, 0], estimator.predict(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("objective", ["rank:pairwise", "rank:ndcg", "rank:map"])
def test_rankers(objective: str) -> None:
    estimator = xgb.XGBRanker(objective=objective, **SMALL).fit(X, BINARY, qid=np.arange(N) // 20)
    model = agrees(estimator)
    assert not model.is_classifier
    assert np.ptp(evaluate(model, X)) > 0.1


@pytest.mark.parametrize("base", [None, 2.5])
def test_survival_times(base: float | None) -> None:
    data = xgb.DMatrix(X, label_lower_bound=VALUES, label_upper_bound=VALUES + 1)
    settings = {"objective": "survival:aft"} | ({"base_score": base} if base else {})
    model = agrees(xgb.train(settings, data, 8))
    assert model.link == "exp"


def test_several_quantiles_are_several_outputs() -> None:
    alphas = [0.1, 0.5, 0.9]
    estimator = xgb.XGBRegressor(objective="reg:quantileerror", quantile_alpha=alphas, **SMALL)
    model = agrees(estimator.fit(X, VALUES))
    assert model.n_outputs == 3


def test_every_objective_is_tested() -> None:
    tested = {*BINARY_OBJECTIVES, *MULTI_OBJECTIVES, *VALUE_OBJECTIVES, "survival:aft", "reg:linear"}
    assert tested | {"rank:pairwise", "rank:ndcg", "rank:map"} == set(OBJECTIVES)


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:hinge", "multi:softmax", "multi:softprob"])
def test_boosters_know_what_they_are_by_their_objective(objective: str) -> None:
    n_class = {"num_class": 3} if objective.startswith("multi") else {}
    y = CLASSES if n_class else BINARY
    model = agrees(xgb.train({"objective": objective, **n_class}, xgb.DMatrix(X, y), 6))
    assert model.classes == tuple(range(3 if n_class else 2))


def test_two_classes_with_two_outputs() -> None:
    settings = {"objective": "multi:softprob", "num_class": 2}
    model = agrees(xgb.train(settings, xgb.DMatrix(X, BINARY), 6))
    assert (model.n_outputs, model.classes) == (2, (0, 1))


def test_what_a_raw_score_is_compared_with() -> None:
    """XGBClassifier says class 1 above a score of 1/2; a Booster knows no classes, 0 is even odds."""
    estimator = xgb.XGBClassifier(objective="binary:logitraw", **SMALL).fit(X, BINARY)
    assert to_ir(estimator).cut == 0.5
    assert to_ir(estimator.get_booster()).cut == 0.0


@pytest.mark.parametrize("base", [None, 0.5])
def test_one_class_only(base: float | None) -> None:
    """Its base score then is the certainty 0, whose log-odds XGBoost bounds."""
    model = same(xgb.XGBClassifier(**SMALL, base_score=base).fit(X, np.zeros(N)), X)
    assert model.classes == (0, 1)


def test_a_base_score_of_certainty() -> None:
    document = _document()
    certain = ("[0E0]", "[1E0]", "[1E-9]", "[9.9999994E-1]")
    # Before version 3.2 only numbers between 0 and 1 were possible, and they were taken as they are.
    for base in certain if document["version"] >= [3, 2, 0] else ("1E-9", "9.9999994E-1"):
        document["learner"]["learner_model_param"]["base_score"] = base
        same(_file(document), X)


# Kinds of boosters


def test_random_forests() -> None:
    agrees(xgb.XGBRFClassifier(n_estimators=7).fit(X, BINARY))
    assert len(agrees(xgb.XGBRFClassifier(n_estimators=7).fit(X, CLASSES)).trees) == 21
    agrees(xgb.XGBRFRegressor(n_estimators=7).fit(X, VALUES))


def test_parallel_trees() -> None:
    estimator = xgb.XGBClassifier(num_parallel_tree=3, subsample=0.7, **SMALL).fit(X, CLASSES)
    assert len(agrees(estimator).trees) == 3 * 3 * 8


@pytest.mark.parametrize("y", [VALUES, np.stack([VALUES, -VALUES], axis=1)], ids=["one", "two"])
def test_dart(y: Any) -> None:
    estimator = xgb.XGBRegressor(booster="dart", rate_drop=0.5, **SMALL, random_state=0).fit(X, y)
    raw = json.loads(bytes(estimator.get_booster().save_raw("json")))
    assert set(raw["learner"]["gradient_booster"]["weight_drop"]) != {1.0}
    agrees(estimator)


@pytest.mark.parametrize(
    ("tree_method", "grow_policy"),
    [
        ("exact", "depthwise"),
        ("approx", "depthwise"),
        ("approx", "lossguide"),
        ("hist", "depthwise"),
        ("hist", "lossguide"),
    ],
)
def test_ways_to_grow(tree_method: str, grow_policy: str) -> None:
    settings = {"tree_method": tree_method, "grow_policy": grow_policy, "max_leaves": 9, "gamma": 0.3}
    agrees(xgb.XGBClassifier(**SMALL, **settings).fit(GAPS, CLASSES), GAPS)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_targets(strategy: str) -> None:
    y = np.stack([VALUES, X[:, 1], X[:, 2] * 100], axis=1)
    model = agrees(xgb.XGBRegressor(multi_strategy=strategy, **SMALL).fit(X, y))
    assert model.n_outputs == 3
    assert len(model.trees) == (8 if strategy == "multi_output_tree" else 24)


def test_classes_with_vector_leaves() -> None:
    agrees(xgb.XGBClassifier(multi_strategy="multi_output_tree", **SMALL).fit(X, CLASSES))


def test_no_trees_and_trees_without_splits() -> None:
    model = agrees(xgb.train({}, xgb.DMatrix(X, VALUES), 0))
    assert (model.n_splits, len(model.trees)) == (0, 1)
    settings = {"objective": "multi:softprob", "num_class": 3}
    agrees(xgb.train(settings, xgb.DMatrix(X, CLASSES), 0))
    assert agrees(xgb.XGBRegressor(gamma=1e9, n_estimators=3).fit(X, VALUES)).n_splits == 0


def test_feature_names() -> None:
    names = ["ax", "ay", "größe", "a b"]
    booster = xgb.train({}, xgb.DMatrix(X, VALUES, feature_names=names), 3)
    assert agrees(booster).feature_names == tuple(names)
    assert to_ir(xgb.XGBRegressor(**SMALL).fit(X, VALUES)).feature_names == ()


def test_subclasses_convert_as_what_they_are() -> None:
    class Mine(xgb.XGBClassifier):  # type: ignore[misc]
        pass

    assert agrees(Mine(**SMALL).fit(X, BINARY)).origin["class"] == "Mine"


# Early stopping


def _stopped() -> Any:
    estimator = xgb.XGBClassifier(n_estimators=80, early_stopping_rounds=4, max_depth=2, num_parallel_tree=2)
    return estimator.fit(X[:160], CLASSES[:160], eval_set=[(X[160:], CLASSES[160:])], verbose=False)


def test_early_stopping(tmp_path: Path) -> None:
    estimator = _stopped()
    best = 3 * 2 * (estimator.best_iteration + 1)
    assert best < len(to_ir(estimator.get_booster()).trees)
    model = agrees(estimator)
    assert len(model.trees) == best
    agrees(estimator.get_booster())  # which answers with all of them
    estimator.save_model(tmp_path / "wrapped.ubj")
    estimator.get_booster().save_model(tmp_path / "bare.ubj")
    assert len(agrees(load(tmp_path / "wrapped.ubj")).trees) == best
    assert len(agrees(load(tmp_path / "bare.ubj")).trees) > best


def test_files_before_version_2_count_rounds_by_parallel_trees() -> None:
    estimator = _stopped()
    raw = json.loads(bytes(estimator.get_booster().save_raw("json")))
    raw["learner"]["attributes"]["scikit_learn"] = json.dumps({"type": "XGBClassifier"})
    del raw["learner"]["gradient_booster"]["model"]["iteration_indptr"]
    assert to_ir(_file(raw)).trees == to_ir(estimator).trees


# Missing values and categories


@pytest.mark.parametrize("x", [X, GAPS], ids=["whole", "gaps"])
def test_missing_values_are_followed(x: Any) -> None:
    estimator = xgb.XGBClassifier(**SMALL).fit(x, CLASSES)
    model = same(estimator, probe(estimator, x, gaps=0.4))
    assert model.handles_missing
    assert not model.check_nan
    agrees(estimator)


@pytest.mark.parametrize("nan", ["refuse", "ignore"])
def test_missing_values_that_are_not_followed(nan: str) -> None:
    estimator = xgb.XGBClassifier(**SMALL).fit(GAPS, CLASSES)
    model = same(estimator, probe(estimator, gaps=0.0), nan=nan)
    assert not model.handles_missing
    assert model.check_nan == (nan == "refuse")


def test_another_missing_value_is_refused() -> None:
    estimator = xgb.XGBClassifier(missing=-999.0, **SMALL).fit(X, BINARY)
    with pytest.raises(UnsupportedModelError, match=r"missing=-999\.0") as caught:
        to_ir(estimator)
    assert "missing=nan" in str(caught.value.cure)


@pytest.mark.parametrize("one_hot", [1, 100], ids=["partitions", "one-hot"])
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_categories(one_hot: int, gaps: bool) -> None:
    x = np.where(np.isnan(GAPS), np.nan, CODES).astype(np.float32) if gaps else CODES
    y = np.isin(CODES[:, 2], [1, 5, 7, 33, 39]) * 2.0 + (CODES[:, 3] == 2) + 0.1 * X[:, 0]
    estimator = xgb.XGBRegressor(**SMALL, **CATEGORY, max_cat_to_onehot=one_hot, max_cat_threshold=30)
    model = agrees(estimator.fit(x, y), x)
    assert categorical_features(model) == [2, 3]
    assert all(found.inverted for found in model.category_sets)
    largest = max(len(found.members) for found in model.category_sets)
    assert (largest == 1) == (one_hot == 100)


def test_a_category_beyond_the_devices_is_refused() -> None:
    x = np.array([[0.0], [70_000.0]] * 20, dtype=np.float32)
    estimator = xgb.XGBRegressor(
        n_estimators=2, feature_types=["c"], enable_categorical=True, max_cat_to_onehot=2, min_child_weight=0
    ).fit(x, x[:, 0] > 0)
    document = json.loads(bytes(estimator.get_booster().save_raw("json")))
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["categories"] = [70_000 for _ in tree["categories"]]
    with pytest.raises(UnsupportedModelError, match="category 70000") as caught:
        to_ir(_file(document))
    assert caught.value.option == "trees[0]"


# What is refused


def _refused(estimator: Any, words: str, cure: str) -> None:
    with pytest.raises(MilliwattError, match=words) as caught:
        milliwatt.convert(estimator)
    assert cure in str(caught.value.cure)


def test_what_is_not_supported_is_refused_by_name() -> None:
    _refused(xgb.XGBRegressor(booster="gblinear").fit(X, VALUES), "gblinear", "gbtree")
    labels = np.stack([BINARY, 1 - BINARY], axis=1)
    _refused(xgb.XGBClassifier(**SMALL).fit(X, labels), "2 labels a sample", "one classifier per label")

    def own(y: Any, p: Any) -> Any:
        return p - y, np.ones(len(y))

    _refused(xgb.XGBClassifier(objective=own, **SMALL).fit(X, BINARY), "objective of your own", "get_booster")
    agrees(xgb.XGBRegressor(objective=own, **SMALL).fit(X, VALUES))
    odd = xgb.XGBClassifier(objective="reg:squarederror", **SMALL).fit(X, BINARY)
    _refused(odd, "classifier with objective 'reg:squarederror'", "XGBRegressor")
    hinge = xgb.XGBRegressor(objective="binary:hinge", **SMALL).fit(X, BINARY)
    _refused(hinge, "regressor with objective 'binary:hinge'", "XGBClassifier")
    unknown = _document()
    unknown["learner"]["objective"]["name"] = "reg:unheard"
    _refused(_file(unknown), "objective 'reg:unheard' is not supported", "reg:squarederror")


@pytest.mark.parametrize("name", ["XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "Booster"])
def test_what_is_not_fitted_is_said(name: str) -> None:
    _refused(getattr(xgb, name)(), f"this {name} is not fitted", r"call fit()")


def test_a_base_score_without_a_logarithm() -> None:
    """What training on targets that are all zero leaves behind."""
    document = _document()
    document["learner"]["objective"]["name"] = "count:poisson"
    for base in ("0E0", "-1E0"):
        document["learner"]["learner_model_param"]["base_score"] = base
        _refused(_file(document), "gives a score that is not finite", "base_score")
