"""scikit-learn's HistGradientBoosting: missing values, categories and links as it takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.oracle import agrees, near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate, scores

HGC, HGR = HistGradientBoostingClassifier, HistGradientBoostingRegressor


rng = np.random.default_rng(11)
ROWS = 300
X = rng.normal(size=(ROWS, 4)).astype(np.float32).astype(float)
GAPS = np.where(rng.random(X.shape) < 0.15, np.nan, X)
TWO = ((X[:, 0] > 0) ^ (rng.random(ROWS) < 0.1)).astype(int)
THREE = TWO + (np.nan_to_num(GAPS[:, 1]) > 0.4)
VALUES = np.abs(X[:, 0] * 3 + np.isnan(GAPS[:, 2]) * 4 + rng.normal(size=ROWS)) + 0.1

# Columns 1 and 3 are categories.
CATEGORIES = (np.array([0, 1, 2, 5, 9]), np.array([3, 40, 255, 256, 65535]))
MIXED = X.copy()
MIXED[:, 1] = rng.choice(CATEGORIES[0], ROWS)
MIXED[:, 3] = rng.choice(CATEGORIES[1], ROWS)
MIXED_VALUES = np.abs(MIXED[:, 0] + (MIXED[:, 1] % 2) * 3 - (MIXED[:, 3] == 255) * 2 + 4)
MIXED_THREE = (MIXED[:, 1] % 3).astype(int)
MIXED_PROBE = X.copy()
MIXED_PROBE[:, 1] = rng.choice([*CATEGORIES[0], -1, 3, 4, 77, np.nan], ROWS)
MIXED_PROBE[:, 3] = rng.choice([*CATEGORIES[1], -9, 0, 254, 65534, 1e9, np.nan], ROWS)


def _probe(estimator: Any, x: NDArray[Any] = X, gaps: float = 0.0) -> NDArray[Any]:
    local = np.random.default_rng(1)
    found = np.concatenate([x, near_thresholds(to_ir(estimator), x, local)])
    return np.where(local.random(found.shape) < gaps, np.nan, found)


def _id(settings: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "default"


SETTINGS: list[dict[str, Any]] = [
    {},
    {"learning_rate": 1.3},
    {"max_depth": 1},
    {"max_leaf_nodes": 2, "l2_regularization": 3.0},
    {"max_bins": 3},
    {"min_samples_leaf": 1, "max_leaf_nodes": None},
    {"min_samples_leaf": 200},
    {"early_stopping": True, "max_iter": 60, "n_iter_no_change": 2, "tol": 0.05},
    {"max_features": 0.4, "interaction_cst": "pairwise"},
    {"max_iter": 1},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=_id)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes(classes: int, settings: dict[str, Any]) -> None:
    y = TWO if classes == 2 else THREE
    estimator = HGC(**{"max_iter": 9, "random_state": 0, **settings}).fit(X, y)
    probe = _probe(estimator)
    model = agrees(estimator, probe)
    assert model.link == ("sigmoid" if classes == 2 else "softmax")
    assert not model.cut_inclusive
    raw = estimator.decision_function(probe).reshape(len(probe), -1)
    np.testing.assert_allclose(scores(model, probe), raw, rtol=1e-12, atol=1e-12)


LOSSES: list[dict[str, Any]] = [
    {"loss": "squared_error"},
    {"loss": "absolute_error"},
    {"loss": "poisson"},
    {"loss": "gamma"},
    {"loss": "quantile", "quantile": 0.8},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=_id)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda given: given["loss"])
def test_values(loss: dict[str, Any], settings: dict[str, Any]) -> None:
    estimator = HGR(**{"max_iter": 9, "random_state": 0, **loss, **settings}).fit(X, VALUES)
    model = agrees(estimator, _probe(estimator))
    assert model.link == ("exp" if loss["loss"] in ("poisson", "gamma") else "identity")


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine", "digits"])
def test_real_classes(name: str) -> None:
    data = getattr(datasets, f"load_{name}")()
    estimator = HGC(max_iter=8, random_state=0).fit(data.data, data.target)
    agrees(estimator, _probe(estimator, data.data))


def test_real_values_with_a_category() -> None:
    data = datasets.load_diabetes(scaled=False)
    x = data.data.copy()
    estimator = HGR(max_iter=40, categorical_features=[1]).fit(x, data.target)  # sex: 1 or 2
    probe = _probe(estimator, x)
    probe[:, 1] = rng.choice([0, 1, 2, 3], len(probe))
    model = agrees(estimator, probe)
    assert model.handles_categories
    assert {1} == {
        f
        for tree in model.trees
        for f, s in zip(tree.feature, tree.category_set or [-1] * tree.n_splits, strict=True)
        if s >= 0
    }


@pytest.mark.parametrize(
    ("kind", "y"), [(HGC, TWO), (HGC, THREE), (HGR, VALUES)], ids=["two", "three", "values"]
)
def test_trained_with_gaps_follows_them(kind: Any, y: Any) -> None:
    estimator = kind(max_iter=12).fit(GAPS, y)
    model = agrees(estimator, _probe(estimator, gaps=0.3))
    assert model.handles_missing
    assert not model.check_nan
    assert all(len(tree.missing_left) == tree.n_splits for tree in model.trees)


def test_trained_without_gaps_refuses_them() -> None:
    """Where the library sends NaN then is not learnt; ``follow`` follows it all the same."""
    for kind, y in ((HGC, TWO), (HGC, THREE), (HGR, VALUES)):
        estimator = kind(max_iter=12).fit(X, y)
        model = agrees(estimator, _probe(estimator))
        assert model.check_nan
        assert not model.handles_missing
        assert agrees(estimator, _probe(estimator, gaps=0.3), nan="follow").handles_missing


@pytest.mark.parametrize("nan", ["refuse", "ignore"])
def test_trained_with_gaps_but_not_followed(nan: str) -> None:
    estimator = HGC(max_iter=6).fit(GAPS, TWO)
    model = agrees(estimator, _probe(estimator), nan=nan)
    assert model.check_nan == (nan == "refuse")
    assert not model.handles_missing


def test_a_split_on_missing_or_not() -> None:
    x = np.where(np.arange(80) % 2, np.nan, rng.normal(size=80)).reshape(-1, 1)
    estimator = HGC(max_iter=3).fit(x, np.isnan(x[:, 0]))
    assert any(np.isposinf(t) for tree in to_ir(estimator).trees for t in tree.threshold)
    model = agrees(estimator, np.array([[np.nan], [-3e38], [0.0], [3e38]]))
    assert evaluate(model, np.array([[np.nan], [0.0]])).argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize(("kind", "y"), [(HGC, MIXED_THREE), (HGR, MIXED_VALUES)], ids=["three", "values"])
def test_categories(kind: Any, y: Any, gaps: float) -> None:
    x = np.where(rng.random(MIXED.shape) < gaps, np.nan, MIXED)
    estimator = kind(max_iter=15, categorical_features=[1, 3]).fit(x, y)
    model = agrees(estimator, MIXED_PROBE, nan="follow")
    assert model.handles_categories
    used = {
        f
        for tree in model.trees
        for f, s in zip(tree.feature, tree.category_set or [-1] * tree.n_splits, strict=True)
        if s >= 0
    }
    assert used <= {1, 3}
    assert used
    known = ~np.isnan(MIXED_PROBE).any(axis=1)
    agrees(estimator, MIXED_PROBE[known], nan="refuse")
    assert to_ir(estimator).handles_missing == (gaps > 0)


def test_categories_that_no_training_sample_had_go_where_missing_values_go() -> None:
    directions = set()
    for seed in range(4):
        local = np.random.default_rng(seed)
        x = local.integers(0, 6, (200, 2)).astype(float)
        y = np.isin(x[:, 0], [1, 4]) * 3.0 + np.isin(x[:, 1], [0, 1, 2, 5]) * 2.0
        y = y if seed % 2 else -y  # the smaller value goes left
        estimator = HGR(max_iter=10, categorical_features=[True, True]).fit(x, y)
        probe = local.integers(-2, 12, (300, 2)).astype(float)
        directions |= {found.inverted for found in agrees(estimator, probe).category_sets}
    assert directions == {True, False}


def test_all_features_categories_and_none() -> None:
    whole = rng.choice(5, (ROWS, 3)).astype(float)
    y = whole[:, 0] % 2 + whole[:, 2]
    agrees(HGR(max_iter=9, categorical_features=[0, 1, 2]).fit(whole, y), whole)
    agrees(HGR(max_iter=9, categorical_features=None).fit(whole, y), whole)
    agrees(HGR(max_iter=9, categorical_features=[]).fit(whole, y), whole)


def test_as_many_categories_as_can_be() -> None:
    x = np.arange(2040.0).reshape(-1, 1) % 255 * 257
    y = (x[:, 0] % 7 == 3).astype(float)
    estimator = HGR(max_iter=6, categorical_features=[0]).fit(x, y)
    agrees(estimator, np.arange(0.0, 65800.0, 50).reshape(-1, 1))
    agrees(estimator, x)


def test_a_category_without_a_value() -> None:
    """A feature that is missing or one category: NaN is a category of the encoder."""
    x = MIXED.copy()
    x[::3, 1] = np.nan
    y = np.isnan(x[:, 1]) * 5.0
    model = agrees(HGR(max_iter=5, categorical_features=[1]).fit(x, y), MIXED_PROBE)
    assert model.handles_missing


@pytest.mark.parametrize("bad", [-1.0, 1.5, 65536.0])
def test_categories_that_the_device_cannot_have(bad: float) -> None:
    x = MIXED.copy()
    x[x[:, 1] == 9, 1] = bad
    with pytest.raises(UnsupportedModelError, match=f"feature 1 has the category {bad}") as caught:
        to_ir(HGR(max_iter=9, categorical_features=[1]).fit(x, (x[:, 1] == bad) * 1.0))
    assert "OrdinalEncoder" in str(caught.value.cure)
    # Where no split asks for it, it does no harm.
    agrees(HGR(max_iter=3, categorical_features=[1]).fit(x, x[:, 0]), MIXED_PROBE, nan="follow")


def test_categories_that_are_words_are_refused() -> None:
    words = np.array([["red"], ["green"]] * 40, dtype=object)
    estimator = HGR(max_iter=2, categorical_features=[0]).fit(words, np.arange(80) % 2)
    with pytest.raises(UnsupportedModelError, match="category 'green'"):
        to_ir(estimator)


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(MIXED, columns=["a", "b", "c", "d"])
    frame["b"] = pandas.Categorical(frame["b"].astype(int))
    for given in ("from_dtype", ["b", "d"]):
        estimator = HGR(max_iter=9, categorical_features=given).fit(frame, MIXED_VALUES)
        assert agrees(estimator, MIXED_PROBE, nan="follow").feature_names == ("a", "b", "c", "d")


@pytest.mark.parametrize("label", ["only", 7, True])
def test_one_class_only(label: Any) -> None:
    model = agrees(HGC(max_iter=3).fit(X, np.full(ROWS, label)), X)
    assert model.classes == (label,)
    assert model.n_splits == 0


def test_labels_names_and_warm_start() -> None:
    estimator = HGC(max_iter=3, warm_start=True).fit(X, np.array(["no", "yes"])[TWO])
    assert agrees(estimator, X).classes == ("no", "yes")
    estimator.set_params(max_iter=8).fit(X, np.array(["no", "yes"])[TWO])
    assert len(agrees(estimator, X).trees) == 8
    estimator.feature_names_in_ = np.array(["a", "b", "c", "d"], dtype=object)
    assert to_ir(estimator).feature_names == ("a", "b", "c", "d")


def test_one_sample() -> None:
    assert agrees(HGR(max_iter=3).fit([[1.0]], [5.0]), np.array([[1.0], [2.0]])).n_splits == 0


def test_sample_weights_some_of_them_zero() -> None:
    weight = rng.random(ROWS) * (rng.random(ROWS) < 0.7)
    for kind, y in ((HGC, THREE), (HGR, VALUES)):
        agrees(kind(max_iter=6).fit(X, y, sample_weight=weight), X)


def test_monotonic_constraints_with_categories() -> None:
    estimator = HGR(max_iter=9, categorical_features=[1], monotonic_cst=[1, 0, -1, 0])
    agrees(estimator.fit(MIXED, MIXED_VALUES), MIXED_PROBE, nan="follow")


@pytest.mark.parametrize("kind", [HGC, HGR])
def test_what_is_not_fitted_is_said(kind: Any) -> None:
    with pytest.raises(MilliwattError, match=f"this {kind.__name__} is not fitted"):
        to_ir(kind())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_targets_beyond_a_float_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="beyond what a float can hold"):
        to_ir(HGR(max_iter=1).fit(X, np.where(TWO, 1e60, -1e60)))


def _damage(predictor: Any, field: str, value: Any) -> None:
    predictor.nodes = predictor.nodes.copy()
    predictor.nodes[field][0] = value


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 4000), ("right", 0), ("left", 2), ("feature_idx", 99), ("feature_idx", -1),
     ("num_threshold", np.nan), ("is_categorical", 1)],
)  # fmt: skip
def test_a_damaged_tree_is_refused(field: str, value: float) -> None:
    """Files from elsewhere may hold anything; what is no tree must not be walked."""
    estimator = HGC(max_iter=2).fit(X, TWO)
    _damage(estimator._predictors[0][0], field, value)
    with pytest.raises(UnsupportedModelError, match="damaged"):
        to_ir(estimator)


@pytest.mark.parametrize("nodes", [np.zeros(0), np.zeros(3), [1, 2], None])
def test_a_tree_that_is_none_is_refused(nodes: Any) -> None:
    estimator = HGC(max_iter=2).fit(X, TWO)
    estimator._predictors[0][0].nodes = nodes
    with pytest.raises(UnsupportedModelError, match="not a record of nodes"):
        to_ir(estimator)


def test_a_damaged_set_of_categories_is_refused() -> None:
    estimator = HGR(max_iter=4, categorical_features=[1, 3]).fit(MIXED, MIXED_VALUES)
    predictor = next(p[0] for p in estimator._predictors if p[0].nodes["is_categorical"].any())
    predictor.nodes["bitset_idx"] = 900
    with pytest.raises(UnsupportedModelError, match="without its categories"):
        to_ir(estimator)


def test_a_stage_too_few_is_refused() -> None:
    estimator = HGC(max_iter=4).fit(X, THREE)
    estimator._predictors[2].pop()
    with pytest.raises(UnsupportedModelError, match="not 3 trees in every stage"):
        to_ir(estimator)
