"""Networks in hand-over files: every bit comes back, and damage gives one clear error."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from mwtest.networks import NetworkSpec, build_network, network_specs, samples_of

from milliwatt import ir
from milliwatt.emit import emit_blob, emit_csv
from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.host.evaluate_network import evaluate
from milliwatt.ir import Agreement, Calibration, Network, validate
from milliwatt.ir.network import Array, Conv, Dense
from milliwatt.ir.validate_network import MAX_LAYERS


@given(network_specs())
@settings(max_examples=60, deadline=None)
def test_round_trip_bit_for_bit(spec: NetworkSpec) -> None:
    model = dataclasses.replace(
        build_network(spec),
        name="gesture",
        budget="flash=8k",
        origin={"class": "Sequential"},
        calibration=Calibration(Agreement(9, 8, 1)),
        check_nan=False,
    )
    text = ir.dumps(model)
    again = ir.loads(text)
    assert again == model
    assert ir.dumps(again) == text


def test_every_float_comes_back() -> None:
    odd = np.array([0.0, -0.0, 1e-45, -1.1754944e-38, 3.4028235e38, 0.1], dtype="<f4")
    layer = Dense(Array((3, 2), "float32", odd.tobytes()), Array((2,), "float32", odd[:2].tobytes()))
    model = Network("regressor", 3, (layer,))
    found = ir.loads(ir.dumps(model)).layers[0]  # type: ignore[union-attr]
    assert found.weights.data == odd.tobytes()


def test_text_is_one_line_a_layer_without_usual_values() -> None:
    model = build_network(NetworkSpec(4, n_layers=7))
    lines = [line for line in ir.dumps(model).splitlines() if line.startswith('  {"layer"')]
    assert len(lines) == len(model.layers)
    plain = [line for line, layer in zip(lines, model.layers, strict=True) if isinstance(layer, Dense)][-1]
    assert set(json.loads(plain.rstrip(","))) <= {"layer", "weights", "bias", "inputs"}


def test_file_round_trip(tmp_path: Path) -> None:
    model = build_network(NetworkSpec(5))
    ir.save(model, tmp_path / "net.mw.json")
    assert ir.read_model(tmp_path / "net.mw.json") == model


def test_other_formats_refuse_and_say_what_to_do() -> None:
    model = build_network(NetworkSpec(1))
    for emit, what in (
        (emit_blob, "cannot hold a neural network"),
        (emit_csv, "cannot express a neural network"),
    ):
        with pytest.raises(UnsupportedModelError, match=what) as caught:
            emit(model)
        assert caught.value.cure


def _numbers(*shape: int, value: float = 0.5) -> dict[str, Any]:
    data = np.full(shape, value, dtype="<f4").tobytes()
    return {"shape": list(shape), "float32": base64.b64encode(data).decode()}


LAYERS: list[dict[str, Any]] = [
    {"layer": "conv", "weights": _numbers(3, 3, 2, 4), "bias": _numbers(4), "shape": [6, 6, 4],
     "padding": [1, 1, 1, 1], "activation": "leaky_relu", "alpha": 0.1},
    {"layer": "depthwise", "weights": _numbers(3, 2, 4, 1), "bias": _numbers(4), "shape": [4, 5, 4]},
    {"layer": "pad", "shape": [6, 6, 4], "padding": [1, 0, 1, 1]},
    {"layer": "add", "inputs": [1, 3], "shape": [6, 6, 4], "activation": "relu"},
    {"layer": "concat", "inputs": [4, 0], "shape": [6, 6, 6]},
    {"layer": "max_pool", "shape": [3, 3, 6], "size": [2, 2], "strides": [2, 2]},
    {"layer": "average_pool", "shape": [1, 1, 6], "size": [3, 3], "strides": [1, 1], "counts_padding": True},
    {"layer": "activation", "shape": [1, 1, 6], "activation": "swish"},
    {"layer": "reshape", "shape": [6]},
    {"layer": "dense", "weights": _numbers(6, 3), "bias": _numbers(3)},
]  # fmt: skip
VALID: dict[str, Any] = {
    **json.loads(ir.dumps(build_network(NetworkSpec(1, shape=(6, 6, 2))))), "layers": LAYERS,
    "link": "softmax",
}  # fmt: skip


def _with(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VALID), **changes}


def _layer(index: int, **changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(VALID)
    data["layers"][index].update(changes)
    return data


def _without(index: int, field: str) -> dict[str, Any]:
    data = copy.deepcopy(VALID)
    del data["layers"][index][field]
    return data


def test_the_valid_file_is_valid() -> None:
    model = ir.loads(json.dumps(VALID))
    assert isinstance(model, Network)
    assert evaluate(model, samples_of(model, 1)).shape == (4, 3)
    assert model.n_macs == 6 * 6 * 4 * 18 + 4 * 5 * 4 * 6 + 18
    assert model.n_weights == 72 + 4 + 24 + 4 + 18 + 3
    assert model.description == f"network of 9 layers with {model.n_weights} weights"


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no layers": (_with(layers=[]), "layers", "0 layers"),
    "layers are no list": (_with(layers={}), "layers", "not a list"),
    "too many layers": (_with(layers=[LAYERS[8]] * (MAX_LAYERS + 1)), "layers", "1001 layers"),
    "a layer is no object": (_with(layers=[*LAYERS[:9], 7]), "layers[9]", "not an object"),
    "another kind": (_layer(0, layer="lstm"), "layers[0].layer", "unknown kind of layer 'lstm'"),
    "a kind that is a list": (_layer(0, layer=[]), "layers[0].layer", "unknown kind"),
    "a scale": (_layer(0, layer="scale"), "layers[0].layer", "unknown kind"),
    "a field too many": (
        _layer(9, strides=[1, 1]), "layers[9].strides", "unknown to a layer of the kind dense",
    ),
    "no weights": (_without(0, "weights"), "layers[0].weights", "missing"),
    "no shape": (_without(0, "shape"), "layers[0].shape", "missing"),
    "no strides of a pool": (_without(5, "strides"), "layers[5].strides", "missing"),
    "no activation": (_without(7, "activation"), "layers[7].activation", "missing"),
    "weights that are a list": (_layer(9, weights=[1.0]), "layers[9].weights", "not an object of shape"),
    "weights of another type": (
        _layer(9, weights={"shape": [6, 3], "int8": "A" * 24}), "layers[9].weights", "not float32",
    ),
    "weights too short": (
        _layer(9, weights={**_numbers(6, 3), "shape": [6, 4]}), "layers[9].weights", "not 96 bytes",
    ),
    "weights too long": (
        _layer(9, weights={**_numbers(6, 3), "shape": [6, 2]}), "layers[9].weights", "not 48 bytes",
    ),
    "no base64": (
        _layer(9, weights={"shape": [1, 3], "float32": "!" * 16}), "layers[9].weights", "not base64",
    ),
    "a side of 0": (_layer(9, weights=_numbers(6, 0)), "layers[9].weights.shape", "no shape of weights"),
    "a side of true": (
        _layer(9, weights={**_numbers(6, 1), "shape": [6, True]}), "layers[9].weights", "whole numbers",
    ),
    "weights of three sides": (_layer(9, weights=_numbers(6, 3, 1)), "layers[9].weights.shape", "no shape"),
    "weights that are huge": (
        _layer(9, weights={"shape": [65535, 65535], "float32": ""}), "layers[9].weights.shape", "no shape",
    ),
    "weights that are infinite": (
        _layer(9, weights=_numbers(6, 3, value=np.inf)), "layers[9].weights", "not finite",
    ),
    "a bias that is no number": (_layer(9, bias=_numbers(3, value=np.nan)), "layers[9].bias", "not finite"),
    "a bias too few": (_layer(9, bias=_numbers(2)), "layers[9].weights", "not one an output"),
    "a dense kernel": (_layer(9, weights=_numbers(1, 1, 6, 3)), "layers[9].weights", "no table"),
    "a flat kernel": (_layer(0, weights=_numbers(18, 4)), "layers[0].weights", "not those of a kernel"),
    "biases of a depthwise layer": (_layer(1, bias=_numbers(1)), "layers[1].weights", "not one a channel"),
    "inputs of a layer itself": (_layer(3, inputs=[1, 4]), "layers[3].inputs", "among the 4 tensors"),
    "negative inputs": (_layer(3, inputs=[1, -1]), "layers[3].inputs", "among the 4 tensors"),
    "inputs that are true": (_layer(3, inputs=[1, True]), "layers[3].inputs", "whole numbers"),
    "one thing to add": (_layer(3, inputs=[1]), "layers[3]", "two tensors or more"),
    "two things to reshape": (_layer(8, inputs=[8, 8]), "layers[8]", "takes one tensor, not 2"),
    "no inputs": (_layer(8, inputs=[]), "layers[8]", "takes one tensor, not 0"),
    "things of other shapes to add": (
        _layer(3, inputs=[1, 2]), "layers[3]", "different shapes: 6x6x4, 4x5x4",
    ),
    "things of other shapes to join": (_layer(4, inputs=[4, 2]), "layers[4]", "more than channels"),
    "another shape": (_layer(0, shape=[6, 6, 3]), "layers[0].shape", r"gives \[6, 6, 4\], not \[6, 6, 3\]"),
    "a shape of two sides": (_layer(0, shape=[6, 24]), "layers[0].shape", "no shape of a tensor"),
    "a shape that is huge": (_layer(2, shape=[65535, 65535, 9]), "layers[2].shape", "no shape of a tensor"),
    "a shape that is text": (_layer(8, shape="6"), "layers[8].shape", "whole numbers"),
    "a reshape to fewer": (_layer(8, shape=[5]), "layers[8]", "cannot be seen as 5 numbers"),
    "strides of 0": (_layer(0, strides=[0, 1]), "layers[0].strides", "not 2 whole numbers from 1"),
    "three strides": (_layer(0, strides=[1, 1, 1]), "layers[0].strides", "not 2 whole numbers"),
    "a dilation that is huge": (_layer(0, dilation=[1, 2**70]), "layers[0].dilation", "not 2 whole"),
    "a dilation beyond the image": (_layer(0, dilation=[1, 60000]), "layers[0]", "no window of 3 by 3 fits"),
    "negative padding": (_layer(2, padding=[-1, 0, 1, 1]), "layers[2].padding", "not 4 whole numbers from 0"),
    "padding as wide as a pool": (_layer(5, padding=[0, 2, 0, 0]), "layers[5].padding", "not smaller than"),
    "a pool that does not fit": (_layer(6, size=[4, 1]), "layers[6]", "no window of 4 by 1 fits into 3x3x6"),
    "a pool of rows": (_layer(9, layer="max_pool", weights=None), "layers[9].bias", "unknown"),
    "an activation that is none": (_layer(7, activation="identity"), "layers[7].activation", "unknown"),
    "another activation": (_layer(0, activation="gelu"), "layers[0].activation", "unknown activation 'gelu'"),
    "an activation that is a number": (_layer(0, activation=1), "layers[0].activation", "not a text"),
    "an alpha that is text": (_layer(0, alpha="x"), "layers[0].alpha", "not a number"),
    "an alpha that is huge": (_layer(0, alpha=10**400), "layers[0].alpha", "not a number"),
    "an alpha that is large": (_layer(0, alpha=1e7), "layers[0].alpha", "-1000000 to 1000000"),
    "an alpha of relu": (_layer(3, alpha=0.1), "layers[3].alpha", "relu has no such number"),
    "a flag that is 1": (_layer(6, counts_padding=1), "layers[6].counts_padding", "not true or false"),
    "inputs of a dense layer": (
        _layer(9, weights=_numbers(5, 3)), "layers[9]", "5 inputs, but it is given 6 numbers",
    ),
    "an image for a dense layer": (_layer(9, inputs=[8]), "layers[9]", "given 1x1x6"),
    "channels of a convolution": (
        _layer(0, weights=_numbers(3, 3, 1, 4)), "layers[0]", "1 channels, but it is given 2",
    ),
    "an image at the end": (_with(layers=LAYERS[:8]), "layers[7]", "gives an image"),
    "another link": (_with(link="margin"), "link", "classifier cannot have the link 'margin'"),
    "a link that is no text": (_with(link=None), "link", "not a str"),
    "identity for a classifier": (_with(link="identity"), "link", "cannot have"),
    "softmax for a regressor": (_with(task="regressor", classes=[]), "link", "cannot have the link"),
    "a class too few": (_with(classes=[0, 1]), "classes", "3 scores for 2 classes"),
    "other features": (_with(n_features=71), "input_shape", "for 72 features, not 71"),
    "an input of two sides": (_with(input_shape=[6, 12]), "input_shape", "no shape of a tensor"),
    "an input shape that is text": (_with(input_shape="x"), "input_shape", "not a list"),
    "noise": (_with(noise=-1.0), "noise", "not a number >= 0"),
    "another task": (_with(task="detector"), "task", "unknown task"),
    "another feature type": (_with(dtype="complex"), "dtype", "unknown feature type"),
    "weights of no type": (
        _layer(9, weights={"shape": [6, 3], "int4": ""}), "layers[9].weights", "not an object of shape",
    ),
    "names": (_with(feature_names=["a"]), "feature_names", "1 names for 72"),
    "version 1": (_with(milliwatt=1), "kind", "unknown kind of model 'network'"),
    "a name": (_with(name="int"), "name", "cannot be a model's name"),
    "calibration": (_with(calibration=7), "calibration", "not an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_damage_is_told_with_its_place(name: str) -> None:
    data, option, text = BAD[name]
    with pytest.raises(ModelFileError, match=text) as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == option
    assert caught.value.cure


def test_a_network_is_no_member() -> None:
    committee = {**VALID, "kind": "committee", "vote": "mean", "weights": [], "members": [VALID]}
    with pytest.raises(ModelFileError, match="unknown kind of model 'network'") as caught:
        ir.loads(json.dumps(committee))
    assert caught.value.option == "members[0].kind"


def test_sizes_are_bounded_before_anything_is_allocated() -> None:
    """A file of a few hundred bytes cannot ask for gigabytes."""
    side = 65535
    for layer in (
        {"layer": "pad", "shape": [side, side, 2], "padding": [side, side, side, side]},
        {"layer": "pad", "shape": [6, 6, 2], "padding": [side, side, side, side]},
        {"layer": "dense", "weights": {"shape": [side, side], "float32": ""}, "bias": _numbers(1)},
        {"layer": "reshape", "shape": [side] * 3},
        {"layer": "reshape", "shape": [2] * 100_000},
        {"layer": "concat", "inputs": [0] * 1_000_000, "shape": [6, 6, 2_000_000]},
    ):
        text = json.dumps(_with(layers=[layer]))
        tracemalloc.start()
        with pytest.raises(ModelFileError):
            ir.loads(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60 * len(text) + 10_000_000


def test_gaps_between_columns_of_a_kernel_are_bounded() -> None:
    """They are stored as zeros, so that a small file could ask for gigabytes of C."""
    conv = {
        "layer": "conv", "weights": _numbers(2, 2, 1, 1000), "bias": _numbers(1000), "shape": [1, 767, 1000],
        "dilation": [1, 32000],
    }  # fmt: skip
    data = _with(n_features=65534, input_shape=[2, 32767, 1], layers=[conv])
    with pytest.raises(ModelFileError, match="gaps included") as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == "layers[0].dilation"


def test_any_value_in_any_place_gives_an_error_or_a_model() -> None:
    """Nothing but a ModelFileError comes out of a damaged file, and what is accepted can be evaluated."""
    rng = random.Random(7)
    odd = [
        None,
        True,
        -1,
        0,
        1,
        2,
        3,
        6,
        1e9,
        0.5,
        "x",
        "relu",
        "add",
        [],
        {},
        [[]],
        [1, 1],
        [6],
        [0, 1, 2, 3],
        2**70,
    ]
    accepted = 0
    for _ in range(3000):
        data = copy.deepcopy(VALID)
        place: Any = data if rng.random() < 0.2 else data["layers"]
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(place[key], (dict, list)) and rng.random() < 0.8:
                place = place[key]
                continue
            if rng.random() < 0.2:
                del place[key]
            else:
                place[key] = rng.choice(odd)
            break
        try:
            model = ir.loads(json.dumps(data))
        except ModelFileError:
            continue
        assert isinstance(model, Network)
        evaluate(model, samples_of(model, 1, rows=1))
        accepted += 1
    assert 20 < accepted < 1500


def test_cut_and_garbled_texts() -> None:
    text, rng = json.dumps(VALID), random.Random(3)
    for _ in range(400):
        at = rng.randrange(len(text))
        broken = text[:at] if rng.random() < 0.3 else text[:at] + rng.choice('{}[]",:0x-e') + text[at + 1 :]
        try:
            ir.loads(broken)
        except ModelFileError:
            continue


def test_models_that_no_file_holds_are_refused_too() -> None:
    model = ir.loads(json.dumps(VALID))
    assert isinstance(model, Network)
    first = model.layers[0]
    assert isinstance(first, Conv)
    for changed, text in (
        (dataclasses.replace(first, weights=dataclasses.replace(first.weights, kind="int8")), "not float32"),
        (dataclasses.replace(first, weights=dataclasses.replace(first.weights, data=b"")), "0 bytes for 72"),
        (dataclasses.replace(first, alpha=float("nan")), "not a number from"),
    ):
        with pytest.raises(ModelFileError, match=text):
            validate(dataclasses.replace(model, layers=(changed, *model.layers[1:])))
