"""scikit-learn's Bagging and Voting over trees: the IR answers as they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.oracle import agrees, near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import datasets, ensemble
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate

BaggingClassifier, BaggingRegressor = ensemble.BaggingClassifier, ensemble.BaggingRegressor
VotingClassifier, VotingRegressor = ensemble.VotingClassifier, ensemble.VotingRegressor
RandomForest, Forest = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
GBC, GBR = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
HGR = ensemble.HistGradientBoostingRegressor

rng = np.random.default_rng(5)
X = rng.normal(size=(150, 5)).astype(np.float32)
GAPS = np.where(rng.random(X.shape) < 0.15, np.float32(np.nan), X)
TWO = ((X[:, 0] > 0) ^ (rng.random(150) < 0.1)).astype(int)
THREE = TWO + (X[:, 1] > 0.4)
VALUES = X[:, 0] * 3 + rng.normal(size=150)


def _probe(estimator: Any, x: NDArray[Any] = X, gaps: float = 0.0) -> NDArray[Any]:
    local = np.random.default_rng(1)
    found = np.concatenate([x, near_thresholds(to_ir(estimator), x, local)])
    return np.where(local.random(found.shape) < gaps, np.nan, found)


def _id(settings: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "default"


def _trees(depth: int | None = 4) -> Any:
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


# --- Bagging -----------------------------------------------------------------------------------

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
    [None, _trees(2), ExtraTreeClassifier(max_depth=3), RandomForest(3), ensemble.ExtraTreesClassifier(2)],
)
def test_bagged_classes(base: Any, settings: dict[str, Any]) -> None:
    estimator = BaggingClassifier(base, **{"n_estimators": 5, "random_state": 0, **settings}).fit(X, THREE)
    model = agrees(estimator, _probe(estimator))
    assert model.aggregate == "mean"  # proportions stay what they are
    assert not model.base


@pytest.mark.parametrize("settings", BAGS, ids=_id)
@pytest.mark.parametrize(
    "base",
    [None, ExtraTreeRegressor(max_depth=3), Forest(3), GBR(n_estimators=4), HGR(max_iter=4)],
)
def test_bagged_values(base: Any, settings: dict[str, Any]) -> None:
    estimator = BaggingRegressor(base, **{"n_estimators": 5, "random_state": 0, **settings}).fit(X, VALUES)
    agrees(estimator, _probe(estimator))


def test_bagged_values_of_several_outputs() -> None:
    y = np.stack([VALUES, VALUES**2], axis=1)
    estimator = BaggingRegressor(n_estimators=4, random_state=0).fit(X, y)
    assert agrees(estimator, _probe(estimator)).n_outputs == 2


def test_bagged_bags() -> None:
    inner = BaggingClassifier(_trees(), n_estimators=3, max_features=0.7)
    estimator = BaggingClassifier(inner, n_estimators=4, max_features=0.8, random_state=0).fit(X, THREE)
    assert len(agrees(estimator, _probe(estimator)).trees) == 12


def test_members_that_know_fewer_classes() -> None:
    """Voting takes no sample weights, so bagging draws rows for it, and a class may be left out."""
    y = np.array(["a", "b", "c", "d"])[np.repeat([0, 1, 2, 3], [70, 70, 5, 5])]
    soft = VotingClassifier([("a", _trees()), ("b", _trees(2))], voting="soft")
    hard = VotingClassifier([("a", _trees(3))], voting="hard")
    for inner in (soft, hard):
        estimator = BaggingClassifier(inner, n_estimators=6, max_samples=12, random_state=0).fit(X, y)
        assert min(len(member.classes_) for member in estimator.estimators_) < 4
        model = agrees(estimator, _probe(estimator))
        assert model.classes == ("a", "b", "c", "d")
    assert not hasattr(estimator.estimators_[0], "predict_proba")  # which vote


def test_bagging_with_missing_values() -> None:
    for base in (
        None,
        RandomForest(3),
        VotingClassifier([("t", _trees()), ("f", RandomForest(2))], voting="soft"),
    ):
        estimator = BaggingClassifier(base, n_estimators=6, random_state=0).fit(GAPS, THREE)
        assert agrees(estimator, _probe(estimator, gaps=0.3)).handles_missing
        assert to_ir(estimator, nan="refuse").check_nan
        assert not to_ir(estimator, nan="ignore").check_nan
    estimator = BaggingRegressor(HGR(max_iter=4), n_estimators=4, max_features=0.5).fit(GAPS, VALUES)
    assert agrees(estimator, _probe(estimator, gaps=0.3)).handles_missing
    whole = BaggingClassifier(n_estimators=6).fit(X, THREE)
    assert not to_ir(whole).handles_missing
    agrees(whole, _probe(whole, gaps=0.3), nan="follow")


def test_members_with_different_categories_share_their_sets() -> None:
    x = rng.choice(6, (150, 2)).astype(float)
    members = [
        ("a", HGR(max_iter=3, categorical_features=[0])),
        ("b", HGR(max_iter=3, categorical_features=[1])),
    ]
    y = np.isin(x[:, 0], [1, 4]) * 2.0 + np.isin(x[:, 1], [0, 3, 4])
    estimator = VotingRegressor(members).fit(x, y)
    probe = rng.choice([-1, 0, 1, 2, 3, 4, 5, 8], (300, 2)).astype(float)
    model = agrees(estimator, probe)
    own = [to_ir(member).category_sets for member in estimator.estimators_]
    assert own[0] != own[1]
    assert set(model.category_sets) == {*own[0], *own[1]}


def test_bagged_categories() -> None:
    x = X.astype(float)
    x[:, [1, 4]] = rng.choice([0, 2, 7, 30], (150, 2))
    y = np.isin(x[:, 1], [2, 7]) * 2.0 + np.isin(x[:, 4], [0, 7])
    estimator = BaggingRegressor(HGR(max_iter=4, categorical_features=[1, 4]), n_estimators=4).fit(x, y)
    probe = _probe(estimator, x)
    probe[:, [1, 4]] = rng.choice([-1, 0, 1, 2, 7, 30, 99], (len(probe), 2))
    model = agrees(estimator, probe)
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


# --- Voting ------------------------------------------------------------------------------------


def _soft(*members: Any, weights: Any = None) -> Any:
    named = [(f"m{i}", member) for i, member in enumerate(members)]
    return VotingClassifier(named, voting="soft", weights=weights)


@pytest.mark.parametrize("weights", [None, [1, 1, 1], [1, 2, 0.7], [3, 0, 1], [0, 0, 5]])
def test_soft_votes(weights: Any) -> None:
    members = (_trees(3), RandomForest(4, max_depth=3), BaggingClassifier(_trees(2), n_estimators=3))
    for y in (TWO, THREE):
        estimator = _soft(*members, weights=weights).fit(X, y)
        agrees(estimator, _probe(estimator))


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
    assert agrees(estimator, _probe(estimator)).aggregate == aggregate


@pytest.mark.parametrize("weights", [None, [1, 2, 3], [0.5, 0.3, 0.2], [1, 1, 5], [2, 0, 1]])
def test_hard_votes(weights: Any) -> None:
    members = [("a", _trees(2)), ("b", ExtraTreeClassifier(max_depth=4)), ("c", RandomForest(1))]
    for y in (TWO, THREE, np.array(["x", "y", "z"])[THREE]):
        estimator = VotingClassifier(members, weights=weights).fit(X, y)
        model = agrees(estimator, _probe(estimator))
        assert model.link == "margin"
        assert not model.has_probabilities
        assert model.is_pure == (weights is None)


def test_hard_votes_of_single_boosted_trees() -> None:
    members = [("a", GBC(n_estimators=1)), ("b", ensemble.HistGradientBoostingClassifier(max_iter=1))]
    members += [("c", ensemble.AdaBoostClassifier(n_estimators=1))]
    estimator = VotingClassifier(members).fit(X, TWO)
    agrees(estimator, _probe(estimator))


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
    agrees(estimator, _probe(estimator))


def test_dropped_members() -> None:
    members = [("a", _trees(2)), ("b", _trees(5)), ("c", RandomForest(3))]
    for voting in ("soft", "hard"):
        estimator = VotingClassifier(list(members), voting=voting, weights=[1, 2, 3])
        drop = "c" if voting == "hard" else "a"
        estimator.set_params(**{drop: "drop"}).fit(X, THREE)
        agrees(estimator, _probe(estimator))
        with pytest.raises(MilliwattError, match="1 weights for 2 members") as caught:
            to_ir(estimator.set_params(b="drop"))
        assert caught.value.option == "weights"


@pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [np.nan, 1], [np.inf, 1]])
def test_weights_that_make_no_average(weights: Any) -> None:
    estimator = _soft(_trees(2), _trees(5), weights=weights).fit(X, TWO)
    with pytest.raises(UnsupportedModelError, match="not numbers >= 0") as caught:
        to_ir(estimator)
    assert caught.value.option == "weights"


def test_voting_over_voting() -> None:
    inner = _soft(_trees(2), RandomForest(2), weights=[1, 2])
    estimator = _soft(inner, _trees(4)).fit(X, np.array(["u", "v", "w"])[THREE])
    assert agrees(estimator, _probe(estimator)).classes == ("u", "v", "w")


def test_voting_with_missing_values() -> None:
    estimator = _soft(_trees(), RandomForest(3)).fit(GAPS, THREE)
    assert agrees(estimator, _probe(estimator, gaps=0.3)).handles_missing
    members = [("a", HGR(max_iter=4)), ("b", Forest(3)), ("c", DecisionTreeRegressor(max_depth=1))]
    values = VotingRegressor(members).fit(GAPS, VALUES)
    model = agrees(values, _probe(values, gaps=0.3))
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


def test_feature_names_of_data_frames() -> None:
    estimator = _soft(_trees(2), _trees(3)).fit(X, TWO)
    assert to_ir(estimator).feature_names == ()
    estimator.feature_names_in_ = np.array(list("abcde"), dtype=object)
    assert to_ir(estimator).feature_names == tuple("abcde")


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine"])
def test_real_classes(name: str) -> None:
    data = getattr(datasets, f"load_{name}")()
    for estimator in (
        BaggingClassifier(RandomForest(3), n_estimators=4, max_features=0.5, random_state=0),
        _soft(_trees(3), RandomForest(6), ensemble.ExtraTreesClassifier(5), weights=[1, 4, 2]),
        VotingClassifier([("a", _trees(1)), ("b", _trees(3)), ("c", ExtraTreeClassifier())]),
    ):
        estimator.fit(data.data, data.target)
        agrees(estimator, _probe(estimator, data.data))


def test_real_values() -> None:
    data = datasets.load_diabetes()
    members = [("a", Forest(5)), ("b", GBR(n_estimators=20)), ("c", HGR(max_iter=20))]
    for estimator in (BaggingRegressor(n_estimators=7, max_features=0.5), VotingRegressor(members)):
        estimator.fit(data.data, data.target)
        agrees(estimator, _probe(estimator, data.data))


@pytest.mark.parametrize("label", ["only", 7, True])
def test_one_class_only(label: Any) -> None:
    y = np.full(150, label)
    for estimator in (
        BaggingClassifier(n_estimators=3),
        _soft(_trees(), RandomForest(2)),
        VotingClassifier([("a", _trees())]),
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
        (_soft(_trees(), LogisticRegression()), TWO, "VotingClassifier over LogisticRegression"),
        (BaggingClassifier(GBC(n_estimators=2)), TWO, "averaging over GradientBoostingClassifier"),
        (_soft(_trees(), GBC(n_estimators=2)), TWO, "soft voting over GradientBoostingClassifier"),
        (_soft(_trees(), GBC(n_estimators=2)), THREE, "soft voting over GradientBoostingClassifier"),
        (_soft(ensemble.AdaBoostClassifier()), TWO, "soft voting over AdaBoostClassifier"),
        (
            BaggingRegressor(ensemble.AdaBoostRegressor(n_estimators=3)),
            VALUES,
            "averaging over AdaBoostRegressor",
        ),
        (
            VotingRegressor([("a", HGR(loss="poisson", max_iter=2))]),
            np.abs(VALUES),
            "averaging over HistGradientBoostingRegressor",
        ),
        (VotingClassifier([("a", RandomForest(3))]), TWO, "hard voting over RandomForestClassifier"),
        (
            BaggingClassifier(VotingClassifier([("a", _trees()), ("b", _trees(2))])),
            TWO,
            "averaging over VotingClassifier",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sum_of_trees_is_refused(estimator: Any, y: Any, text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(estimator.fit(X, y))
    assert "is not supported" in caught.value.problem
    assert "trees" in str(caught.value.cure)


@pytest.mark.parametrize(
    "estimator",
    [
        BaggingClassifier(),
        BaggingRegressor(),
        VotingClassifier([("a", _trees())]),
        VotingRegressor([("a", Forest())]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_is_not_fitted_is_said(estimator: Any) -> None:
    with pytest.raises(MilliwattError, match=f"this {type(estimator).__name__} is not fitted") as caught:
        to_ir(estimator)
    assert "call fit()" in str(caught.value)
