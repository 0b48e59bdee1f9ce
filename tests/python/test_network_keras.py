"""Keras models as networks, in memory and from files."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mwtest.nets_close import close_to_library, kinds

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.network_task import as_classifier
from milliwatt.host.evaluate_network import evaluate

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
L = keras.layers

ACTIVATIONS = (
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "hard_sigmoid",
    "hard_silu",
    "silu",
)


def _random(model: Any, seed: int = 0) -> Any:
    """The model with random weights, those of batch normalisation too."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        found = [rng.normal(size=array.shape) * 0.4 for array in layer.get_weights()]
        if type(layer).__name__ == "BatchNormalization":
            found[-1] = np.abs(found[-1]) + 0.3
        if found and "seed" not in str(layer.weights[0].path):
            layer.set_weights(found)
    return model


def _model(*layers: Any) -> Any:
    return _random(keras.Sequential(list(layers)))


@st.composite
def _stacks(draw: st.DrawFn) -> Any:
    """A functional model on signals or images, of any layers, with branches that meet again."""
    two = draw(st.booleans())
    side = st.integers(4, 9)
    shape = (*[draw(side) for _ in range(2 if two else 1)], draw(st.integers(1, 3)))
    given = value = keras.Input(shape)
    n = "2D" if two else "1D"
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(
            ["Conv", "Conv", "DepthwiseConv", "SeparableConv", "MaxPooling", "AveragePooling",
                "BatchNormalization",
             "ZeroPadding", "Activation", "Dense", "Add", "Concatenate", "ReLU", "LeakyReLU", "ELU",
                 "Dropout"]
        ))  # fmt: skip
        value = _grown(draw, kind, n, value)
        assume(all(side >= 1 for side in value.shape[1:]))
    end = draw(st.sampled_from(["Flatten", "GlobalAveragePooling", "GlobalMaxPooling"]))
    value = L.Flatten()(value) if end == "Flatten" else getattr(L, end + n)()(value)
    value = L.Dense(draw(st.integers(1, 3)), draw(st.sampled_from(["linear", "softmax", "sigmoid"])))(value)
    return _random(keras.Model(given, value), draw(st.integers(0, 999)))


def _grown(draw: st.DrawFn, kind: str, n: str, value: Any) -> Any:
    sides = tuple(value.shape[1:-1])
    one = st.integers(1, 3)
    act = draw(st.sampled_from(ACTIVATIONS))
    if kind in ("Conv", "DepthwiseConv", "SeparableConv"):
        strides = draw(one)
        dilation = draw(one) if strides == 1 and kind != "SeparableConv" else 1
        how = ["valid", "same", "causal"] if (n, kind) == ("1D", "Conv") else ["valid", "same"]
        size, padding = draw(one), draw(st.sampled_from(how))
        assume(padding != "valid" or min(sides) > (size - 1) * dilation)
        settings_ = {"strides": strides, "padding": padding, "activation": act, "dilation_rate": dilation}
        settings_["use_bias"] = draw(st.booleans())
        if kind == "DepthwiseConv":
            return L.__dict__[kind + n](size, depth_multiplier=draw(st.integers(1, 2)), **settings_)(value)
        return L.__dict__[kind + n](draw(one), size, **settings_)(value)
    if kind in ("MaxPooling", "AveragePooling"):
        size, padding = draw(one), draw(st.sampled_from(["valid", "same"]))
        assume(min(sides) >= size)
        return L.__dict__[kind + n](size, strides=draw(st.none() | one), padding=padding)(value)
    if kind == "ZeroPadding":
        side = st.tuples(st.integers(0, 2), st.integers(0, 2))
        return L.__dict__[kind + n](draw(side) if n == "1D" else (draw(side), draw(side)))(value)
    if kind in ("Add", "Concatenate"):
        return L.__dict__[kind]()([value, L.Dense(value.shape[-1], act)(value)])
    if kind == "Dense":
        return L.Dense(draw(one), act)(value)
    if kind == "Activation":
        return L.Activation(act)(value)
    if kind == "BatchNormalization":
        return L.BatchNormalization(scale=draw(st.booleans()), center=draw(st.booleans()))(value)
    return L.__dict__[kind](*((0.3,) if kind == "Dropout" else ()))(value)


