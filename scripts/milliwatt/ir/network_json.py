"""Networks in ``*.mw.json``: one line a layer, weights as base64.

Fields that hold what most layers have (stride 1, no padding, no activation, the tensor before) are left out.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from milliwatt.errors import ModelFileError
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    NO_PADDING,
    Activation,
    Add,
    Array,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Network,
    Pad,
    Reshape,
)  # fmt: skip
from milliwatt.ir.network_fields import READERS, WrongFieldError, input_map, to_json
from milliwatt.ir.network_integers import (
    InputMap,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Requantize,
    Table,
)  # fmt: skip
from milliwatt.ir.validate_network import MAX_LAYERS

_LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv": Conv,
    "depthwise": Depthwise,
    "max_pool": MaxPool,
    "average_pool": AveragePool,
    "activation": Activation,
    "add": Add,
    "concat": Concat,
    "reshape": Reshape,
    "pad": Pad,
    "int_dense": IntDense,
    "int_conv": IntConv,
    "int_depthwise": IntDepthwise,
    "int_average_pool": IntAveragePool,
    "int_add": IntAdd,
    "table": Table,
}
_WORDS = {kind: word for word, kind in _LAYERS.items()}
# What a field holds where a file says nothing of it.
_USUAL: dict[str, object] = {
    "activation": IDENTITY, "alpha": 0.0, "strides": (1, 1), "dilation": (1, 1), "padding": NO_PADDING,
    "counts_padding": False, "units": (),
}  # fmt: skip
_ALWAYS = {
    "max_pool": ("strides",), "average_pool": ("strides",), "activation": ("activation",),
    "pad": ("padding",), "int_average_pool": ("strides",),
}  # fmt: skip


def network_to_json(model: Network) -> dict[str, object]:
    """What only a network has, beside its layers."""
    return {
        "link": model.link,
        "input_shape": list(model.input_shape),
        "noise": model.noise,
        "quantize": model.quantize,
        "arena": model.arena,
        "input_map": to_json(model.input_map),
    }


def layer_to_json(layer: Layer, index: int) -> dict[str, object]:
    """A layer as a JSON object.

    Raises:
        ModelFileError: a kind of layer that files do not hold.
    """
    word = _WORDS.get(type(layer))
    if word is None:
        raise ModelFileError(
            f"a layer of the kind {type(layer).__name__} cannot be written",
            option=f"layers[{index}]",
            cure="fold it first, as frontends do",
        )
    data: dict[str, object] = {"layer": word}
    fields = dataclasses.fields(layer)
    long = [field for field in fields if isinstance(getattr(layer, field.name), Array | Requantize)]
    for field in [*(field for field in fields if field not in long), *long]:
        value = getattr(layer, field.name)
        if field.name == "inputs" and value == (index,):
            continue
        if field.name in _USUAL and value == _USUAL[field.name] and field.name not in _ALWAYS.get(word, ()):
            continue
        data[field.name] = to_json(value)
    return data


def layers_from_json(rows: list[Any], cure: str) -> tuple[Layer, ...]:
    """The layers in a file, every number of the type it has to be and weights as long as their shapes say.

    Raises:
        ModelFileError: with the place of what is wrong, and ``cure``.
    """
    if not 1 <= len(rows) <= MAX_LAYERS:
        raise ModelFileError(
            f"{len(rows)} layers; 1 to {MAX_LAYERS} are possible", option="layers", cure=cure
        )
    layers = []
    for index, row in enumerate(rows):
        try:
            layers.append(_layer(row, index))
        except WrongFieldError as error:
            where = f"layers[{index}]" + (f".{error.field}" if error.field else "")
            raise ModelFileError(error.problem, option=where, cure=cure) from None
        except ModelFileError as error:
            raise error.inside(f"layers[{index}]") from None
    return tuple(layers)


def _layer(row: object, index: int) -> Layer:
    if not isinstance(row, dict):
        raise WrongFieldError("not an object")
    word = row.get("layer")
    kind = _LAYERS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise WrongFieldError(f"unknown kind of layer {word!r}", "layer")
    fields = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(row) - {*fields, "layer"})
    if unknown:
        raise WrongFieldError(f"unknown to a layer of the kind {word}", unknown[0])
    always = _ALWAYS.get(str(word), ())
    made: dict[str, Any] = {}
    for name in fields:
        if name in row:
            made[name] = READERS[name](row[name], name)
        elif name == "inputs":
            made[name] = (index,)
        elif name in _USUAL and name not in always:
            made[name] = _USUAL[name]
        else:
            raise WrongFieldError("missing", name)
    return kind(**made)


def input_map_from_json(value: object, cure: str) -> InputMap | None:
    """How features become integers, every number of the type it has to be.

    Raises:
        ModelFileError: with the place of what is wrong, and ``cure``.
    """
    try:
        return input_map(value, "input_map")
    except WrongFieldError as error:
        raise ModelFileError(error.problem, option=error.field, cure=cure) from None
