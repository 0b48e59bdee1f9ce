"""Keras 3: ``Sequential`` and functional models, in memory or saved as ``*.keras`` or ``*.h5``.

Models in memory and files go one way: through the configuration that Keras writes. Branches may be added and
concatenated; there is one input and one output. A network whose last activation is softmax or sigmoid is a
classifier of classes 0, 1, …, and so is one that was compiled with a crossentropy ``from_logits``.

An average pool that pads unevenly (``same``) leaves padding out, as Keras on TensorFlow and JAX does. On
PyTorch Keras repeats the image's edge there; such models are refused while they are in memory.

Layers of other names, custom objects and Lambda are refused by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.keras_file import KerasFile, KerasModel, of_memory
from milliwatt.frontends.keras_layers import LAYERS, Call
from milliwatt.frontends.network_graph import Graph, refuse
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.network_task import as_classifier, only_tensor, own_answers
from milliwatt.frontends.sklearn_common import refuse_follow
from milliwatt.ir.model import IDENTITY, SIGMOID, SOFTMAX
from milliwatt.ir.network import Network

SUPPORTED = ("Sequential", "Functional", "Model")
SUPPORTED_FILES = ("KerasFile",)
_LOGITS = {
    "CategoricalCrossentropy": SOFTMAX,
    "SparseCategoricalCrossentropy": SOFTMAX,
    "CategoricalFocalCrossentropy": SOFTMAX,
    "BinaryCrossentropy": SIGMOID,
    "BinaryFocalCrossentropy": SIGMOID,
}
Place = tuple[str, int]  # a layer's name, and the how-manieth use of it


def convert_keras(model: Any, kind: str, *, nan: str) -> Network:
    """A model in memory, or a :class:`KerasFile`.

    Raises:
        UnsupportedModelError: names the layer, and says what to do.
    """
    refuse_follow("a Keras model", nan)
    source = model.model if isinstance(model, KerasFile) else _in_memory(model)
    network = _convert(source, nan)
    link = _logits(source.compiled)
    if network.link == IDENTITY and link and not (link == SOFTMAX and network.n_outputs == 1):
        return as_classifier(network, link=link)
    return network


def answers(model: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of classes or labels, or values; a file is loaded by Keras in its safe mode."""
    import keras

    network = convert_keras(model, "", nan="auto")
    source = model.model if isinstance(model, KerasFile) else of_memory(model)
    loaded = keras.saving.load_model(model.path, compile=False) if isinstance(model, KerasFile) else model
    rows = np.asarray(samples, dtype=np.float32).reshape(len(samples), *loaded.inputs[0].shape[1:])
    outputs = keras.ops.convert_to_numpy(only_tensor(loaded(rows, training=False)))
    return own_answers(network, outputs, linked=_convert(source, "auto").link != IDENTITY)


def _in_memory(model: Any) -> KerasModel:
    import keras

    own = type(model).call
    if own not in (keras.Sequential.call, _functional().call):
        raise UnsupportedModelError(
            f"{type(model).__name__} is a model with a call() of its own",
            cure="build it as a Sequential or functional model, or export it to ONNX",
        )
    if not model.built:
        raise MilliwattError(
            "this Sequential does not know its input",
            cure="begin it with keras.Input(shape), or fit it first",
        )
    return of_memory(model)


def _functional() -> Any:
    import keras

    # Keras does not name the class of functional models in public.
    given = keras.Input((1,))
    return type(keras.Model(given, given))


def _convert(source: KerasModel, nan: str) -> Network:
    try:
        walk = _Sequential(source) if source.kind == "Sequential" else _Functional(source)
        value = walk.run()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UnsupportedModelError(
            f"the model's configuration is not as Keras writes it ({type(error).__name__}: {error})",
            cure="save the model again with Keras 3: model.save('model.keras')",
        ) from None
    origin = {"class": source.kind, "library": f"keras {source.version}"}
    return walk.graph.network(value, origin, check_nan=nan != "ignore")


def _logits(compiled: Mapping[str, Any]) -> str:
    """The link that a loss applies to what the model gives; empty if none."""
    loss = compiled.get("loss") if isinstance(compiled, Mapping) else None
    if not isinstance(loss, Mapping):
        return ""
    config = loss.get("config")
    found = _LOGITS.get(str(loss.get("class_name")), "")
    return found if isinstance(config, Mapping) and config.get("from_logits") is True else ""


