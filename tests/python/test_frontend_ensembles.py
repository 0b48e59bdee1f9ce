"""scikit-learn's Voting over trees, and what it has in common with Bagging: the IR answers as they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.ensembles import GAPS, THREE, TWO, VALUES, X, probe, trees
from mwtest.oracle import agrees, one_thread  # noqa: F401
from sklearn import datasets, ensemble
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
)

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate
from milliwatt.ir import Committee

BaggingClassifier, BaggingRegressor = ensemble.BaggingClassifier, ensemble.BaggingRegressor
VotingClassifier, VotingRegressor = ensemble.VotingClassifier, ensemble.VotingRegressor
RandomForest, Forest = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
GBC, GBR = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
HGR = ensemble.HistGradientBoostingRegressor

rng = np.random.default_rng(6)


# --- Voting ------------------------------------------------------------------------------------


def _soft(*members: Any, weights: Any = None) -> Any:
    named = [(f"m{i}", member) for i, member in enumerate(members)]
    return VotingClassifier(named, voting="soft", weights=weights)


@pytest.mark.parametrize("weights", [None, [1, 1, 1], [1, 2, 0.7], [3, 0, 1], [0, 0, 5]])
def test_soft_votes(weights: Any) -> None:
    members = (trees(3), RandomForest(4, max_depth=3), BaggingClassifier(trees(2), n_estimators=3))
    for y in (TWO, THREE):
        estimator = _soft(*members, weights=weights).fit(X, y)
        agrees(estimator, probe(estimator))


@pytest.mark.parametrize(
    ("sizes", "weights", "aggregate"),
    [
        ((3, 3), None, "mean"),
        ((2, 6), [1, 3], "mean"),
        ((2, 5), [0.4, 1.0], "mean"),
        ((2, 5), None, "sum"),
        ((3, 3), [2, 0], "mean"),
    ],
)
def test_proportions_stay_as_they_are_where_all_trees_count_alike(
    sizes: tuple[int, int], weights: Any, aggregate: str
) -> None:
    estimator = _soft(*(RandomForest(n, max_depth=3) for n in sizes), weights=weights).fit(X, THREE)
    assert agrees(estimator, probe(estimator)).aggregate == aggregate


@pytest.mark.parametrize("weights", [None, [1, 2, 3], [0.5, 0.3, 0.2], [1, 1, 5], [2, 0, 1]])
def test_hard_votes(weights: Any) -> None:
    members = [("a", trees(2)), ("b", ExtraTreeClassifier(max_depth=4)), ("c", RandomForest(1))]
    for y in (TWO, THREE, np.array(["x", "y", "z"])[THREE]):
        estimator = VotingClassifier(members, weights=weights).fit(X, y)
        model = agrees(estimator, probe(estimator))
        assert not model.has_probabilities
        if weights == [0.5, 0.3, 0.2]:  # of which float64 sums decide in the last bit
            assert isinstance(model, Committee)
        else:
            assert model.link == "margin"
            assert model.is_pure == (weights is None)


def test_hard_votes_of_single_boostedtrees() -> None:
    members = [("a", GBC(n_estimators=1)), ("b", ensemble.HistGradientBoostingClassifier(max_iter=1))]
    members += [("c", ensemble.AdaBoostClassifier(n_estimators=1))]
    estimator = VotingClassifier(members).fit(X, TWO)
    agrees(estimator, probe(estimator))


def test_equal_votes_are_for_the_first_class() -> None:
    stumps = [("a", DecisionTreeClassifier(max_depth=1)), ("b", ExtraTreeClassifier(max_depth=1))]
    estimator = VotingClassifier(stumps).fit(X, TWO)
    votes = evaluate(to_ir(estimator), X)
    assert (votes[:, 0] == votes[:, 1]).any()
    assert (estimator.predict(X) == votes.argmax(axis=1)).all()


@pytest.mark.parametrize("weights", [None, [1, 2, 3, 4], [1, 0, 0, 0], [0, 0, 1, 0.5]])
def test_averaged_values(weights: Any) -> None:
    members = [("a", DecisionTreeRegressor(max_depth=4)), ("b", Forest(4)), ("c", GBR(n_estimators=5))]
    members += [("d", HGR(max_iter=5))]
    estimator = VotingRegressor(members, weights=weights).fit(X, VALUES)
    agrees(estimator, probe(estimator))


def test_dropped_members() -> None:
    members = [("a", trees(2)), ("b", trees(5)), ("c", RandomForest(3))]
    for voting in ("soft", "hard"):
        estimator = VotingClassifier(list(members), voting=voting, weights=[1, 2, 3])
        drop = "c" if voting == "hard" else "a"
        estimator.set_params(**{drop: "drop"}).fit(X, THREE)
        agrees(estimator, probe(estimator))
        with pytest.raises(MilliwattError, match="1 weights for 2 members") as caught:
            to_ir(estimator.set_params(b="drop"))
        assert caught.value.option == "weights"


@pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [np.nan, 1], [np.inf, 1]])
def test_weights_that_make_no_average(weights: Any) -> None:
    estimator = _soft(trees(2), trees(5), weights=weights).fit(X, TWO)
    with pytest.raises(UnsupportedModelError, match="not numbers >= 0") as caught:
        to_ir(estimator)
    assert caught.value.option == "weights"


def test_voting_over_voting() -> None:
    inner = _soft(trees(2), RandomForest(2), weights=[1, 2])
    estimator = _soft(inner, trees(4)).fit(X, np.array(["u", "v", "w"])[THREE])
    assert agrees(estimator, probe(estimator)).classes == ("u", "v", "w")


def test_voting_with_missing_values() -> None:
    estimator = _soft(trees(), RandomForest(3)).fit(GAPS, THREE)
    assert agrees(estimator, probe(estimator, gaps=0.3)).handles_missing
    members = [("a", HGR(max_iter=4)), ("b", Forest(3)), ("c", DecisionTreeRegressor(max_depth=1))]
    values = VotingRegressor(members).fit(GAPS, VALUES)
    model = agrees(values, probe(values, gaps=0.3))
    assert all(len(tree.missing_left) == tree.n_splits for tree in model.trees)


def test_a_member_that_refuses_missing_values_refuses_them_for_all() -> None:
    members = [("a", HGR(max_iter=4)), ("b", GBR(n_estimators=3))]
    estimator = VotingRegressor(members).fit(X, VALUES)
    # As if it had been trained apart.
    estimator.estimators_[0].fit(GAPS, VALUES)
    assert to_ir(estimator.estimators_[0]).handles_missing
    model = agrees(estimator, X)
    assert model.check_nan
    assert not model.handles_missing
    with pytest.raises(MilliwattError, match="GradientBoostingRegressor itself refuses") as caught:
        to_ir(estimator, nan="follow")
    assert caught.value.option == "nan"


def test_members_with_different_categories_share_their_sets() -> None:
    x = rng.choice(6, (150, 2)).astype(float)
    members = [
        ("a", HGR(max_iter=3, categorical_features=[0])),
        ("b", HGR(max_iter=3, categorical_features=[1])),
    ]
    y = np.isin(x[:, 0], [1, 4]) * 2.0 + np.isin(x[:, 1], [0, 3, 4])
    estimator = VotingRegressor(members).fit(x, y)
    samples = rng.choice([-1, 0, 1, 2, 3, 4, 5, 8], (300, 2)).astype(float)
    model = agrees(estimator, samples)
    own = [to_ir(member).category_sets for member in estimator.estimators_]
    assert own[0] != own[1]
    assert set(model.category_sets) == {*own[0], *own[1]}


def test_feature_names_of_data_frames() -> None:
    estimator = _soft(trees(2), trees(3)).fit(X, TWO)
    assert to_ir(estimator).feature_names == ()
    estimator.feature_names_in_ = np.array(list("abcde"), dtype=object)
    assert to_ir(estimator).feature_names == tuple("abcde")


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine"])
def test_real_classes(name: str) -> None:
    data = getattr(datasets, f"load_{name}")()
    for estimator in (
        BaggingClassifier(RandomForest(3), n_estimators=4, max_features=0.5, random_state=0),
        _soft(trees(3), RandomForest(6), ensemble.ExtraTreesClassifier(5), weights=[1, 4, 2]),
        VotingClassifier([("a", trees(1)), ("b", trees(3)), ("c", ExtraTreeClassifier())]),
    ):
        estimator.fit(data.data, data.target)
        agrees(estimator, probe(estimator, data.data))


def test_real_values() -> None:
    data = datasets.load_diabetes()
    members = [("a", Forest(5)), ("b", GBR(n_estimators=20)), ("c", HGR(max_iter=20))]
    for estimator in (BaggingRegressor(n_estimators=7, max_features=0.5), VotingRegressor(members)):
        estimator.fit(data.data, data.target)
        agrees(estimator, probe(estimator, data.data))


@pytest.mark.parametrize("label", ["only", 7, True])
def test_one_class_only(label: Any) -> None:
    y = np.full(150, label)
    for estimator in (
        BaggingClassifier(n_estimators=3),
        _soft(trees(), RandomForest(2)),
        VotingClassifier([("a", trees())]),
    ):
        assert agrees(estimator.fit(X, y), X).classes == (label,)


def test_one_sample_only() -> None:
    for estimator in (BaggingRegressor(n_estimators=3), VotingRegressor([("a", Forest(2))])):
        assert agrees(estimator.fit([[1.0]], [5.0]), np.ones((2, 1))).leaves == ((5.0,),)


@pytest.mark.parametrize(
    ("estimator", "y", "text"),
    [
        (BaggingClassifier(KNeighborsClassifier()), TWO, "BaggingClassifier over KNeighborsClassifier"),
        (BaggingRegressor(LinearRegression()), VALUES, "BaggingRegressor over LinearRegression"),
        (_soft(trees(), LogisticRegression()), TWO, "VotingClassifier over LogisticRegression"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_made_of_no_trees_is_refused(estimator: Any, y: Any, text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(estimator.fit(X, y))
    assert "is not supported" in caught.value.problem
    assert "trees" in str(caught.value.cure)


@pytest.mark.parametrize(
    "estimator",
    [
        BaggingClassifier(),
        BaggingRegressor(),
        VotingClassifier([("a", trees())]),
        VotingRegressor([("a", Forest())]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_is_not_fitted_is_said(estimator: Any) -> None:
    with pytest.raises(MilliwattError, match=f"this {type(estimator).__name__} is not fitted") as caught:
        to_ir(estimator)
    assert "call fit()" in str(caught.value)