@given(_stacks())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_models(model: Any) -> None:
    try:
        to_ir(model)
    except UnsupportedModelError as error:
        assume("repeats edges" not in error.problem)
    close_to_library(model)


def test_averages_that_pad_unevenly(tmp_path: Path) -> None:
    """Keras' backends differ; in files the majority is right."""
    model = _model(keras.Input((5, 1)), L.AveragePooling1D(3, padding="same"), L.Flatten(), L.Dense(2))
    if keras.backend.backend() == "torch":
        with pytest.raises(UnsupportedModelError, match="repeats edges"):
            to_ir(model)
    model.save(tmp_path / "net.keras")
    network = to_ir(load_estimator(tmp_path / "net.keras", trust_pickle=False))
    weights, bias = model.layers[-1].get_weights()
    x = np.array([[1.0, 2.0, 6.0, 5.0, 8.0]])
    np.testing.assert_allclose(evaluate(network, x), np.array([[3.0, 6.5]]) @ weights + bias, rtol=1e-6)


MODELS: dict[str, tuple[Any, list[str]]] = {
    "an MLP": (
        (keras.Input((8,)), L.Dense(6, "relu"), L.BatchNormalization(), L.Dropout(0.2), L.Dense(3,
            "softmax")),
        ["Dense", "Dense"],
    ),
    "a CNN": (
        (
            keras.Input((9, 8, 3)), L.Rescaling(1 / 255, offset=0.3), L.Conv2D(6, 3, padding="valid",
                strides=2),
            L.BatchNormalization(), L.ReLU(max_value=6), L.MaxPooling2D(2, padding="same"), L.Flatten(),
            L.Dense(3, "softmax"),
        ),
        ["Conv", "MaxPool", "Reshape", "Dense"],
    ),
    "a keyword spotter": (
        (
            keras.Input((19, 4)), L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="leaky_relu"),
            L.SeparableConv1D(5, 3), L.GlobalAveragePooling1D(keepdims=True), L.Flatten(), L.Dense(1,
                "sigmoid"),
        ),
        ["Conv", "Depthwise", "AveragePool", "Reshape", "Dense", "Dense"],
    ),
    "groups": ((keras.Input((6, 6, 4)), L.Conv2D(8, 3, groups=4), L.Flatten(), L.Dense(2)),
               ["Depthwise", "Reshape", "Dense"]),
    "rows that become images": (
        (keras.Input((6, 4)), L.Dense(5, "relu"), L.Reshape((2, 3, -1)), L.Conv2D(3, 2), L.Flatten(),
            L.Dense(2)),
        ["Conv", "Reshape", "Conv", "Reshape", "Dense"],
    ),
    "a permutation before a flatten": (
        (keras.Input((6, 4, 2)), L.Permute((2, 1, 3)), L.Flatten(), L.Dense(2)), ["Reshape", "Dense"],
    ),
    "rows of channels first": (
        (keras.Input((3, 7)), L.Permute((2, 1)), L.Flatten(data_format="channels_first"), L.Dense(2)),
        ["Reshape", "Dense"],
    ),
    "softmax as a layer": ((keras.Input((4,)), L.Dense(3), L.LeakyReLU(negative_slope=0.2), L.Softmax()),
        ["Dense"]),
    "sigmoids": ((keras.Input((4,)), L.Dense(3), L.ELU(0.7), L.Dense(3), L.Activation("sigmoid")), ["Dense",
        "Dense"]),
    "a slope of relu": ((keras.Input((4,)), L.Dense(3), L.ReLU(negative_slope=0.3), L.Dense(3)), ["Dense",
        "Dense"]),
    "noise": (
        (keras.Input((4,)), L.GaussianNoise(1.0), L.Dense(3), L.GaussianDropout(0.5), L.AlphaDropout(0.1),
            L.Dense(1)),
        ["Dense", "Dense"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_models_and_their_files(name: str, tmp_path: Path) -> None:
    layers, wanted = MODELS[name]
    model = _model(*layers)
    network = close_to_library(model)
    assert kinds(network) == wanted
    for ending in (".keras", ".h5"):
        path = tmp_path / f"net{ending}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(path)
        again = to_ir(load_estimator(path, trust_pickle=False))
        assert again.layers == network.layers
        assert (again.task, again.link, again.classes) == (network.task, network.link, network.classes)
        close_to_library(load_estimator(path, trust_pickle=False))


def _residual() -> Any:
    given = keras.Input((8, 8, 2))
    a = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(given))
    b = L.Activation("relu")(a)
    c = L.ReLU()(L.Add()([L.Conv2D(4, 3, padding="same", use_bias=False)(b), a]))
    d = L.GlobalMaxPooling2D()(L.Concatenate()([c, b, given]))
    shared = L.Dense(10, "silu")
    e = L.Concatenate()([d, shared(shared(d))])
    return _random(keras.Model(given, L.Dense(2, "sigmoid")(L.BatchNormalization()(e))))


def test_branches_and_layers_used_twice(tmp_path: Path) -> None:
    model = _residual()
    network = close_to_library(model)
    assert kinds(network).count("Dense") == 3
    assert network.is_multilabel
    for ending in (".keras", ".h5"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(tmp_path / f"net{ending}")
        assert to_ir(load_estimator(tmp_path / f"net{ending}", trust_pickle=False)).layers == network.layers


def test_a_loss_says_that_outputs_are_logits(tmp_path: Path) -> None:
    for loss, n, link in (
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), 3, "softmax"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, "sigmoid"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=False), 3, "identity"),
        ("mse", 3, "identity"),
    ):
        model = _model(keras.Input((6,)), L.Dense(n))
        model.compile(loss=loss)
        network = to_ir(model)
        assert network.link == link
        assert network.is_classifier == (link != "identity")
        model.save(tmp_path / "net.keras")
        assert to_ir(load_estimator(tmp_path / "net.keras", trust_pickle=False)).link == link


