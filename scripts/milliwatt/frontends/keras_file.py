"""Keras models as data: the configuration and the weights, of a model in memory or of a file.

``*.keras`` (a zip of config.json and model.weights.h5) and ``*.h5`` are read without Keras, and nothing in
them is run: what a layer does is known here by the name of its class.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ToolMissingError, UnsupportedModelError
from milliwatt.ir.validate_network import MAX_WEIGHTS

_CURE = "save the model again, whole: model.save('model.keras')"
_MOST_CONFIG = 1 << 24  # bytes
_MOST_WEIGHTS = 1 << 28
_LAYERS = ("layers", "_layer_checkpoint_dependencies")
Weights = Callable[[str], list[NDArray[Any]]]


@dataclass(frozen=True)
class KerasFile:
    """A saved model.

    Attributes:
        path: where it lies.
        model: what it says.
    """

    path: Path
    model: KerasModel


@dataclass(frozen=True)
class KerasModel:
    """A model's layers and weights.

    Attributes:
        kind: the model's class: ``Sequential`` or ``Functional``.
        config: the model's own configuration: ``layers`` and, if functional, inputs and outputs.
        compiled: what it was compiled with; empty if it was not.
        weights: a layer's weights by the layer's name, in Keras' order.
        version: of Keras, as the model says.
        backend: what computes it here, if it is in memory: ``"torch"``, …; empty for a file.
    """

    kind: str
    config: Mapping[str, Any]
    compiled: Mapping[str, Any]
    weights: Weights
    version: str
    backend: str = ""


def of_memory(model: Any) -> KerasModel:
    """A model in memory."""
    import keras

    layers = {layer.name: layer for layer in model.layers}

    def weights(name: str) -> list[NDArray[Any]]:
        if getattr(layers[name], "lora_enabled", False):
            raise UnsupportedModelError(
                f"the layer {name!r} has LoRA weights beside its own",
                cure="save the model as *.keras, which merges them, and convert the file",
            )
        return [np.asarray(array) for array in layers[name].get_weights()]

    kind = "Sequential" if isinstance(model, keras.Sequential) else "Functional"
    compiled = model.get_compile_config() if getattr(model, "compiled", False) else None
    # As text and back, so that tuples are lists and objects are what files have in their place.
    config = json.loads(json.dumps(model.get_config(), default=str))
    settings = _json(json.dumps(compiled or {}, default=str))
    return KerasModel(kind, config, settings, weights, keras.__version__, keras.backend.backend())


def read_keras(path: Path) -> KerasFile:
    """A ``*.keras`` or ``*.h5`` file.

    Raises:
        ToolMissingError: h5py is not installed.
        MilliwattError: damaged, or no whole model; without the file's name.
    """
    try:
        import h5py
    except ImportError:
        raise ToolMissingError("the Python package h5py is needed", cure="pip install h5py") from None
    try:
        raw = path.read_bytes()
        model = _zipped(raw, h5py) if zipfile.is_zipfile(io.BytesIO(raw)) else _hdf5(raw, h5py)
    except MilliwattError:
        raise
    except Exception as error:  # zipfile and h5py have many for damaged files
        raise MilliwattError(
            f"not a whole Keras model ({type(error).__name__}: {error})", cure=_CURE
        ) from None
    return KerasFile(path, model)


def _zipped(raw: bytes, h5py: Any) -> KerasModel:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        document = _json(_member(archive, "config.json", _MOST_CONFIG))
        about = _json(_member(archive, "metadata.json", _MOST_CONFIG))
        stored = _member(archive, "model.weights.h5", _MOST_WEIGHTS)
    kind, config = _kind_and_config(document)
    groups = _stored_names(config)
    found = {}
    with h5py.File(io.BytesIO(stored), "r") as file:
        # Keras 2.12 to 2.15 wrote *.keras too, with another name for the layers.
        root = next((name for name in _LAYERS if name in file), _LAYERS[0])
        for name, group in groups.items():
            place = f"{root}/{group}/vars"
            count = len(file[place]) if place in file else 0
            found[name] = [_dataset(file, f"{place}/{index}", h5py) for index in range(count)]
    compiled = document.get("compile_config") or {}
    return KerasModel(kind, config, compiled, lambda name: found[name], str(about.get("keras_version", "")))


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if name not in archive.namelist():
        raise MilliwattError(f"not a whole Keras model: there is no {name} in it", cure=_CURE)
    if archive.getinfo(name).file_size > most:
        raise MilliwattError(f"{name} in it is too large", cure="use a smaller model")
    return archive.read(name)


def _hdf5(raw: bytes, h5py: Any) -> KerasModel:
    with h5py.File(io.BytesIO(raw), "r") as file:
        if "model_config" not in file.attrs or "model_weights" not in file:
            raise MilliwattError("holds weights without a model", cure=_CURE)
        document = _json(file.attrs["model_config"])
        training = _json(file.attrs["training_config"]) if "training_config" in file.attrs else {}
        kind, config = _kind_and_config(document)
        found = {}
        for name in (layer["config"]["name"] for layer in config["layers"]):
            where = f"model_weights/{name}"
            listed = file[where].attrs.get("weight_names", ()) if where in file else ()
            names = [item.decode() if isinstance(item, bytes) else str(item) for item in listed]
            found[name] = [_dataset(file, f"{where}/{item}", h5py) for item in names]
        version = file.attrs.get("keras_version", "")
    version = version.decode() if isinstance(version, bytes) else str(version)
    return KerasModel(kind, config, training, lambda name: found[name], version)


def _json(text: Any) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise MilliwattError("not a whole Keras model: its configuration is no object", cure=_CURE)
    return found


def _kind_and_config(document: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kind, config = document.get("class_name"), document.get("config")
    if isinstance(config, dict) and isinstance(config.get("layers"), list):
        # A file's Model is Functional: subclasses have no layers in their configuration.
        return ("Functional" if kind == "Model" else str(kind)), config
    raise MilliwattError(
        f"a model of the class {kind} has no list of layers", cure="use a Sequential or functional model"
    )


def _stored_names(config: Mapping[str, Any]) -> dict[str, str]:
    """For each layer's name, the group that holds its weights: its class in snake case, numbered."""
    used: dict[str, int] = {}
    found = {}
    for layer in config["layers"]:
        group = _snake(str(layer["class_name"]))
        count = used.get(group, -1) + 1
        used[group] = count
        found[str(layer["config"]["name"])] = f"{group}_{count}" if count else group
    return found


def _snake(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _dataset(file: Any, path: str, h5py: Any) -> NDArray[Any]:
    """Numbers that lie in the file itself, and are not too many."""
    place = file
    for part in path.split("/"):
        if not isinstance(place.get(part, getlink=True), h5py.HardLink):
            raise MilliwattError(f"{path} is not in the file itself", cure=_CURE)
        place = place[part]
    if not isinstance(place, h5py.Dataset) or place.external or place.is_virtual:
        raise MilliwattError(f"{path} is no numbers in the file itself", cure=_CURE)
    if place.size is None or place.size > MAX_WEIGHTS or place.dtype.kind not in "fiu":
        raise MilliwattError(f"{path} is not a possible number of weights", cure="use a smaller model")
    return np.asarray(place[()])
