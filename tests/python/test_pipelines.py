"""Pipelines of scikit-learn: what stands before the model becomes part of it, and changes no answer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.fold_thresholds import largest_below
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.preparation import Column, Step

RNG = np.random.default_rng(7)
N = 5
X = (RNG.gamma(2.0, [1.0, 20.0, 300.0, 0.01, 5.0], size=(400, N))).astype(np.float32).astype(np.float64)
Y = (X[:, 0] / 2 + X[:, 1] / 40 + X[:, 2] / 600 + RNG.normal(0, 0.3, 400) > 3).astype(int) + (X[:, 4] > 12)
FRESH = (RNG.gamma(2.0, [1.0, 20.0, 300.0, 0.01, 5.0], size=(3000, N))).astype(np.float32).astype(np.float64)

SCALERS: dict[str, Any] = {
    "standard": StandardScaler(),
    "mean only": StandardScaler(with_std=False),
    "std only": StandardScaler(with_mean=False),
    "min max": MinMaxScaler((-3, 7)),
    "clipped": MinMaxScaler(clip=True),
    "max abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, bare": RobustScaler(with_centering=False, with_scaling=False),
    "log1p": FunctionTransformer(np.log1p),
    "sqrt": FunctionTransformer(np.sqrt),
    "nothing": FunctionTransformer(),
    "yeo-johnson": PowerTransformer(),
    "box-cox": PowerTransformer("box-cox"),
    "quantile": QuantileTransformer(n_quantiles=50, random_state=0),
    "normal quantile": QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=0),
    "bins": KBinsDiscretizer(7, encode="ordinal"),
    "binary": Binarizer(threshold=2.5),
    "best two": SelectKBest(k=2),
    "by variance": VarianceThreshold(0.5),
    "by a model": SelectFromModel(DecisionTreeClassifier(max_depth=3, random_state=0)),
    "union": FeatureUnion([("a", StandardScaler()), ("b", FunctionTransformer(np.log1p)), ("c", "drop")]),
    "columns": ColumnTransformer(
        [
            ("s", StandardScaler(), [4, 1]),
            ("d", "drop", [0]),
            ("l", FunctionTransformer(np.log1p), slice(2, 3)),
        ],
        remainder="passthrough",
    ),
    "two": make_pipeline(FunctionTransformer(np.log1p), RobustScaler(), "passthrough"),
    "empty": "passthrough",
}


def _same(model: milliwatt.Model, estimator: Any, samples: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = estimator.predict(samples)
        if hasattr(estimator, "predict_proba"):
            # Ties are decided by scikit-learn's own rounding.
            best = np.sort(estimator.predict_proba(samples), axis=1)
            clear = best[:, -1] - best[:, -2] > 1e-9
            samples, expected = samples[clear], expected[clear]
    assert len(samples)
    np.testing.assert_array_equal(model.predict(samples), expected)


def _near(estimator: Any, model: milliwatt.Model) -> Any:
    """Samples on and beside every threshold, where an answer would change first."""
    rows = []
    for tree in model.ir.trees:  # type: ignore[union-attr]
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if np.isfinite(threshold):
                for value in (
                    np.float32(threshold),
                    np.nextafter(np.float32(threshold), np.float32(np.inf)),
                    np.nextafter(np.float32(threshold), np.float32(-np.inf)),
                ):
                    row = FRESH[len(rows) % len(FRESH)].copy()
                    row[feature] = value
                    rows.append(row)
    return np.array(rows).reshape(-1, N)


@pytest.mark.parametrize("name", SCALERS)
def test_trees_take_over_what_stands_before_them(name: str) -> None:
    forest = RandomForestClassifier(8, max_depth=7, random_state=0)
    pipeline = make_pipeline(SCALERS[name], forest).fit(X, Y)
    model = milliwatt.convert(pipeline, calibration=X, leaf_bits="exact")
    _same(model, pipeline, FRESH)
    edges = _near(pipeline, model)
    _same(model, pipeline, edges[edges.min(axis=1) > 0])
    assert model.ir.n_features == N
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0


@pytest.mark.parametrize(
    "final",
    [
        ExtraTreesClassifier(5, random_state=1),
        HistGradientBoostingClassifier(max_iter=15, random_state=0),
        AdaBoostClassifier(n_estimators=5, random_state=0),
        BaggingClassifier(DecisionTreeClassifier(max_depth=4), 5, random_state=0, max_features=0.7),
        VotingClassifier(
            [
                ("a", DecisionTreeClassifier(max_depth=4)),
                ("b", make_pipeline(MinMaxScaler(), DecisionTreeClassifier())),
            ]
        ),
    ],
    ids=lambda final: type(final).__name__,
)
def test_every_kind_of_trees(final: Any) -> None:
    if isinstance(final, VotingClassifier):
        # Members with pipelines of their own; one before all of them, too.
        alone = VotingClassifier(final.estimators).fit(X, Y)
        _same(milliwatt.convert(alone), alone, FRESH)
        with pytest.raises(UnsupportedModelError, match="float32 and float64"):
            milliwatt.convert(make_pipeline(StandardScaler(), final).fit(X, Y))
        return
    pipeline = make_pipeline(StandardScaler(), final).fit(X, Y)
    model = milliwatt.convert(pipeline)
    _same(model, pipeline, FRESH)
    _same(model, pipeline, _near(pipeline, model))


def test_xgboost_and_lightgbm() -> None:
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    for final in (
        xgboost.XGBClassifier(n_estimators=5, max_depth=3),
        lightgbm.LGBMClassifier(n_estimators=5, verbose=-1),
    ):
        pipeline = make_pipeline(RobustScaler(), final).fit(X, Y)
        model = milliwatt.convert(pipeline)
        _same(model, pipeline, FRESH)
        _same(model, pipeline, _near(pipeline, model))


def test_regressors_and_outlier_detectors() -> None:
    for final in (
        RandomForestRegressor(5, max_depth=5, random_state=0),
        GradientBoostingRegressor(n_estimators=10, random_state=0),
    ):
        pipeline = make_pipeline(StandardScaler(), final).fit(X, X[:, 0] + X[:, 1])
        model = milliwatt.convert(pipeline)
        np.testing.assert_allclose(model.predict(FRESH), pipeline.predict(FRESH), rtol=1e-5)
    pipeline = make_pipeline(StandardScaler(), IsolationForest(n_estimators=20, random_state=0)).fit(X)
    _same(milliwatt.convert(pipeline), pipeline, FRESH)


def test_integer_features() -> None:
    whole = np.round(X * 10)
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(8, random_state=0)).fit(whole, Y)
    model = milliwatt.convert(pipeline, dtype="int16", calibration=whole)
    assert model.ir.scale == ()
    samples = np.round(FRESH * 10)
    _same(model, pipeline, samples[samples.max(axis=1) < 32767])


def test_names_of_columns() -> None:
    pandas = pytest.importorskip("pandas")
    names = ["ax", "ay", "az", "gx", "gy"]
    table = pandas.DataFrame(X, columns=names)
    chosen = ColumnTransformer(
        [
            ("s", StandardScaler(), ["gy", "ax"]),
            ("p", "passthrough", slice("ay", "az")),
            ("m", MinMaxScaler(), [False, False, False, True, False]),
        ]
    )
    pipeline = make_pipeline(chosen, RandomForestClassifier(8, random_state=0)).fit(table, Y)
    model = milliwatt.convert(pipeline, calibration=X)
    assert model.ir.feature_names == tuple(names)
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0
    np.testing.assert_array_equal(
        model.predict(FRESH), pipeline.predict(pandas.DataFrame(FRESH, columns=names))
    )


def _with_holes(samples: Any) -> Any:
    holed = samples.copy()
    holed[np.random.default_rng(1).random(holed.shape) < 0.1] = np.nan
    return holed


@pytest.mark.parametrize(
    "final",
    [RandomForestClassifier(8, random_state=0), GradientBoostingRegressor(n_estimators=8, random_state=0)],
    ids=lambda final: type(final).__name__,
)
@pytest.mark.parametrize("before", [(), (MaxAbsScaler(),)], ids=["", "scaled"])
def test_missing_values_get_their_numbers(final: Any, before: tuple[Any, ...]) -> None:
    steps = (*before, SimpleImputer(strategy="median"), StandardScaler(), final)
    pipeline = make_pipeline(*steps).fit(_with_holes(X), Y)
    model = milliwatt.convert(pipeline, calibration=_with_holes(X))
    assert not model.ir.check_nan
    samples = _with_holes(FRESH)
    if model.ir.is_classifier:
        _same(model, pipeline, samples)
    else:
        np.testing.assert_allclose(model.predict(samples), pipeline.predict(samples), rtol=1e-5)


def test_some_missing_values_filled_and_others_refused() -> None:
    partly = ColumnTransformer([("i", SimpleImputer(), [0, 1])], remainder="passthrough")
    pipeline = make_pipeline(partly, GradientBoostingRegressor(n_estimators=3)).fit(X, Y)
    with pytest.raises(UnsupportedModelError, match="filled in some features, and refused in others"):
        milliwatt.convert(pipeline)


def test_nan_of_a_pipeline_without_imputer_is_refused_on_the_device() -> None:
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, Y)
    assert milliwatt.convert(pipeline).ir.check_nan


@given(
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20),
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.booleans(),
)
@settings(max_examples=100)
def test_thresholds_are_the_last_that_pass(
    ends: list[float], mean: float, scale: float, single: bool
) -> None:
    column = Column(0, (Step("s", lambda x: (x - mean) / scale),))
    thresholds = np.array(ends)
    found = largest_below(column, thresholds, single=single)

    def passes(x: Any) -> Any:
        value = (x - mean) / scale
        with np.errstate(over="ignore"):
            return (value.astype(np.float32).astype(np.float64) if single else value) <= thresholds

    largest = float(np.finfo(np.float32).max)
    inside = np.isfinite(found)
    assert passes(np.where(inside, found, -np.inf))[inside].all()
    assert not passes(np.nextafter(found, np.inf))[inside].any()
    assert passes(np.full(len(ends), largest))[found == np.inf].all()
    assert not passes(np.full(len(ends), -largest))[found == -np.inf].any()


NETS: dict[str, list[Any]] = {
    "standard": [StandardScaler()],
    "min max, best": [MinMaxScaler(), SelectKBest(k=3)],
    "pca": [StandardScaler(), PCA(3)],
    "whitened": [RobustScaler(), PCA(3, whiten=True), MaxAbsScaler()],
    "svd": [StandardScaler(), TruncatedSVD(2)],
    "columns": [ColumnTransformer([("s", StandardScaler(), [4, 0]), ("m", MaxAbsScaler(), [2])])],
    "best of pca": [StandardScaler(), PCA(4), SelectKBest(k=2)],
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("hidden", [(9,), (8, 4)])
def test_networks_take_over_what_stands_before_them(name: str, hidden: tuple[int, ...]) -> None:
    mlp = MLPClassifier(hidden, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(*NETS[name], mlp).fit(X, Y)
    model = milliwatt.convert(pipeline, calibration=X)
    assert model.ir.n_features == N
    difference = np.abs(model.predict_proba(FRESH) - pipeline.predict_proba(FRESH))
    assert difference.max() < 2e-5
    integers = milliwatt.convert(pipeline, quantize="int8", calibration=X)
    agree = (integers.predict(FRESH) == pipeline.predict(FRESH)).mean()
    assert agree > 0.95


def test_networks_that_regress() -> None:
    mlp = MLPRegressor(hidden_layer_sizes=(8,), max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(StandardScaler(), mlp).fit(X, X[:, 0])
    np.testing.assert_allclose(
        milliwatt.convert(pipeline).predict(FRESH), pipeline.predict(FRESH), rtol=1e-4, atol=1e-5
    )


REFUSED: dict[str, tuple[Any, str]] = {
    "normalizer": (
        make_pipeline(Normalizer(), DecisionTreeClassifier()),
        r"'normalizer' \(Normalizer\) is not",
    ),
    "products": (
        make_pipeline(PolynomialFeatures(), DecisionTreeClassifier()),
        r"\(PolynomialFeatures\) is not",
    ),
    "pca, trees": (make_pipeline(PCA(2), DecisionTreeClassifier()), r"'pca' \(PCA\) sums up features"),
    "own function": (
        make_pipeline(FunctionTransformer(lambda x: -x), DecisionTreeClassifier()),
        "computes <lambda>, which is not supported",
    ),
    "falling": (
        make_pipeline(FunctionTransformer(np.negative), DecisionTreeClassifier()),
        "computes negative",
    ),
    "log, network": (
        make_pipeline(FunctionTransformer(np.log1p), MLPClassifier((2,), max_iter=2)),
        "no multiplication and addition",
    ),
    "imputer, network": (
        make_pipeline(SimpleImputer(), MLPClassifier((2,), max_iter=2)),
        "networks refuse missing values",
    ),
    "imputer after log": (
        make_pipeline(FunctionTransformer(np.log), SimpleImputer(), DecisionTreeClassifier()),
        r"\(SimpleImputer\) comes after 'functiontransformer'",
    ),
    "indicator": (
        make_pipeline(SimpleImputer(add_indicator=True), DecisionTreeClassifier()),
        "adds indicators",
    ),
    "one-hot bins": (
        make_pipeline(KBinsDiscretizer(3), DecisionTreeClassifier()),
        "encodes 'onehot'",
    ),
    "one-hot": (
        make_pipeline(
            ColumnTransformer([("o", OneHotEncoder(), [0])], remainder="passthrough", sparse_threshold=0),
            DecisionTreeClassifier(),
        ),
        r"'o' \(OneHotEncoder\)",
    ),
    "model": (
        make_pipeline(StandardScaler(), __import__("sklearn.neighbors").neighbors.KNeighborsClassifier()),
        "KNeighborsClassifier is not supported",
    ),
    "no model": (make_pipeline(StandardScaler(), "passthrough"), "ends with a transformer"),
    "weights": (
        make_pipeline(
            FeatureUnion([("a", StandardScaler())], transformer_weights={"a": 2.0}), DecisionTreeClassifier()
        ),
        "transformer_weights",
    ),
    "pca beside": (
        make_pipeline(
            FeatureUnion([("a", PCA(1)), ("b", StandardScaler())]), MLPClassifier((2,), max_iter=2)
        ),
        "beside other columns",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_the_name_of_the_step(name: str) -> None:
    pipeline, message = REFUSED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X, Y)
    with pytest.raises(UnsupportedModelError, match=message) as caught:
        milliwatt.convert(pipeline)
    assert caught.value.cure


def test_not_fitted() -> None:
    with pytest.raises(MilliwattError, match="not fitted"):
        milliwatt.convert(make_pipeline(StandardScaler(), DecisionTreeClassifier()))


def test_pipelines_in_pipelines() -> None:
    inner = Pipeline([("log", FunctionTransformer(np.log1p)), ("tree", DecisionTreeClassifier(max_depth=5))])
    pipeline = make_pipeline(StandardScaler(with_mean=False), inner).fit(X, Y)
    _same(milliwatt.convert(pipeline), pipeline, FRESH)


@pytest.mark.parametrize("name", ["standard", "log1p", "best two", "by a model", "yeo-johnson", "bins"])
def test_files_of_pipelines(name: str, tmp_path: Path) -> None:
    skops = pytest.importorskip("skops.io")
    pipeline = make_pipeline(SCALERS[name], SimpleImputer(), DecisionTreeClassifier(max_depth=4))
    if name in ("log1p",):
        pipeline.steps.pop(1)
    skops.dump(pipeline.fit(X, Y), tmp_path / "p.skops")
    _same(milliwatt.convert(load_estimator(tmp_path / "p.skops", trust_pickle=False)), pipeline, FRESH)


def test_the_model_file_says_what_it_was_made_of() -> None:
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, Y)
    assert (
        milliwatt.convert(pipeline).ir.origin["class"] == "Pipeline of StandardScaler, DecisionTreeClassifier"
    )
