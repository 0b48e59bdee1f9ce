"""What the rig makes of a network's answers, without a board: what is equal, and what counts as rounding."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import milliwatt
from milliwatt.host import HostModel, evaluate, scores
from milliwatt.host.network_bounds import answer_bounds, score_bounds
from milliwatt.ir.network import Array, Dense, Network
from milliwatt.model import Model
from milliwatt.rig.board import load_board
from milliwatt.rig.comparison import compare
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.running import form_of

pytest.importorskip("yaml")  # boards are YAML
pytestmark = pytest.mark.filterwarnings("ignore:.*onverge")

DIGITS, DIGIT = load_digits(return_X_y=True)
X = DIGITS[900:930]


@pytest.fixture(scope="module")
def mlp() -> MLPClassifier:
    return MLPClassifier((12,), max_iter=30, random_state=0).fit(DIGITS[:800], DIGIT[:800])


@pytest.fixture(scope="module")
def floats(mlp: MLPClassifier) -> Model:
    return milliwatt.convert(mlp, name="digits")


@pytest.fixture(scope="module")
def integers(mlp: MLPClassifier) -> Model:
    return milliwatt.convert(mlp, name="digits", calibration=DIGITS[:200], quantize="int8")


@pytest.fixture(scope="module")
def marks() -> Model:
    y = np.stack([DIGIT % 2 == 0, DIGIT > 4], axis=1).astype(int)[:800]
    return milliwatt.convert(
        MLPClassifier((6,), max_iter=30, random_state=0).fit(DIGITS[:800], y), name="marks"
    )


def _spec(model: Model, vector: bool = False, scores: bool = False) -> FirmwareSpec:
    return FirmwareSpec(model.ir, "network", load_board("host"), vector or scores, scores)


def _compared(
    spec: FirmwareSpec, device: NDArray[Any], wanted: NDArray[np.float64] | None = None, x: NDArray[Any] = X
) -> dict[str, Any]:
    host = HostModel(spec.model)
    return compare(spec, host, host.device_features(x), device, wanted)


# -- classes -------------------------------------------------------------------------------------


def test_classes(floats: Model, mlp: MLPClassifier) -> None:
    device = floats.host.predict(floats.host.device_features(X)).astype(np.int64)
    found = _compared(_spec(floats), device, mlp.predict_proba(X))
    assert (found["same_as_host"], found["agree"], found["disagreements"]) == (30, 30, ())
    device[3], device[7] = (device[3] + 1) % 10, -2
    found = _compared(_spec(floats), device)
    assert found["same_as_host"] == 28
    assert [d.sample for d in found["disagreements"]] == [3, 7]
    assert found["disagreements"][1].device == "status -2"


def _two_scores(distance: float, outputs: int = 2) -> Model:
    """Scores of two classes that are so far apart, beside numbers of 1."""
    weights = np.ones((1, outputs), dtype="<f4")
    bias = np.zeros(outputs, dtype="<f4")
    bias[-1] = distance
    if outputs == 1:
        weights[:] = 0
    layer = Dense(
        Array(weights.shape, "float32", weights.tobytes()), Array(bias.shape, "float32", bias.tobytes())
    )
    return Model(Network("classifier", 1, (layer,), "softmax" if outputs > 1 else "sigmoid", (0, 1)))


@pytest.mark.parametrize(("distance", "same"), [(1e-6, True), (1e-3, False)])
def test_rounding_may_decide_between_classes_of_floats(distance: float, same: bool) -> None:
    model = _two_scores(distance)
    x = np.ones((1, 1))
    assert list(model.predict(x)) == [1]
    found = _compared(_spec(model), np.array([0]), x=x)
    assert found["same_as_host"] == int(same)
    assert _compared(_spec(model), np.array([-1]), x=x)["same_as_host"] == 0


def test_one_score_near_zero() -> None:
    for score, same in ((0.0, True), (0.5, False)):
        model = _two_scores(score, 1)
        other = 1 - int(model.predict(np.ones((1, 1)))[0])
        assert _compared(_spec(model), np.array([other]), x=np.ones((1, 1)))["same_as_host"] == int(same)


def test_classes_of_integers_are_those_of_the_host(integers: Model) -> None:
    features = integers.host.device_features(X)
    reached = np.sort(scores(integers.ir, features), axis=1)
    closest = int(np.argmin(reached[:, -1] - reached[:, -2]))
    device = integers.host.predict(features).astype(np.int64)
    device[closest] = (device[closest] + 1) % 10
    assert _compared(_spec(integers), device)["same_as_host"] == 29


# -- numbers -------------------------------------------------------------------------------------


def test_scores_of_integers_bit_by_bit(integers: Model) -> None:
    spec = _spec(integers, scores=True)
    assert (spec.function, spec.n_outputs) == ("score", 10)
    device = integers.host.score(integers.host.device_features(X))
    assert _compared(spec, device)["same_as_host"] == 30
    device[2, 3] = np.nextafter(device[2, 3], np.float32(np.inf))
    found = _compared(spec, device)
    assert (found["same_as_host"], found["disagreements"][0].sample) == (29, 2)


def test_floats_within_the_bound(floats: Model, mlp: MLPClassifier) -> None:
    features = floats.host.device_features(X)
    for spec, limit in (
        (_spec(floats, scores=True), score_bounds),
        (_spec(floats, vector=True), answer_bounds),
    ):
        answer = {"score": floats.host.score, "predict_proba": floats.host.predict_proba}[spec.function]
        bound = limit(floats.ir, features)  # type: ignore[arg-type]
        device = answer(features)
        device[1, 1] += np.float32(0.9 * bound[1, 1])
        assert _compared(spec, device)["same_as_host"] == 30
        device[1, 1] += np.float32(0.5 * bound[1, 1])
        device[5] = np.nan
        found = _compared(spec, device)
        assert (found["same_as_host"], [d.sample for d in found["disagreements"]]) == (28, [1, 5])
    found = _compared(_spec(floats, vector=True), floats.host.predict_proba(features), mlp.predict_proba(X))
    assert (found["agree"], found["reference"]) == (30, "estimator")
    assert 0 < found["max_error"] < 1e-5


def test_probabilities_of_integers_against_the_estimators(integers: Model, mlp: MLPClassifier) -> None:
    device = integers.host.predict_proba(integers.host.device_features(X))
    found = _compared(_spec(integers, vector=True), device, mlp.predict_proba(X))
    assert found["same_as_host"] == 30
    trade = integers.ir.calibration.quantize if integers.ir.calibration else None
    assert trade is not None
    off = np.abs(device - mlp.predict_proba(X)).max(axis=1)
    assert found["agree"] == (off <= trade.largest_difference * (1 + 1e-5) + 1e-6).sum()


# -- labels --------------------------------------------------------------------------------------


def test_labels(marks: Model) -> None:
    spec = _spec(marks)
    assert (spec.function, spec.n_outputs, spec.vector) == ("predict_labels", 2, False)
    features = marks.host.device_features(X)
    device = marks.host.predict_labels(features).astype(np.int64)
    expected = evaluate(marks.ir, features)
    found = _compared(spec, device, expected)
    assert (found["same_as_host"], found["agree"], found["disagreements"]) == (30, 30, ())
    device[4, 0] = 1 - device[4, 0]
    device[6] = -1
    found = _compared(spec, device, expected)
    assert (found["same_as_host"], found["agree"], found["ties"]) == (28, 28, 0)
    assert [(d.sample, d.reference) for d in found["disagreements"]] == [
        (4, "host"), (6, "host"), (4, "estimator"), (6, "estimator"),
    ]  # fmt: skip
    expected[4, 0] = 0.5 + (1e-8 if device[4, 0] == 0 else -1e-8)  # the estimator cannot tell
    assert _compared(spec, device, expected)["ties"] == 1


# -- the firmware --------------------------------------------------------------------------------


def test_what_the_firmware_calls(integers: Model, marks: Model) -> None:
    assert "#define MW_CHECK_PREDICT digits_predict\n" in _spec(integers).header()
    assert _spec(integers).option == "auto"
    assert "(uint8_t *) outputs, n_outputs);" in _spec(marks).header()
    callers = Model(dataclasses.replace(integers.ir, arena="caller"))  # type: ignore[arg-type]
    text = _spec(callers).header()
    assert "static uint32_t arena[DIGITS_ARENA_SIZE / 4];" in text
    assert "digits_predict(features, n_features, arena, sizeof arena);" in text
    scores = _spec(callers, scores=True).header()
    assert "digits_score(features, n_features, outputs, n_outputs, arena, sizeof arena);" in scores
    ids = {_spec(model).build_id for model in (integers, callers, marks)}
    assert len(ids) == 3


def test_what_tables_call_it(integers: Model, floats: Model) -> None:
    assert [form_of(_spec(model)) for model in (integers, floats)] == ["network, int8", "network, float"]
