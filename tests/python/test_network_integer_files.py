"""Networks of integers in hand-over files: whatever is accepted never leaves 32 bits, and can become C."""

from __future__ import annotations

import base64
import copy
import json
import random
from typing import Any

import numpy as np
import pytest
from mwtest.integer_networks import integers
from mwtest.networks import NetworkSpec, build_network

from milliwatt import ir
from milliwatt.emit import emit_c
from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.host.evaluate_integers import integer_scores
from milliwatt.ir import Network

_KINDS = {"int8": "<i1", "int16": "<i2", "int32": "<i4"}


def _array(values: list[Any], kind: str) -> dict[str, Any]:
    numbers = np.asarray(values, dtype=_KINDS[kind])
    return {"shape": list(numbers.shape), kind: base64.b64encode(numbers.tobytes()).decode()}


def _file(**layer: Any) -> dict[str, Any]:
    """A dense layer of two bytes, requantised, and one that gives a score."""
    model = integers(build_network(NetworkSpec(0, (2,), 0, 1, "identity")), 0, dtype="float")
    data: dict[str, Any] = json.loads(ir.dumps(model))
    grid = {"unit": 0.5, "zero": 0, "low": 0, "high": 255}
    data.update(task="regressor", classes=[], link="identity")
    data["input_map"] = {
        "bits": 8, "unit": [1.0], "zero": [0], "low": 0, "high": 255, "scale": [], "offset": [], "shift": 0,
    }  # fmt: skip
    first = {
        "layer": "int_dense", "weights": _array([[1], [1]], "int8"), "bias": _array([0], "int32"),
        "requantize": {"sum_shift": 0, "scale": _array([1], "int16"), "offset": 0, "shift": 0}, "grid": grid,
    }  # fmt: skip
    requantize = {**first["requantize"], **layer.pop("requantize", {})}  # type: ignore[dict-item]
    first.update(layer, requantize=requantize)
    last = {
        "layer": "int_dense", "weights": _array([[1]], "int8"), "bias": _array([0], "int32"),
        "requantize": {"sum_shift": 0, "scale": _array([1], "int16"), "offset": 0, "shift": 0}, "grid": None,
        "units": [0.5],
    }  # fmt: skip
    data["layers"] = [first, last]
    return data


def _with_last(**layer: Any) -> dict[str, Any]:
    data = _file()
    data["layers"][1].update(layer)
    return data


def _with_map(**fields: Any) -> dict[str, Any]:
    data = _file()
    data["input_map"].update(fields)
    return data


# The product does not fit, the sum of it and the offset does.
_PRODUCT = _file(
    bias=_array([70_000], "int32"), requantize={"scale": _array([32767], "int16"), "offset": -(1 << 30)}
)
BAD = {
    "a sum": (_file(bias=_array([(1 << 31) - 100], "int32")), "layers[0].bias", "do not fit 32 bits"),
    "a product": (_PRODUCT, "layers[0].requantize", "do not fit 32 bits"),
    "an offset": (_file(requantize={"offset": (1 << 31) - 1}), "layers[0].requantize", "do not fit 32 bits"),
    "a unit of scores": (_with_last(units=[1e300]), "layers[1].units", "that float32 can hold"),
    "a small unit of scores": (_with_last(units=[1e-300]), "layers[1].units", "that float32 can hold"),
    "a unit of features": (_with_map(unit=[1e300]), "input_map.unit", "that no float32 can hold"),
    "a unit without an inverse": (_with_map(unit=[1e-300]), "input_map.unit", "that no float32 can hold"),
}


def test_the_valid_file_is_valid() -> None:
    model = ir.loads(json.dumps(_file()))
    assert isinstance(model, Network)
    assert integer_scores(model, np.array([[3.0, 4.0], [200.0, 100.0]])).ravel().tolist() == [7, 255]


@pytest.mark.parametrize("name", BAD)
def test_numbers_that_do_not_fit_are_refused(name: str) -> None:
    data, option, text = BAD[name]
    with pytest.raises(ModelFileError, match=text) as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == option


def test_a_last_tensor_whose_unit_is_no_float_is_refused() -> None:
    data = _file()
    data["layers"] = data["layers"][:1]
    assert ir.loads(json.dumps(data))
    data["layers"][0]["grid"]["unit"] = 1e-300
    with pytest.raises(ModelFileError, match="that no float32 can hold") as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == "layers[0].grid"


_ODD: list[Any] = [None, True, -1, 0, 1, 255, 32767, 32768, (1 << 31) - 1, -(1 << 31), 2**70, 0.5, 1e-300]
_ODD += [1e300, "x", [], {}, [1], [1, 1], [0, 1, 2]]


def _damage(data: dict[str, Any], rng: random.Random) -> None:
    place: Any = data["input_map"] if rng.random() < 0.2 else data["layers"]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = rng.choice(keys)
        if not isinstance(place[key], (dict, list)) or rng.random() < 0.2:
            place[key] = rng.choice(_ODD)
            return
        place = place[key]


def test_any_value_in_any_place_gives_an_error_or_c() -> None:
    rng = random.Random(5)
    accepted = 0
    for seed in range(60):
        model = integers(build_network(NetworkSpec(seed, (4, 4, 2), 4, 3)), seed, bits=8 + 8 * (seed % 2))
        whole = json.loads(ir.dumps(model))
        for _ in range(20):
            data = copy.deepcopy(whole)
            _damage(data, rng)
            try:
                found = ir.loads(json.dumps(data))
            except ModelFileError:
                continue
            accepted += 1
            try:
                emit_c(found)
            except MilliwattError:
                continue
    assert 50 < accepted < 1000
