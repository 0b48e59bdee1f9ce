"""Cases in which converted trees of other tools are known to answer differently from the estimator.

Every one comes out right here, with both methods, or is refused with a clear error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import milliwatt
from milliwatt.emit import choose_method, emit_c
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host import HostModel, compare_classes
from milliwatt.ir import Tree, TreeEnsemble, validate
from milliwatt.options import METHODS

EVERY_METHOD = pytest.mark.parametrize("method", METHODS)
PROBABILITY = 2.0**-22


def proves(estimator: Any, x: NDArray[Any], method: str, **options: Any) -> milliwatt.Model:
    """Convert, run the emitted C, and compare every answer with the estimator's."""
    model = milliwatt.convert(estimator, method=method, **options)
    assert model.choice.method == method
    if not model.ir.is_classifier:
        assert (np.abs(model.predict(x) - estimator.predict(x)) <= model.bound).all()
        return model
    probabilities = estimator.predict_proba(x)
    indices = model.host.predict(model.host.device_features(x))
    agreement = compare_classes(indices, probabilities)
    assert agreement.agree == agreement.rows - agreement.ties
    assert (model.predict(x) == model.classes_[indices]).all()
    if not agreement.ties:
        assert (model.predict(x) == estimator.predict(x)).all()
    assert np.abs(model.predict_proba(x) - probabilities).max() <= PROBABILITY
    return model


def _grid(low: int, high: int, n_features: int, rows: int = 800, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(low, high + 1, (rows, n_features))


DTYPES = ["auto", "float", "int8", "int16", "int32"]


@EVERY_METHOD
@pytest.mark.parametrize("dtype", [*DTYPES, "uint8"])
def test_small_integer_features(method: str, dtype: str) -> None:
    """x = floor(threshold) must go left: ``<`` instead of ``<=``, or rounding, sends it right."""
    x = _grid(0, 5, 4)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 8).astype(int) + (x[:, 3] > 2)
    model = proves(DecisionTreeClassifier(random_state=0).fit(x, y), x, method, dtype=dtype)
    assert (model.predict(x) == y).all()


@EVERY_METHOD
@pytest.mark.parametrize("dtype", DTYPES)
def test_small_negative_integer_features(method: str, dtype: str) -> None:
    x = _grid(-5, 5, 4)
    y = np.abs(x[:, 0] * x[:, 1]) + x[:, 2]
    proves(DecisionTreeClassifier(random_state=0).fit(x, y), x, method, dtype=dtype)


@EVERY_METHOD
def test_values_on_integral_thresholds(method: str) -> None:
    """Trained on even numbers, so that thresholds are the odd ones; asked about those."""
    x = _grid(-10, 10, 3) * 2
    forest = RandomForestClassifier(10, random_state=0).fit(x, (x.sum(axis=1) // 8) % 3)
    thresholds = np.concatenate([t.tree_.threshold[t.tree_.feature >= 0] for t in forest.estimators_])
    assert (thresholds == np.rint(thresholds)).any()
    for dtype in ("float", "int16"):
        proves(forest, _grid(-21, 21, 3, 2000), method, dtype=dtype)


@EVERY_METHOD
def test_every_threshold_and_its_neighbours(method: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    forest = ExtraTreesClassifier(8, random_state=0).fit(x, rng.integers(0, 3, 300))
    probes = []
    for member in forest.estimators_:
        split = member.tree_.feature >= 0
        for feature, t in zip(member.tree_.feature[split], member.tree_.threshold[split], strict=True):
            nearest = np.float32(t)
            below, above = (np.nextafter(nearest, np.float32(end)) for end in (-9, 9))
            for value in (below, nearest, above):
                probes.append(x[len(probes) % 300].copy())
                probes[-1][feature] = value
    proves(forest, np.array(probes), method)


@EVERY_METHOD
@pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e-42, 1e6, 1e30])
def test_features_of_any_magnitude(method: str, scale: float) -> None:
    """1e-6 is lost where thresholds are printed with six decimals; 1e-42 is a denormal float32."""
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(400, 4)) * scale).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(int) + (x[:, 2] > 0)
    proves(DecisionTreeClassifier(random_state=0).fit(x, y), x, method)


@EVERY_METHOD
@pytest.mark.parametrize("labels", [[10, 20, 30, 40], ["sit", "stand", "walk", "größe"], [-1, 0, 7, 2**40]])
def test_labels(method: str, labels: list[Any]) -> None:
    x = _grid(-1000, 1000, 4)
    y = np.asarray(labels)[(x[:, 0] > 0).astype(int) * 2 + (x[:, 1] > 0)]
    forest = RandomForestClassifier(10, random_state=0).fit(x, y)
    model = proves(forest, x, method)
    assert set(model.predict(x)) == set(labels)


