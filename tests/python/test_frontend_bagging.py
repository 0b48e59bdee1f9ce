"""scikit-learn's Bagging over trees: the IR answers as it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.ensembles import GAPS, THREE, VALUES, X, probe, trees
from mwtest.oracle import agrees, one_thread  # noqa: F401
from sklearn import ensemble
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir

BaggingClassifier, BaggingRegressor = ensemble.BaggingClassifier, ensemble.BaggingRegressor
RandomForest, Forest = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
GBR, HGR = ensemble.GradientBoostingRegressor, ensemble.HistGradientBoostingRegressor

rng = np.random.default_rng(6)


def _id(settings: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "default"


BAGS: list[dict[str, Any]] = [
    {},
    {"max_features": 0.6},
    {"max_features": 3, "bootstrap_features": True},
    {"max_samples": 0.3, "bootstrap": False},
    {"n_estimators": 1},
]


@pytest.mark.parametrize("settings", BAGS, ids=_id)
@pytest.mark.parametrize(
    "base",
    [None, trees(2), ExtraTreeClassifier(max_depth=3), RandomForest(3), ensemble.ExtraTreesClassifier(2)],
)
def test_bagged_classes(base: Any, settings: dict[str, Any]) -> None:
    estimator = BaggingClassifier(base, **{"n_estimators": 5, "random_state": 0, **settings}).fit(X, THREE)
    model = agrees(estimator, probe(estimator))
    assert model.aggregate == "mean"  # proportions stay what they are
    assert not model.base


@pytest.mark.parametrize("settings", BAGS, ids=_id)
@pytest.mark.parametrize(
    "base",
    [None, ExtraTreeRegressor(max_depth=3), Forest(3), GBR(n_estimators=4), HGR(max_iter=4)],
)
def test_bagged_values(base: Any, settings: dict[str, Any]) -> None:
    estimator = BaggingRegressor(base, **{"n_estimators": 5, "random_state": 0, **settings}).fit(X, VALUES)
    agrees(estimator, probe(estimator))


def test_bagged_values_of_several_outputs() -> None:
    y = np.stack([VALUES, VALUES**2], axis=1)
    estimator = BaggingRegressor(n_estimators=4, random_state=0).fit(X, y)
    assert agrees(estimator, probe(estimator)).n_outputs == 2


def test_bagged_bags() -> None:
    inner = BaggingClassifier(trees(), n_estimators=3, max_features=0.7)
    estimator = BaggingClassifier(inner, n_estimators=4, max_features=0.8, random_state=0).fit(X, THREE)
    assert len(agrees(estimator, probe(estimator)).trees) == 12


def test_members_that_know_fewer_classes() -> None:
    """Voting takes no sample weights, so bagging draws rows for it, and a class may be left out."""
    y = np.array(["a", "b", "c", "d"])[np.repeat([0, 1, 2, 3], [70, 70, 5, 5])]
    soft = ensemble.VotingClassifier([("a", trees()), ("b", trees(2))], voting="soft")
    hard = ensemble.VotingClassifier([("a", trees(3))], voting="hard")
    for inner in (soft, hard):
        estimator = BaggingClassifier(inner, n_estimators=6, max_samples=12, random_state=0).fit(X, y)
        assert min(len(member.classes_) for member in estimator.estimators_) < 4
        model = agrees(estimator, probe(estimator))
        assert model.classes == ("a", "b", "c", "d")
    assert not hasattr(estimator.estimators_[0], "predict_proba")  # which vote


def test_bagging_with_missing_values() -> None:
    for base in (
        None,
        RandomForest(3),
        ensemble.VotingClassifier([("t", trees()), ("f", RandomForest(2))], voting="soft"),
    ):
        estimator = BaggingClassifier(base, n_estimators=6, random_state=0).fit(GAPS, THREE)
        assert agrees(estimator, probe(estimator, gaps=0.3)).handles_missing
        assert to_ir(estimator, nan="refuse").check_nan
        assert not to_ir(estimator, nan="ignore").check_nan
    estimator = BaggingRegressor(HGR(max_iter=4), n_estimators=4, max_features=0.5).fit(GAPS, VALUES)
    assert agrees(estimator, probe(estimator, gaps=0.3)).handles_missing
    whole = BaggingClassifier(n_estimators=6).fit(X, THREE)
    assert not to_ir(whole).handles_missing
    agrees(whole, probe(whole, gaps=0.3), nan="follow")


def test_bagged_categories() -> None:
    x = X.astype(float)
    x[:, [1, 4]] = rng.choice([0, 2, 7, 30], (150, 2))
    y = np.isin(x[:, 1], [2, 7]) * 2.0 + np.isin(x[:, 4], [0, 7])
    estimator = BaggingRegressor(HGR(max_iter=4, categorical_features=[1, 4]), n_estimators=4).fit(x, y)
    samples = probe(estimator, x)
    samples[:, [1, 4]] = rng.choice([-1, 0, 1, 2, 7, 30, 99], (len(samples), 2))
    model = agrees(estimator, samples)
    assert model.handles_categories
    assert len(set(model.category_sets)) == len(model.category_sets)


def test_a_tree_that_never_saw_a_sample_is_refused() -> None:
    estimator = BaggingClassifier(n_estimators=3, random_state=0).fit(X, THREE)
    member = estimator.estimators_[1]

    class Empty:
        children_left = children_right = np.array([-1])
        feature, threshold = np.array([-2]), np.array([-2.0])
        value = np.full((1, 1, 3), np.nan)
        missing_go_to_left = n_node_samples = np.array([0])

    member.tree_ = Empty()
    with pytest.raises(UnsupportedModelError, match="no sample to learn from") as caught:
        to_ir(estimator)
    assert "more samples" in str(caught.value.cure)


def test_bagging_warm_start_and_a_number_set_afterwards() -> None:
    estimator = BaggingClassifier(n_estimators=2, warm_start=True, random_state=0).fit(X, THREE)
    estimator.set_params(n_estimators=5).fit(X, THREE)
    assert len(agrees(estimator, X).trees) == 5
    with pytest.raises(MilliwattError, match="n_estimators=9 was set after fitting 5") as caught:
        to_ir(estimator.set_params(n_estimators=9))
    assert caught.value.option == "n_estimators"


def test_bagging_that_is_damaged() -> None:
    estimator = BaggingClassifier(n_estimators=2).fit(X, THREE)
    estimator.estimators_features_[0] = np.array([0, 1, 2, 3, 8])
    with pytest.raises(UnsupportedModelError, match="a feature that there is not"):
        to_ir(estimator)
    estimator = BaggingClassifier(n_estimators=2).fit(X, THREE)
    estimator.estimators_[1].classes_ = np.array([0, 1, 7])
    with pytest.raises(UnsupportedModelError, match=r"classes \[0, 1, 7\]"):
        to_ir(estimator)
