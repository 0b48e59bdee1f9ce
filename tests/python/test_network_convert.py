"""``convert()`` and ``Model`` with networks: task, classes, features, quantisation, and what is measured."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

import milliwatt
from milliwatt import ir
from milliwatt.errors import InputError, MilliwattError
from milliwatt.export import summary
from milliwatt.host import batches, evaluate_committee
from milliwatt.host import evaluate_integers as whole
from milliwatt.model import Model, load
from milliwatt.passes.feature_type import Decision
from milliwatt.passes.network_type import scaled_features

pytestmark = pytest.mark.filterwarnings("ignore:.*onverge", "ignore:lbfgs")

DIGITS, DIGIT = load_digits(return_X_y=True)
TRAIN, TEST = DIGITS[:1000], DIGITS[1000:1400]


@pytest.fixture(scope="module")
def digits() -> MLPClassifier:
    return MLPClassifier((24,), max_iter=40, random_state=0).fit(TRAIN, DIGIT[:1000])


@pytest.fixture(scope="module")
def bodies() -> tuple[MLPRegressor, NDArray[np.float64], NDArray[np.float64]]:
    x, y = load_diabetes(return_X_y=True)
    x = x * 10
    model = MLPRegressor(hidden_layer_sizes=(12,), max_iter=300, solver="lbfgs", random_state=0).fit(x, y)
    return model, x, y


def _network(model: Model) -> ir.Network:
    assert isinstance(model.ir, ir.Network)
    return model.ir


def _trade(model: Model) -> ir.QuantizeTrade:
    assert model.ir.calibration is not None
    assert model.ir.calibration.quantize is not None
    return model.ir.calibration.quantize


# -- floats --------------------------------------------------------------------------------------


def test_floats_answer_as_the_estimator(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits, name="digits", calibration=TRAIN[:200])
    assert (model.ir.dtype, _network(model).quantize, _network(model).arena) == ("float", "none", "static")
    assert "floats" in model.decision.reason if model.decision else False
    assert (model.predict(TEST) == digits.predict(TEST)).all()
    expected = digits.predict_proba(TEST)
    assert np.abs(model.predict_proba(TEST) - expected).max() < 1e-5
    assert (np.abs(model.evaluate(TEST) - expected) <= model.bounds(TEST)).all()
    calibration = model.ir.calibration
    assert calibration is not None
    assert (calibration.agreement.rows, calibration.agreement.fraction) == (200, 1.0)
    assert (calibration.low, calibration.high) == (
        tuple(TRAIN[:200].min(axis=0).tolist()),
        tuple(TRAIN[:200].max(axis=0).tolist()),
    )
    assert calibration.quantize is None


def test_bounds_would_find_a_wrong_weight(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits)
    digits = pickle.loads(pickle.dumps(digits))
    digits.coefs_[1][3, 4] += 0.01
    off = np.abs(model.evaluate(TEST) - digits.predict_proba(TEST))
    assert (off > model.bounds(TEST)).any()


def test_without_calibration_data_nothing_is_measured(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits)
    assert model.ir.calibration is None
    assert repr(model) == (
        "<milliwatt.Model model: classifier, network of 2 layers with 1810 weights, 64 float features>"
    )


def test_two_classes_and_their_labels() -> None:
    y = np.where(DIGIT[:300] > 4, "high", "low")
    estimator = MLPClassifier((6,), max_iter=30, solver="lbfgs", random_state=0).fit(DIGITS[:300], y)
    model = milliwatt.convert(estimator, calibration=DIGITS[:300], quantize="int8")
    assert list(model.classes_) == ["high", "low"]
    assert model.predict_proba(TEST).shape == (400, 2)
    same = model.predict(TEST) == estimator.predict(TEST)
    assert same.mean() > 0.97
    assert set(model.predict(TEST)) == {"high", "low"}


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_labels_each_for_itself(quantize: str) -> None:
    y = np.stack([DIGIT % 2 == 0, DIGIT > 4, DIGIT < 2], axis=1).astype(int)[:1000]
    estimator = MLPClassifier((16,), max_iter=40, random_state=0).fit(TRAIN, y)
    model = milliwatt.convert(estimator, calibration=TRAIN, quantize=quantize)
    found = model.predict(TEST)
    assert (found.shape, set(found.ravel())) == ((400, 3), {0, 1})
    same = (found == estimator.predict(TEST)).all(axis=1)
    assert same.all() if quantize == "none" else same.mean() > 0.95
    assert model.predict_proba(TEST).shape == (400, 3)
    calibration = model.ir.calibration
    assert calibration is not None
    assert calibration.agreement.fraction > (0.999 if quantize == "none" else 0.95)
    with pytest.raises(MilliwattError, match="predict_labels"):
        model.host.predict(model.device_features(TEST))


def test_values(bodies: tuple[MLPRegressor, Any, Any]) -> None:
    estimator, x, y = bodies
    model = milliwatt.convert(estimator, calibration=x[:200])
    assert model.predict(x).shape == (442,)
    off = np.abs(model.predict(x) - estimator.predict(x))
    assert (off <= model.bounds(x)[:, 0]).all()
    assert off.max() < 1e-5 * np.abs(y).max()
    calibration = model.ir.calibration
    assert calibration is not None
    assert calibration.agreement.fraction == 1.0
    with pytest.raises(MilliwattError, match="depends on the samples"):
        model.bound  # noqa: B018
    with pytest.raises(MilliwattError, match="no probabilities"):
        model.predict_proba(x)


# -- features ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantize", "data", "dtype"),
    [
        ("none", DIGITS[:100], "float"),
        ("int8", DIGITS[:100], "uint8"),
        ("int8", DIGITS[:100] - 8, "int8"),
        ("int8", DIGITS[:100] * 100 - 80, "int16"),
        ("int8", DIGITS[:100] * 10000, "float"),
        ("int8", DIGITS[:100] / 16, "float"),
        ("int16", DIGITS[:100], "uint8"),
    ],
    ids=range(7),
)
def test_the_type_of_features(
    digits: MLPClassifier, quantize: str, data: NDArray[np.float64], dtype: str
) -> None:
    model = milliwatt.convert(digits, calibration=data, quantize=quantize)
    assert (model.ir.dtype, model.ir.scale) == (dtype, ())
    assert model.decision is not None
    assert model.decision.reason


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_real_features_get_a_scale(digits: MLPClassifier, quantize: str, dtype: str) -> None:
    data = DIGITS[:1400] / 16 + 0.001
    estimator = MLPClassifier((24,), max_iter=40, random_state=0).fit(data[:1000], DIGIT[:1000])
    model = milliwatt.convert(estimator, calibration=data, quantize=quantize, dtype=dtype)
    assert len(model.ir.scale) == 64
    device = model.device_features(data)
    assert device.dtype == np.dtype(dtype)
    assert device.max() == np.iinfo(dtype).max
    assert model.decision is not None
    assert (scaled_features(model.decision, data) == device).all()
    assert (model.predict(data) == estimator.predict(data)).mean() > 0.98


def test_one_scale_for_images(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    layers = [
        keras.Input((4, 4, 2)),
        keras.layers.Conv2D(3, 2),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
    ]
    data = np.random.default_rng(0).normal(size=(20, 32)) * np.arange(1, 33)
    model = milliwatt.convert(keras.Sequential(layers), calibration=data, dtype="int16")
    assert len(set(model.ir.scale)) == 1
    assert model.ir.calibration is not None


def test_scaling_rounds_halves_away_from_zero() -> None:
    decision = Decision("int8", "", (2.0, 1.0))
    given = np.array([[0.25, 0.5], [-0.25, -0.5], [80.0, -1000.0], [0.2, 1.49]])
    assert scaled_features(decision, given).tolist() == [[1, 1], [-1, -1], [127, -128], [0, 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"dtype": "int32", "quantize": "int8", "calibration": TRAIN},
            "do not take features of the type int32",
        ),
        ({"dtype": "int8", "calibration": TRAIN * 20}, r"takes the value \d+, outside int8"),
        ({"dtype": "uint8", "calibration": TRAIN / 16 - 0.1}, "uint8 knows no negatives"),
        ({"calibration": TRAIN[:, :5]}, "samples of shape"),
        ({"calibration": TRAIN[:0]}, "no samples"),
        ({"calibration": np.full((2, 64), np.inf)}, "infinite"),
        ({"calibration": np.full((2, 64), np.nan)}, "NaN"),
    ],
)
def test_features_that_are_refused(digits: MLPClassifier, options: dict[str, Any], message: str) -> None:
    with pytest.raises(MilliwattError, match=message) as caught:
        milliwatt.convert(digits, **options)
    assert caught.value.option in ("dtype", "calibration")
    assert caught.value.cure


def test_integer_features_without_calibration_data(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits, dtype="int16")
    assert (model.predict(TEST) == digits.predict(TEST)).all()
    with pytest.raises(InputError, match="not a value of type int16"):
        model.predict(TEST / 16)


def test_images_may_be_given_as_images() -> None:
    keras = pytest.importorskip("keras")
    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(2, 3),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ]
    network = keras.Sequential(layers)
    images = TEST.reshape(-1, 8, 8, 1)
    model = milliwatt.convert(network, calibration=images, name="image")
    rows = model.predict(TEST)
    assert (model.predict(images) == rows).all()
    assert (model.predict(images[..., 0]) == rows).all()
    assert (model.evaluate(images) == model.evaluate(TEST)).all()
    with pytest.raises(InputError, match="samples of shape"):
        model.predict(TEST.reshape(-1, 4, 16))
    with pytest.raises(InputError, match="samples of shape"):
        model.predict(images[:, :7])


# -- quantisation --------------------------------------------------------------------------------


@pytest.mark.parametrize("quantize", ["int8", "int16"])
def test_quantised_classes(digits: MLPClassifier, quantize: str) -> None:
    model = milliwatt.convert(digits, calibration=TRAIN[:300], quantize=quantize, name="digits")
    assert f", {quantize}, 64 uint8 features>" in repr(model)
    assert (model.predict(TEST) == digits.predict(TEST)).mean() > 0.98
    trade = _trade(model)
    assert (trade.quantize, trade.before.rows, trade.before.fraction) == (quantize, 300, 1.0)
    exact = milliwatt.convert(digits)
    changed = (exact.predict(TRAIN[:300]) != model.predict(TRAIN[:300])).sum()
    assert trade.classes_changed == changed
    difference = np.abs(exact.evaluate(TRAIN[:300]) - model.evaluate(TRAIN[:300])).max()
    assert trade.largest_difference == pytest.approx(difference)
    assert (trade.accuracy_before, trade.accuracy_after) == (None, None)
    assert [error.tensor for error in trade.layers] == [1, 2]


def test_the_c_is_the_oracle_bit_for_bit(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits, calibration=TRAIN[:300], quantize="int8")
    network = _network(model)
    features = model.host.device_features(TEST)
    steps = whole.integer_scores(network, features)
    units = np.asarray(whole.score_units(network), dtype=np.float32)
    assert (model.host.score(features) == steps.astype(np.float32) * units).all()


def test_labels_in_the_data_give_accuracy(digits: MLPClassifier, tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    rows = np.column_stack([TEST, DIGIT[1000:1400]])
    np.savetxt(
        path, rows, delimiter=",", fmt="%d", header=",".join(map(str, [*range(64), "label"])), comments=""
    )
    trade = _trade(milliwatt.convert(digits, calibration=path, quantize="int8"))
    assert trade.accuracy_before == pytest.approx((digits.predict(TEST) == DIGIT[1000:1400]).mean())
    assert trade.accuracy_after is not None
    assert abs(trade.accuracy_after - trade.accuracy_before) <= trade.classes_changed / 400


def test_quantised_values(bodies: tuple[MLPRegressor, Any, Any], tmp_path: Path) -> None:
    estimator, x, y = bodies
    path = tmp_path / "samples.csv"
    np.savetxt(path, np.column_stack([x, y]), delimiter=",")
    model = milliwatt.convert(estimator, calibration=path, quantize="int8")
    trade = _trade(model)
    rounded = np.loadtxt(path, delimiter=",")[:, :-1]
    root = np.sqrt(np.square(estimator.predict(rounded) - y).mean())
    assert trade.accuracy_before == pytest.approx(root, rel=1e-4)
    assert trade.accuracy_after == pytest.approx(root, rel=0.05)
    assert 0 < trade.largest_difference < 0.1 * np.ptp(y)
    calibration = model.ir.calibration
    assert calibration is not None
    assert calibration.agreement.fraction == 1.0  # within the stated difference
    assert calibration.agreement.max_error == pytest.approx(trade.largest_difference, rel=1e-3)
    assert (model.bounds(x) >= trade.largest_difference).all()


def test_what_is_stored_comes_back(digits: MLPClassifier, tmp_path: Path) -> None:
    model = milliwatt.convert(digits, calibration=TRAIN[:300], quantize="int8", arena="caller", name="digits")
    (path,) = model.save(tmp_path / "digits.mw.json")
    again = load(path)
    assert again.ir == model.ir
    assert again.decision is None
    assert again.layers == model.layers
    assert (again.predict(TEST) == model.predict(TEST)).all()


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_many_samples_are_evaluated_a_few_at_a_time(
    digits: MLPClassifier, quantize: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = milliwatt.convert(digits, calibration=TRAIN[:300], quantize=quantize)
    at_once, bounds = model.evaluate(TEST), model.bounds(TEST)
    asked: list[int] = []
    real = batches.in_batches

    def seen(network: ir.Network, samples: NDArray[Any], answer: Any) -> NDArray[np.float64]:
        return real(network, samples, lambda some: (asked.append(len(some)), answer(some))[1])

    monkeypatch.setattr(evaluate_committee, "in_batches", seen)
    monkeypatch.setattr(batches, "_MOST_NUMBERS", 700)
    assert np.allclose(model.evaluate(TEST), at_once, rtol=0, atol=1e-15)
    assert np.allclose(model.bounds(TEST), bounds, rtol=1e-12)
    assert (max(asked), sum(asked)) == (7, 400)


# -- arena and layers ----------------------------------------------------------------------------


@pytest.mark.parametrize("arena", ["static", "caller"])
def test_the_arena(digits: MLPClassifier, arena: str, tmp_path: Path) -> None:
    model = milliwatt.convert(digits, arena=arena, name="digits")
    files = model.save(tmp_path / "digits.c")
    header = next(path for path in files if path.suffix == ".h").read_text()
    assert f"#define DIGITS_ARENA_SIZE {model.arena_size}" in header
    assert ("void *arena" in header) == (arena == "caller")
    assert (model.predict(TEST) == digits.predict(TEST)).all()


def test_layers(digits: MLPClassifier) -> None:
    model = milliwatt.convert(digits)
    first, last = model.layers
    assert "dense of 64" in first.layer
    assert (first.weight_bytes, first.macs) == (4 * (64 * 24 + 24), 64 * 24)
    assert (last.weight_bytes, last.macs) == (4 * (24 * 10 + 10), 240)
    assert first.error is None
    assert max(row.arena_bytes for row in model.layers) <= model.arena_size
    quantised = milliwatt.convert(digits, calibration=TRAIN[:200], quantize="int8")
    assert quantised.arena_size < model.arena_size
    assert sum(row.weight_bytes for row in quantised.layers) < 0.4 * (first.weight_bytes + last.weight_bytes)
    for row in quantised.layers:
        assert row.error is not None
        assert row.error.noise_db > 25


def test_trees_have_neither() -> None:
    from sklearn.tree import DecisionTreeClassifier

    model = milliwatt.convert(DecisionTreeClassifier(max_depth=2).fit(TRAIN, DIGIT[:1000]))
    assert (model.arena_size, model.layers) == (0, ())
    assert model.bounds(TEST[:3]).shape == (3, 10)


# -- calibration data that say little --------------------------------------------------------------


@pytest.mark.parametrize("nan", ["auto", "ignore"])
def test_gaps_in_calibration_data_are_refused(digits: MLPClassifier, nan: str) -> None:
    data = TRAIN[:20].copy()
    data[3, 5] = np.nan
    with pytest.raises(MilliwattError, match="NaN") as caught:
        milliwatt.convert(digits, quantize="int8", calibration=data, nan=nan)
    assert "nan=follow" not in str(caught.value)


@pytest.mark.parametrize(("label", "said"), [("seven", "label 'seven' is none of the classes"), ("7", "")])
def test_labels_that_are_no_classes_are_told(
    digits: MLPClassifier, label: str, said: str, tmp_path: Path
) -> None:
    rows = [",".join(map(str, row)) for row in TRAIN[:5]]
    file = tmp_path / "samples.csv"
    names = ["0", "1", "2", "3", label]
    file.write_text("".join(f"{row},{name}\n" for row, name in zip(rows, names, strict=True)))
    model = milliwatt.convert(digits, quantize="int8", calibration=file)
    assert _trade(model).no_accuracy == said
    assert (_trade(model).accuracy_after is None) == bool(said)
    assert any(f"accuracy is not known: {said}" in line for line in summary(model)) == bool(said)
    assert ir.loads(ir.dumps(model.ir)) == model.ir


@pytest.mark.parametrize(
    ("label", "outputs", "said"),
    [("much", 1, "label 'much' is no number"), ("nan", 1, "label 'nan' is no number"), ("1", 2, "2 values")],
)
def test_labels_that_are_no_values_are_told(label: str, outputs: int, said: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    wanted = x[:, :outputs] if outputs > 1 else x[:, 0]
    estimator = MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0).fit(x, wanted)
    file = tmp_path / "samples.csv"
    file.write_text("a,b,label\n" + "".join(f"{a},{b},{label}\n" for a, b in x))
    model = milliwatt.convert(estimator, quantize="int8", calibration=file)
    assert said in _trade(model).no_accuracy
    assert any(said in line for line in summary(model))
