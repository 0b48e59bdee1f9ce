"""What quantisation changed, in model files; and labels compared with an estimator's."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from mwtest.networks import NetworkSpec, build_network

from milliwatt import ir
from milliwatt.errors import ModelFileError
from milliwatt.host import compare_labels

LAYER = ir.LayerError("0 conv relu", 41.5, math.inf, 0.25, 1)
TRADE = ir.QuantizeTrade("int8", ir.Agreement(20, 18, 1, 0.5), 2, 0.125, 0.9, 0.85, (LAYER,))


def _model(trade: ir.QuantizeTrade | None) -> ir.AnyModel:
    calibration = ir.Calibration(ir.Agreement(20, 17), quantize=trade)
    return dataclasses.replace(build_network(NetworkSpec(1)), calibration=calibration)


def _text(path: tuple[str | int, ...], value: Any) -> str:
    """The model's file with one thing changed within what quantisation changed."""
    data = json.loads(ir.dumps(_model(TRADE)))
    place = data["calibration"]["quantize"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    "trade",
    [
        None,
        TRADE,
        dataclasses.replace(TRADE, quantize="int16", accuracy_before=None, accuracy_after=None, layers=()),
        dataclasses.replace(TRADE, layers=(dataclasses.replace(LAYER, noise_db=-math.inf),) * 3),
    ],
    ids=range(4),
)
def test_round_trip(trade: ir.QuantizeTrade | None) -> None:
    model = _model(trade)
    assert ir.loads(ir.dumps(model)) == model


@pytest.mark.parametrize(
    ("path", "value", "option"),
    [
        (("quantize",), 8, "quantize.quantize"),
        (("before",), None, "quantize.before"),
        (("before", "rows"), "20", "quantize.before.rows"),
        (("classes_changed",), 1.5, "quantize.classes_changed"),
        (("largest_difference",), None, "quantize.largest_difference"),
        (("accuracy_after",), "much", "quantize.accuracy_after"),
        (("layers",), {}, "quantize.layers"),
        (("layers", 0), None, "quantize.layers[0].layer"),
        (("layers", 0), 3, "quantize.layers[0]"),
        (("layers", 0, "clipped"), None, "quantize.layers[0].clipped"),
        (("layers", 0, "tensor"), 1.0, "quantize.layers[0].tensor"),
        (("layers", 0, "noise_db"), "nan", "quantize.layers[0].noise_db"),
    ],
)
def test_damage_is_named(path: tuple[str | int, ...], value: Any, option: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        ir.loads(_text(path, value))
    assert caught.value.option == option
    assert caught.value.cure


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("quantize",), "int4"),
        (("classes_changed",), 21),
        (("classes_changed",), -1),
        (("largest_difference",), "inf"),
        (("largest_difference",), -0.1),
        (("accuracy_before",), None),
        (("accuracy_after",), -0.1),
        (("before", "rows"), 30),
        (("before", "agree"), 40),
        (("layers", 0, "clipped"), 1.5),
        (("layers", 0, "tensor"), 0),
    ],
)
def test_what_is_impossible(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(ModelFileError, match="impossible") as caught:
        ir.loads(_text(path, value))
    assert caught.value.option == "calibration"


def test_files_without_it_are_read() -> None:
    data = json.loads(ir.dumps(_model(None)))
    assert "quantize" not in data["calibration"]
    assert ir.loads(json.dumps(data)) == _model(None)


def test_labels_that_differ_and_those_too_close_to_say() -> None:
    probabilities = np.array([[0.9, 0.2], [0.9, 0.5 + 1e-8], [0.5 - 1e-8, 0.5 + 1e-8], [0.9, 0.5 + 1e-8]])
    answers = np.array([[1, 0], [1, 0], [1, 0], [0, 0]])
    found = compare_labels(answers, probabilities, 1e-6)
    assert (found.rows, found.agree, found.ties) == (4, 1, 2)
    assert compare_labels(answers, probabilities).ties == 0
