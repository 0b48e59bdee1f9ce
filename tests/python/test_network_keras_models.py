"""Keras models as people write them: operators, nesting, named outputs, channels first."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.nets_close import close_to_library

from milliwatt import convert
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
L, Input = keras.layers, keras.Input


def functional(made: Callable[[Any], Any], *shape: int) -> Any:
    given = Input(shape)
    return keras.Model(given, made(given))


REFUSED: dict[str, tuple[Any, str, str]] = {
    "a sum": (lambda: functional(lambda x: L.Dense(2)(x) + L.Dense(2)(x), 4), r"\(Add\)", r"layers.Add\(\)"),
    "a constant": (lambda: functional(lambda x: L.Dense(2)(x) + 1.0, 4), r"\(Add\)", "keras.ops"),
    "a model within": (
        lambda: keras.Sequential([Input((4,)), keras.Sequential([Input((4,)), L.Dense(3)]), L.Dense(2)]),
        r"\(Sequential\)", "one by one",
    ),
    "channels first": (
        lambda: functional(lambda x: L.Flatten()(L.Conv2D(2, 3, data_format="channels_first")(x)), 2, 6, 7),
        "data_format='channels_first', and its input", r"Permute\(\(3, 1, 2\)\)",
    ),
    "other dimensions normalised": (
        lambda: functional(lambda x: L.Flatten()(L.BatchNormalization(axis=1)(x)), 6, 3),
        "normalises along dimension 1, not channels", "channels",
    ),
    "rows joined": (
        lambda: functional(lambda x: L.Flatten()(L.Concatenate(axis=1)([L.Conv1D(2, 1)(x), x])), 6, 2),
        "joins along dimension 1, which is not channels", "channels",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_do(name: str) -> None:
    build, text, cure = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=text) as found:
        to_ir(build())
    assert re.search(cure, str(found.value.cure))


def test_channels_first_behind_what_brings_them_there() -> None:
    """The cure of what is refused."""

    def made(x: Any) -> Any:
        x = L.Rescaling(1 / 255, offset=-0.5)(L.Permute((3, 1, 2))(x))
        x = L.Conv2D(2, 3, data_format="channels_first", padding="same")(x)
        x = L.BatchNormalization(axis=1)(x)
        return L.Flatten(data_format="channels_first")(L.MaxPooling2D(data_format="channels_first")(x))

    close_to_library(functional(made, 6, 7, 2))


def test_scales_in_arrays() -> None:
    made = functional(lambda x: L.Dense(2)(L.Rescaling(np.array([0.1, 0.2, 0.3]), np.float32(2))(x)), 3)
    close_to_library(made)


def test_outputs_and_inputs_in_containers() -> None:
    given = Input((3,), name="sample")
    made = L.Dense(2)(given)
    samples = np.random.default_rng(0).normal(size=(5, 3))
    for model in (
        keras.Model(given, {"scores": made}),
        keras.Model([given], [made]),
        keras.Model({"sample": given}, made),
    ):
        calibration = convert(model, name="m", calibration=samples).ir.calibration
        assert calibration is not None
        assert calibration.agreement.agree == len(samples)


@pytest.mark.parametrize("use_bias", [False, True])
def test_weights_beside_weights_are_refused(tmp_path: Path, *, use_bias: bool) -> None:
    """LoRA's are merged when they are saved."""
    model = functional(lambda x: L.Dense(3, use_bias=use_bias)(x), 4)
    model.layers[1].enable_lora(2)
    rng = np.random.default_rng(0)
    model.layers[1].set_weights([rng.normal(size=w.shape) for w in model.layers[1].get_weights()])
    with pytest.raises(UnsupportedModelError, match="LoRA"):
        to_ir(model)
    model.save(tmp_path / "model.keras")
    samples = rng.normal(size=(5, 4)).astype(np.float32)
    made = convert(load_estimator(tmp_path / "model.keras", trust_pickle=False), name="m")
    np.testing.assert_allclose(made.evaluate(samples), model.predict(samples, verbose=0), atol=1e-5)


def test_a_file_of_a_model_that_knows_no_input(tmp_path: Path) -> None:
    keras.Sequential([L.Dense(3)]).save(tmp_path / "model.keras")
    with pytest.raises(MilliwattError, match="does not know its input") as found:
        to_ir(load_estimator(tmp_path / "model.keras", trust_pickle=False))
    assert "keras.Input" in str(found.value.cure)


def test_keras_files_of_keras_2(tmp_path: Path) -> None:
    """Which had another name for the group of layers."""
    h5py = pytest.importorskip("h5py")
    path, old = tmp_path / "model.keras", tmp_path / "old.keras"
    model = keras.Sequential([Input((6, 2)), L.Conv1D(3, 2), L.BatchNormalization(), L.Flatten(), L.Dense(2)])
    model.save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(old, "w") as target:
        stored = io.BytesIO(source.read("model.weights.h5"))
        with h5py.File(stored, "r+") as file:
            file.move("layers", "_layer_checkpoint_dependencies")
        target.writestr("model.weights.h5", stored.getvalue())
        target.writestr("config.json", source.read("config.json"))
        target.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
    found, new = (to_ir(load_estimator(file, trust_pickle=False)) for file in (old, path))
    assert found.layers == new.layers
    assert found.origin["library"] == "keras 2.15.0"
