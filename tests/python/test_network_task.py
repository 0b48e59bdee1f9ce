"""What outputs mean, and what samples look like, for networks of libraries that do not say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import milliwatt
from milliwatt import ir
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.model import Model

TEST = load_digits().data[1000:1400]


def _trade(model: Model) -> ir.QuantizeTrade:
    assert model.ir.calibration is not None
    assert model.ir.calibration.quantize is not None
    return model.ir.calibration.quantize


def _torch(*layers: Any, shape: tuple[int, ...]) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(*layers).eval()
    return torch.export.export(module, (torch.zeros((2, *shape)),))


def test_logits_become_classes() -> None:
    nn = pytest.importorskip("torch").nn
    program = _torch(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3), shape=(64,))
    plain = milliwatt.convert(program, calibration=TEST)
    assert plain.ir.task == "regressor"
    for options in ({"task": "classifier"}, {"classes": "a,b,c"}, {"task": "classifier", "classes": "7,8,9"}):
        model = milliwatt.convert(program, calibration=TEST, **options)
        assert model.ir.task == "classifier"
        labels = model.predict(TEST)
        assert (np.asarray(model.classes_)[plain.predict(TEST).argmax(axis=1)] == labels).all()
        assert model.ir.calibration is not None
        assert model.ir.calibration.agreement.fraction == 1.0
        assert np.allclose(model.predict_proba(TEST).sum(axis=1), 1.0, atol=1e-6)
    assert labels.dtype.kind == "i"


def test_one_logit_is_two_classes() -> None:
    nn = pytest.importorskip("torch").nn
    program = _torch(nn.Linear(64, 1), shape=(64,))
    model = milliwatt.convert(program, task="classifier", calibration=TEST, quantize="int8")
    logits = milliwatt.convert(program).predict(TEST)
    assert (model.predict(TEST) == (logits > 0)).mean() > 0.97
    assert _trade(model).before.fraction == 1.0
    assert list(milliwatt.convert(program, classes=["off", "on"]).classes_) == ["off", "on"]
    with pytest.raises(MilliwattError, match="3 labels for 2 classes"):
        milliwatt.convert(program, classes="a,b,c")
    with pytest.raises(MilliwattError, match="does not answer labels each for itself"):
        milliwatt.convert(program, task="multilabel")


def test_logits_become_labels() -> None:
    nn = pytest.importorskip("torch").nn
    program = _torch(nn.Linear(64, 3), shape=(64,))
    model = milliwatt.convert(program, task="multilabel", classes="a,b,c", calibration=TEST)
    assert (model.predict(TEST) == (milliwatt.convert(program).predict(TEST) > 0)).all()
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0


def test_softmax_and_sigmoid_say_what_they_mean() -> None:
    nn = pytest.importorskip("torch").nn
    program = _torch(nn.Linear(64, 3), nn.Softmax(-1), shape=(64,))
    assert milliwatt.convert(program).ir.classes == (0, 1, 2)
    assert milliwatt.convert(program, classes="a,b,c").ir.classes == ("a", "b", "c")
    with pytest.raises(MilliwattError, match="ends with softmax"):
        milliwatt.convert(program, task="regressor")
    with pytest.raises(MilliwattError, match="softmax does not answer labels"):
        milliwatt.convert(program, task="multilabel")
    shares = _torch(nn.Linear(64, 1), nn.Sigmoid(), shape=(64,))
    values = milliwatt.convert(shares, task="regressor", calibration=TEST)
    assert values.ir.task == "regressor"
    assert values.ir.calibration is not None
    assert values.ir.calibration.agreement.fraction == 1.0
    two = milliwatt.convert(shares, calibration=TEST)
    assert np.allclose(two.predict_proba(TEST)[:, 1], values.predict(TEST), atol=1e-6)


def test_a_module_and_the_shape_of_its_samples() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4)).eval()
    with pytest.raises(UnsupportedModelError, match="does not say what shape") as caught:
        milliwatt.convert(module)
    assert caught.value.option == "input_shape"
    data = np.random.default_rng(0).normal(size=(30, 32))  # height, width, channels
    for shape in ("2x4x4", (2, 4, 4)):
        model = milliwatt.convert(module, input_shape=shape, task="classifier", calibration=data)
        images = torch.from_numpy(np.moveaxis(data.reshape(-1, 4, 4, 2), -1, 1).astype(np.float32))
        with torch.no_grad():
            expected = module(images).argmax(dim=1).numpy()
        assert (model.predict(data) == expected).all()
        assert model.ir.calibration is not None
        assert model.ir.calibration.agreement.fraction == 1.0
    with pytest.raises(UnsupportedModelError, match="for samples of the shape 2x3") as caught:
        milliwatt.convert(module, input_shape="2x3")
    assert "check input_shape" in str(caught.value.cure)