@EVERY_METHOD
@pytest.mark.parametrize(
    "settings", [{}, {"class_weight": "balanced"}, {"min_samples_leaf": 5}, {"max_depth": 3}]
)
def test_imbalanced_soft_votes(method: str, settings: dict[str, Any]) -> None:
    """Trees that are unsure: counting each one's favourite would lose the rare class."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1500, 5)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=1500) > 1.6).astype(int)
    assert 0.05 < y.mean() < 0.2
    forest = RandomForestClassifier(25, random_state=0, **settings).fit(x, y)
    proves(forest, rng.normal(size=(3000, 5)).astype(np.float32), method)


@EVERY_METHOD
def test_soft_votes_are_not_hard_votes(method: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=600) > 0).astype(int) + (rng.random(600) < 0.3)
    forest = RandomForestClassifier(10, max_depth=3, random_state=0).fit(x, y)
    hard = np.stack([tree.predict(x) for tree in forest.estimators_]).astype(int)
    favourites = np.array([np.bincount(column, minlength=3).argmax() for column in hard.T])
    assert (favourites != forest.predict(x)).any(), "the case must tell the two apart"
    proves(forest, x, method)


@EVERY_METHOD
@pytest.mark.parametrize("n_classes", [31, 128, 300])
def test_many_classes(method: str, n_classes: int) -> None:
    x = _grid(-2000, 2000, 6, rows=n_classes * 4)
    y = np.arange(len(x)) % n_classes
    for settings in ({}, {"min_samples_leaf": 2}):
        forest = RandomForestClassifier(5, random_state=0, **settings).fit(x, y)
        model = proves(forest, x, method)
        assert model.predict_proba(x).shape == (len(x), n_classes)


@EVERY_METHOD
@pytest.mark.parametrize("n_features", [127, 128, 200, 2048])
def test_many_features(method: str, n_features: int) -> None:
    x = _grid(-100, 100, n_features, rows=150)
    forest = RandomForestClassifier(30, random_state=0).fit(x, (x[:, -1] + x[:, -2]) // 50)
    assert max(t.tree_.feature.max() for t in forest.estimators_) > n_features * 0.9
    proves(forest, x, method)


def test_thousands_of_features() -> None:
    x = _grid(-100, 100, 3000, rows=60)
    y = x[:, 2999] > 0
    tree = DecisionTreeClassifier(random_state=0).fit(np.where(np.arange(3000) == 2999, x, 0), y)
    assert tree.tree_.feature.max() == 2999
    for method in METHODS:
        proves(tree, x, method)


def test_more_than_tables_can_hold() -> None:
    """A feature number of 16 bits leaves 14 for links: a left side of 16,384 splits is too much."""
    n = 16_385
    chain = Tree(0, (60_000,) * n, tuple(range(n, 0, -1)), (*range(1, n), -1), (-2,) * n)
    top = Tree(
        0,
        (0, *chain.feature, 0),
        (0, *chain.threshold, 5),
        (1, *(c + 1 if c >= 0 else c for c in chain.left), -1),
        (n + 1, *chain.right, -2),
    )
    model = validate(
        TreeEnsemble("classifier", 60_001, (top,), ((1.0, 0.0), (0.0, 1.0)), (0, 1), dtype="int32")
    )
    assert choose_method(model).method == "inline", "auto must take what works"
    with pytest.raises(MilliwattError, match="too large for packed tables") as caught:
        emit_c(model, method="loadable")
    assert "method=inline" in str(caught.value)


def _deep(depth: int) -> tuple[DecisionTreeClassifier, NDArray[np.int64]]:
    """A tree that is one chain: each split cuts off a single value."""
    x = np.arange(depth + 1)[:, None]
    tree = DecisionTreeClassifier(random_state=0).fit(x, np.arange(depth + 1) % 2)
    return tree, x


@EVERY_METHOD
@pytest.mark.parametrize("depth", [1200, 1500])
@pytest.mark.parametrize("dtype", ["float", "int16"])
def test_deep_trees(method: str, depth: int, dtype: str) -> None:
    tree, x = _deep(depth)
    assert tree.get_depth() == depth
    model = proves(tree, x, method, dtype=dtype)
    assert len(model.ir.trees[0].feature) == depth


@EVERY_METHOD
def test_int16_out_of_range_is_refused(method: str) -> None:
    x = _grid(-40_000, 40_000, 2)
    tree = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > 35_000)
    with pytest.raises(MilliwattError, match=r"feature 0 is compared with 3\d+.*outside int16") as caught:
        milliwatt.convert(tree, method=method, dtype="int16")
    assert "int32" in str(caught.value)
    with pytest.raises(MilliwattError, match=r"feature \d takes the value -?\d+, outside int16"):
        milliwatt.convert(tree, method=method, dtype="int16", calibration=x)
    proves(tree, x, method, dtype="int32")
    assert proves(tree, x, method, calibration=x).ir.dtype == "int32"
    within = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > 300)
    model = milliwatt.convert(within, method=method, dtype="int16")
    with pytest.raises(InputError, match="not a value of type int16"):
        model.predict([[32_768, 0]])
    assert model.predict([[32_767, -32_768]]).tolist() == within.predict([[32_767, -32_768]]).tolist()


@EVERY_METHOD
@pytest.mark.parametrize("width", [0, 1, 3])
def test_too_few_or_too_many_features(method: str, width: int) -> None:
    x = _grid(0, 9, 2)
    model = milliwatt.convert(DecisionTreeClassifier().fit(x, x[:, 0] > 4), method=method)
    with pytest.raises(InputError, match=r"the model takes \(rows, 2\)"):
        model.predict(np.zeros((4, width)))


@EVERY_METHOD
def test_two_models_in_one_process(method: str) -> None:
    x = _grid(-50, 50, 3)
    first = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > 0)
    second = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] <= 0)
    a, b = (milliwatt.convert(tree, name="net", method=method) for tree in (first, second))
    for _ in range(2):
        assert (a.predict(x) == first.predict(x)).all()
        assert (b.predict(x) == second.predict(x)).all()
    assert (a.predict(x) != b.predict(x)).all()


@EVERY_METHOD
@pytest.mark.parametrize("outputs", [1, 3])
def test_regressors(method: str, outputs: int) -> None:
    rng = np.random.default_rng(6)
    x = _grid(-300, 300, 5)
    y = np.stack([x[:, 0] * 3.7, rng.normal(size=800) * 1e-5, x[:, 1] ** 2 * 1e4], axis=1)[:, :outputs]
    forest = RandomForestRegressor(10, random_state=0).fit(x, y.squeeze())
    model = proves(forest, x, method)
    spread = np.abs(forest.predict(x)).reshape(800, -1).max(axis=0)
    assert (model.bound <= np.maximum(spread, 1e-30) * 1e-6).all(), "the bound must be worth something"


@EVERY_METHOD
def test_whole_numbers_are_regressed_exactly(method: str) -> None:
    x = _grid(0, 30, 2)
    tree = DecisionTreeRegressor(random_state=0).fit(x, x[:, 0] - 2 * x[:, 1])
    assert (milliwatt.convert(tree, method=method).predict(x) == tree.predict(x)).all()


@EVERY_METHOD
def test_integers_beyond_what_float32_can_tell_apart(method: str) -> None:
    """scikit-learn rounds features to float32 first; int32 code must go where that went."""
    centre = 2**25
    x = np.arange(centre - 400, centre + 400)[:, None]
    tree = DecisionTreeClassifier(random_state=0).fit(x, (x[:, 0] // 16) % 2)
    proves(tree, x, method, dtype="int32")


@EVERY_METHOD
def test_scaled_features_measure_their_agreement(method: str) -> None:
    """int8 of real-valued features is an approximation, and the model says how good it is."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500, 3)) * [1.0, 100.0, 1e-3]
    forest = RandomForestClassifier(8, max_depth=5, random_state=0).fit(x, x[:, 0] + x[:, 1] / 100 > 0)
    for dtype, least in (("int8", 0.9), ("int16", 0.998)):
        model = milliwatt.convert(forest, dtype=dtype, method=method, calibration=x)
        assert model.ir.calibration is not None
        agreement = model.ir.calibration.agreement
        same = (model.predict(x) == forest.predict(x)).mean()
        assert abs(agreement.fraction - same) < 0.01
        assert least < agreement.fraction <= 1.0
    with pytest.raises(MilliwattError, match="was not an integer in training"):
        milliwatt.convert(forest, dtype="int8", method=method)
    with pytest.raises(MilliwattError, match="knows no negatives"):
        milliwatt.convert(forest, dtype="uint8", method=method, calibration=x)


def test_all_methods_answer_the_same_to_the_last_bit() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(500, 6)).astype(np.float32)
    forest = RandomForestClassifier(12, random_state=0, max_depth=6).fit(x, rng.integers(0, 5, 500))
    model = milliwatt.convert(forest, dtype="float").ir
    inline = HostModel(model, "inline")
    for method in METHODS:
        other = HostModel(model, method)
        assert (inline.predict_proba(x) == other.predict_proba(x)).all(), method
        assert (inline.predict(x) == other.predict(x)).all(), method


def test_numpy_error_state_is_left_alone() -> None:
    before = np.geterr()
    x = _grid(0, 5, 2)
    milliwatt.convert(DecisionTreeClassifier().fit(x, x[:, 0]), calibration=x).predict(x)
    assert np.geterr() == before