def test_logits_and_labels_by_hand() -> None:
    network = to_ir(_model(keras.Input((6,)), L.Dense(3)))
    named = as_classifier(network, ["a", "b", "c"])
    assert (named.task, named.link, named.classes) == ("classifier", "softmax", ("a", "b", "c"))
    assert as_classifier(network, link="sigmoid").is_multilabel
    assert as_classifier(to_ir(_model(keras.Input((6,)), L.Dense(1)))).classes == (0, 1)
    with pytest.raises(MilliwattError, match="2 labels for 3 classes") as caught:
        as_classifier(network, ["a", "b"])
    assert caught.value.option == "classes"


def _as_keras_2(model: Any, path: Path) -> None:
    """The model as a file that Keras 2 would have written: its names, nested lists, and versions."""
    h5py = pytest.importorskip("h5py")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    with h5py.File(path, "r+") as file:
        data = json.loads(file.attrs["model_config"])
        data["class_name"] = "Model"
        for layer in data["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            if "batch_shape" in layer["config"]:
                layer["config"]["batch_input_shape"] = layer["config"].pop("batch_shape")
            if layer["class_name"] == "BatchNormalization":
                layer["config"]["axis"] = [layer["config"]["axis"]]
            if layer["class_name"] == "LeakyReLU":
                layer["config"]["alpha"] = layer["config"].pop("negative_slope")
            tensors = [
                [*tensor["config"]["keras_history"], {}]
                for node in layer["inbound_nodes"]
                for arg in node["args"]
                for tensor in (arg if isinstance(arg, list) else [arg])
            ]
            layer["inbound_nodes"] = [tensors] if tensors else []
        data["config"]["input_layers"] = [data["config"]["input_layers"]]
        data["config"]["output_layers"] = [data["config"]["output_layers"]]
        file.attrs["model_config"] = json.dumps(data)
        file.attrs["keras_version"] = "2.15.0"


def test_files_of_keras_2(tmp_path: Path) -> None:
    given = keras.Input((8, 8, 2))
    a = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(given))
    b = L.Add()([a, L.LeakyReLU(negative_slope=0.4)(a)])
    c = L.Dense(5, "hard_sigmoid")(L.Flatten()(L.Concatenate()([b, given])))
    model = _random(keras.Model(given, L.Dense(2)(c)))
    _as_keras_2(model, tmp_path / "old.h5")
    found = to_ir(load_estimator(tmp_path / "old.h5", trust_pickle=False))
    new = to_ir(model)
    steep = [layer for layer in found.layers if getattr(layer, "activation", "") == "hard_sigmoid"]
    assert [layer.alpha for layer in steep] == [0.2]
    # That is all that Keras 3 changed.
    same = tuple(
        dataclasses.replace(layer, alpha=1 / 6) if layer in steep else layer for layer in found.layers
    )
    assert same == new.layers
    assert found.origin["library"] == "keras 2.15.0"


