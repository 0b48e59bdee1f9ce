"""XGBoost at the edges: thresholds and leaves at the limits of float32, and any model at all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.boosting import near_thresholds, problem, same

from milliwatt.frontends import to_ir
from milliwatt.frontends.xgboost_trees import read_file
from milliwatt.host import evaluate

xgb = pytest.importorskip("xgboost")

X, GAPS, CODES, BINARY, _, VALUES = problem(5, 240, 4)
CATEGORY = {"feature_types": ["q", "q", "c", "c"], "enable_categorical": True}


def _document() -> Any:
    """A saved model that tests may change: two classes, categories, gaps."""
    x = np.where(np.isnan(GAPS), np.nan, CODES)
    estimator = xgb.XGBClassifier(n_estimators=4, max_depth=3, **CATEGORY).fit(x, BINARY)
    return json.loads(bytes(estimator.get_booster().save_raw("json")))


def _file(document: Any) -> Any:
    return read_file(json.dumps(document).encode())


# Extremes: thresholds and leaves at the edges of float32, changed in the file and asked of the library.

EDGES = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1.1754944e-38,
    -1.1754942e-38,
    3.4028235e38,
    -3.4028235e38,
    1.0,
    16777216.0,
]


@pytest.mark.parametrize("edge", EDGES)
def test_thresholds_at_the_edges_of_float32(edge: float) -> None:
    estimator = xgb.XGBRegressor(n_estimators=3, max_depth=2).fit(GAPS, VALUES)
    document = json.loads(bytes(estimator.get_booster().save_raw("json")))
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left != -1:
                tree["split_conditions"][node] = edge
    exact = np.array([*EDGES, np.nan, 0.5, -0.5], dtype=np.float32)
    with np.errstate(over="ignore"):
        beside = [np.nextafter(exact, np.float32(end)) for end in (-np.inf, np.inf)]
    values = np.concatenate([exact, *beside])
    values = values[~np.isinf(values)]
    x = np.random.default_rng(0).choice(values, size=(400, 4))
    same(_file(document), x)


@pytest.mark.parametrize("edge", [float("inf"), float("-inf")])
def test_infinite_thresholds(edge: float) -> None:
    """Everything that is there goes left of inf, and nothing left of -inf; what is missing, as learnt."""
    document = _document()
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    plain = [i for i, left in enumerate(tree["left_children"]) if left != -1 and not tree["split_type"][i]]
    for node in plain:
        tree["split_conditions"][node] = edge
    assert plain
    x = np.where(np.isnan(GAPS), np.nan, CODES).astype(np.float32)
    model = same(_file(document), x)
    tree = model.trees[0]
    wanted = float(np.finfo(np.float32).max) if edge > 0 else float("inf")
    sets = tree.category_set or (-1,) * tree.n_splits
    assert {t for t, c in zip(tree.threshold, sets, strict=True) if c < 0} == {wanted}


def test_leaves_large_and_small_and_cancelling() -> None:
    """The stated noise holds where float32 sums lose the most."""
    estimator = xgb.XGBRegressor(n_estimators=40, max_depth=3, base_score=0.0).fit(X, VALUES)
    document = json.loads(bytes(estimator.get_booster().save_raw("json")))
    values = np.random.default_rng(3)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left == -1:
                size = 10.0 ** values.integers(-6, 7)
                tree["split_conditions"][node] = float(np.float32(values.normal() * size))
    model = same(_file(document), X)
    assert 0.1 < model.noise < 1e3
    assert np.abs(evaluate(model, X)[:, 0] - xgb_predict(document)).max() > 1e-3  # so there is noise


def xgb_predict(document: Any) -> Any:
    booster = xgb.Booster(model_file=bytearray(json.dumps(document).encode()))
    return booster.predict(xgb.DMatrix(X)).astype(float)


def test_a_sum_beyond_float32_is_no_crash() -> None:
    document = _document()
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = [
            3e38 if left == -1 else t
            for t, left in zip(tree["split_conditions"], tree["left_children"], strict=True)
        ]
    assert to_ir(_file(document)).noise > 1.0


# Any model


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(5, 150),
    features=st.integers(1, 6),
    scale=st.sampled_from([0.0, 1e-40, 1e-6, 1.0, 1e6, 1e30]),
    classes=st.integers(1, 5),
    trees=st.integers(1, 12),
    depth=st.integers(1, 6),
    gaps=st.sampled_from([0.0, 0.3]),
    codes=st.booleans(),
    booster=st.sampled_from(["gbtree", "gbtree", "dart"]),
    method=st.sampled_from(["exact", "hist", "approx"]),
    parallel=st.sampled_from([1, 1, 2]),
)
def test_any_model(
    seed: int, rows: int, features: int, scale: float, classes: int, trees: int, depth: int, gaps: float,
    codes: bool, booster: str, method: str, parallel: int,
) -> None:  # fmt: skip
    """``classes`` 1 is a regressor, ``scale`` 0 means small integers."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, features)) * scale if scale else random.integers(-4, 5, (rows, features))
    x = x.astype(np.float32)
    types = ["q"] * features
    if codes and method != "exact":
        x[:, 0], types[0] = random.integers(0, 12, rows), "c"
    x[random.random(x.shape) < gaps] = np.nan
    y = random.integers(0, classes, rows) if classes > 1 else random.normal(size=rows)
    if classes > 1:
        y[:classes] = np.arange(classes)
    settings = {
        "n_estimators": trees, "max_depth": depth, "booster": booster, "tree_method": method,
        "num_parallel_tree": parallel, "feature_types": types, "enable_categorical": method != "exact",
        "min_child_weight": 0.1, "random_state": seed % 1000,
    }  # fmt: skip
    if booster == "dart":
        settings["rate_drop"] = 0.3
    kind = xgb.XGBClassifier if classes > 1 else xgb.XGBRegressor
    estimator = kind(**settings).fit(x, y)
    model = to_ir(estimator)
    same(estimator, near_thresholds(model, x, 60, seed, 0.2))