class _Walk(ABC):
    """What both kinds of models share."""

    graph: Graph

    def __init__(self, source: KerasModel) -> None:
        self.source = source
        self.layers: list[Mapping[str, Any]] = list(source.config["layers"])

    @abstractmethod
    def run(self) -> Value:
        """The output's value."""

    def _start(self, shape: Sequence[int | None] | None) -> None:
        if shape is None:
            raise UnsupportedModelError(
                "this Sequential does not know its input",
                cure="begin it with keras.Input(shape), or fit it first",
            )
        if any(side is None for side in shape[1:]):
            raise UnsupportedModelError(
                f"an input of the shape {tuple(shape[1:])} is not supported",
                cure="give keras.Input a shape whose sides are all known",
            )
        # A file may say anything here.
        sides = [side for side in shape[1:] if type(side) is int]
        self.graph = Graph(sides, channels_first=False)

    def _called(self, layer: Mapping[str, Any], values: list[Value]) -> Value:
        kind, config = str(layer["class_name"]), layer["config"]
        where = f"the layer {config['name']!r} ({kind})"
        handler = LAYERS.get(kind)
        if handler is None or not _is_keras_own(layer):
            raise UnsupportedModelError(f"{where} is not supported", cure=_cure(layer))
        if config.get("data_format") == "channels_first" and kind != "Flatten":
            self._check_channels_first(values, where)
        if (
            isinstance(config.get("dtype"), Mapping)
            and "quantiz" in str(config["dtype"].get("class_name")).lower()
        ):
            raise UnsupportedModelError(
                f"{where} is quantised", cure="give the model before it was quantised"
            )
        weights = self.source.weights(str(config["name"]))
        old = self.source.version.startswith(("1.", "2."))
        return handler(Call(self.graph, values, config, weights, where, old, self.source.backend))

    def _check_channels_first(self, values: Sequence[Value], where: str) -> None:
        images = [value for value in values if len(value.shape) in (2, 3)]
        if not all(self.graph.is_image(value, channels_first=True) for value in images):
            raise refuse(
                where,
                "has data_format='channels_first', and its input has channels last",
                "use channels_last; or begin the model with Permute((3, 1, 2)), to take channels last",
            )


def _cure(layer: Mapping[str, Any]) -> str:
    """What to use in place of a layer that is refused."""
    if str(layer.get("module")).startswith("keras.src.ops"):
        return (
            f"it is of keras.ops, such as x + y: use layers.Add()([x, y]), or another of {', '.join(LAYERS)}"
        )
    if layer["class_name"] in SUPPORTED:
        return "it is a model within the model: use its layers one by one"
    return f"use {', '.join(LAYERS)}"


def _is_keras_own(layer: Mapping[str, Any]) -> bool:
    """Not a class of the user's that has the same name."""
    module = layer.get("module")
    registered = layer.get("registered_name")
    return (module is None or str(module).split(".")[0] == "keras") and not registered


class _Sequential(_Walk):
    """Layers one after the other."""

    def run(self) -> Value:
        layers = [layer for layer in self.layers if layer["class_name"] != "InputLayer"]
        first = self.layers[0]["config"]
        built = self.source.config.get("build_input_shape")
        self._start(first.get("batch_shape") or first.get("batch_input_shape") or built)
        value = self.graph.input
        for layer in layers:
            value = self._called(layer, [value])
        return value


class _Functional(_Walk):
    """Layers that name those they take."""

    def run(self) -> Value:
        config = self.source.config
        inputs, outputs = list(_named(config["input_layers"])), list(_named(config["output_layers"]))
        for what, found in (("inputs", inputs), ("outputs", outputs)):
            if len(found) != 1:
                raise UnsupportedModelError(
                    f"a model of {len(found)} {what} is not supported", cure="use one"
                )
        calls = dict(self._calls())
        first = {layer["config"]["name"]: layer for layer in self.layers}[inputs[0][0]]
        self._start(first["config"].get("batch_shape") or first["config"].get("batch_input_shape"))
        values: dict[Place, Value] = {inputs[0]: self.graph.input}
        waiting = [place for place in calls if place not in values]
        while waiting:
            ready = [place for place in waiting if all(needed in values for needed in calls[place][1])]
            if not ready:
                raise UnsupportedModelError("layers wait for each other", cure="save the model again")
            for place in ready:
                layer, needed = calls[place]
                values[place] = self._called(layer, [values[one] for one in needed])
            waiting = [place for place in waiting if place not in values]
        return values[outputs[0]]

    def _calls(self) -> Iterator[tuple[Place, tuple[Mapping[str, Any], list[Place]]]]:
        for layer in self.layers:
            name = str(layer["config"]["name"])
            nodes = layer.get("inbound_nodes") or []
            if not nodes:
                yield (name, 0), (layer, [])
            for index, node in enumerate(nodes):
                yield (name, index), (layer, list(_sources(node)))


def _named(given: Any) -> Iterator[Place]:
    """The places in ``input_layers`` or ``output_layers``: ["name", 0, 0], or a list of such."""
    if isinstance(given, list) and given and isinstance(given[0], str):
        yield (given[0], int(given[1]))
        return
    if not isinstance(given, list | Mapping):
        raise TypeError(f"{given!r} in place of a tensor")
    for item in given.values() if isinstance(given, Mapping) else given:
        yield from _named(item)


def _sources(node: Any) -> Iterator[Place]:
    """The places that a call takes: Keras 3's tensors, or Keras 2's lists."""
    if isinstance(node, Mapping):
        if node.get("class_name") == "__keras_tensor__":
            history = node["config"]["keras_history"]
            yield (str(history[0]), int(history[1]))
            return
        for item in node.values():
            yield from _sources(item)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and type(node[1]) is int and type(node[2]) is int:
            yield (node[0], node[1])
            return
        for item in node:
            yield from _sources(item)