class Own(L.Dense):
    """A layer that may do anything."""


class OwnModel(keras.Model):
    """A model that may do anything."""

    def call(self, inputs: Any) -> Any:
        return inputs


class Dense(L.Dense):
    """A layer with the name of another."""


REFUSED: dict[str, tuple[Any, str]] = {
    "a Lambda": ((keras.Input((6,)), L.Lambda(lambda x: x)), r"\(Lambda\) is not supported"),
    "a custom layer": ((keras.Input((6,)), Own(3)), r"\(Own\) is not supported"),
    "one with a known name": ((keras.Input((6,)), Dense(3)), r"\(Dense\) is not supported"),
    "a recurrent layer": ((keras.Input((6, 5)), L.LSTM(3, name="memory")), r"the layer 'memory' \(LSTM\)"),
    "another activation": ((keras.Input((6,)), L.Dense(3, "gelu")), "activation 'gelu'"),
    "an activation of one's own": ((keras.Input((6,)), L.Dense(3, keras.ops.sin)), "activation"),
    "a maximum of relu": ((keras.Input((6,)), L.ReLU(max_value=3.0), L.Dense(1)), "a maximum other than 6"),
    "softmax within": ((keras.Input((6,)), L.Softmax(), L.Dense(3)), "softmax within the model"),
    "groups": ((keras.Input((6, 6, 4)), L.Conv2D(4, 3, groups=2), L.Flatten()), "has 2 groups"),
    "unknown length": ((keras.Input((None, 3)), L.GlobalMaxPooling1D()), "input of the shape"),
    "four dimensions": ((keras.Input((4, 4, 4, 1)), L.Conv3D(2, 2), L.Flatten()), "input of the shape"),
    "rows of another order": (
        (keras.Input((6, 6, 4)), L.Permute((3, 1, 2)), L.Conv2D(4, 3), L.Flatten()),
            "moves numbers between rows",
    ),
    "an output of another order": ((keras.Input((6, 4)), L.Dense(2), L.Permute((2, 1))), "or rearranged"),
    "another normalisation": ((keras.Input((6, 5, 4)), L.BatchNormalization(axis=2), L.Flatten()),
        "normalise"),
    "nothing": ((keras.Input((6,)), L.Dropout(0.1)), "the model has no layers"),
    "a model within": ((keras.Input((6,)), keras.Sequential([keras.Input((6,)), L.Dense(2)])),
        r"\(Sequential\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name: str) -> None:
    layers, text = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(keras.Sequential(list(layers)))
    assert caught.value.cure


def test_models_that_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"a call\(\) of its own"):
        to_ir(OwnModel())
    with pytest.raises(MilliwattError, match="does not know its input"):
        to_ir(keras.Sequential([L.Dense(3)]))
    a, b = keras.Input((3,)), keras.Input((3,))
    with pytest.raises(UnsupportedModelError, match="2 inputs"):
        to_ir(keras.Model([a, b], L.Add()([a, b])))
    with pytest.raises(UnsupportedModelError, match="2 outputs"):
        to_ir(keras.Model(a, [L.Dense(2)(a), L.Dense(3)(a)]))
    with pytest.raises(UnsupportedModelError, match="different shapes"):
        to_ir(keras.Model(a, L.Add()([L.Dense(2)(a), L.Dense(1)(a)])))
    with pytest.raises(MilliwattError, match="refuses missing values"):
        to_ir(_model(a, L.Dense(2)), nan="follow")


def _saved(tmp_path: Path) -> bytes:
    model = _model(keras.Input((6, 6, 2)), L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(2))
    model.save(tmp_path / "net.keras")
    return (tmp_path / "net.keras").read_bytes()


def test_a_file_that_would_run_code_does_not(tmp_path: Path) -> None:
    """A Lambda's code is not even looked at."""
    model = keras.Sequential([keras.Input((2,)), L.Lambda(lambda x: x * 2), L.Dense(1)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(UnsupportedModelError, match=r"\(Lambda\) is not supported"):
        to_ir(load_estimator(tmp_path / "net.keras", trust_pickle=False))


def test_damaged_files_give_one_clear_error(tmp_path: Path) -> None:
    raw, rng = _saved(tmp_path), np.random.default_rng(3)
    path = tmp_path / "net.keras"
    for _ in range(120):
        broken = bytearray(raw)
        for at in rng.integers(0, len(raw), 3):
            broken[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(broken) if rng.random() < 0.7 else raw[: int(rng.integers(len(raw)))])
        try:
            to_ir(load_estimator(path, trust_pickle=False))
        except MilliwattError:
            continue


def test_damaged_configurations(tmp_path: Path) -> None:
    raw, rng = _saved(tmp_path), np.random.default_rng(4)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    odd = [None, -1, 0, 3, 1e9, "x", [], {}, [1], "Dense", "same", True, [None, 6], 2**70]
    converted = 0
    for _ in range(200):
        data = json.loads(parts["config.json"])
        place: Any = data["config"]
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = keys[int(rng.integers(len(keys)))]
            if isinstance(place[key], dict | list) and rng.random() < 0.8:
                place = place[key]
                continue
            place[key] = odd[int(rng.integers(len(odd)))]
            break
        path = tmp_path / "odd.keras"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**parts, "config.json": json.dumps(data).encode()}.items():
                archive.writestr(name, content)
        try:
            to_ir(load_estimator(path, trust_pickle=False))
            converted += 1
        except MilliwattError:
            continue
    assert 20 < converted < 190


@pytest.mark.parametrize("inputs", ["x", [["x", 0, 0]], 7, [[[[]]]], None])
def test_inputs_that_are_none(tmp_path: Path, inputs: Any) -> None:
    _residual().save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(parts["config.json"])
    data["config"]["input_layers"] = inputs
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        for name, content in {**parts, "config.json": json.dumps(data).encode()}.items():
            archive.writestr(name, content)
    with pytest.raises(UnsupportedModelError, match=r"not as Keras writes it|0 inputs"):
        to_ir(load_estimator(tmp_path / "odd.keras", trust_pickle=False))


def test_files_that_are_something_else(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    for ending in (".keras", ".h5"):
        path = tmp_path / f"net{ending}"
        path.write_bytes(b"no model")
        with pytest.raises(MilliwattError, match="not a whole Keras model") as caught:
            load_estimator(path, trust_pickle=False)
        assert caught.value.file == str(path)
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(MilliwattError, match=r"there is no metadata\.json in it"):
        load_estimator(tmp_path / "net.keras", trust_pickle=False)
    model = _model(keras.Input((6,)), L.Dense(2))
    model.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(MilliwattError, match="holds weights without a model"):
        load_estimator(tmp_path / "net.weights.h5", trust_pickle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "net.h5")
    (tmp_path / "secret").write_bytes(b"\0" * 48)
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        layer = next(iter(file["model_weights"]))
        name = file[f"model_weights/{layer}"].attrs["weight_names"][0]
        where = f"model_weights/{layer}/{name.decode() if isinstance(name, bytes) else name}"
        shape, dtype = file[where].shape, file[where].dtype
        del file[where]
        file.create_dataset(where, shape, dtype, external=[(str(tmp_path / "secret"), 0, 48)])
    with pytest.raises(MilliwattError, match="no numbers in the file itself"):
        load_estimator(tmp_path / "net.h5", trust_pickle=False)
