"""What each of Keras' layers is in the IR, by the name of its class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import Graph, refuse
from milliwatt.frontends.network_places import Value
from milliwatt.ir.model import IDENTITY, SIGMOID, SOFTMAX
from milliwatt.ir.network import (
    ELU,
    HARD_SIGMOID,
    HARD_SWISH,
    LEAKY_RELU,
    NO_PADDING,
    RELU,
    RELU6,
    SWISH,
    TANH,
    Padding,
    Pair,
)  # fmt: skip

# Keras' names of activations, with their parameter where they have one.
ACTIVATIONS: dict[str, tuple[str, float]] = {
    "linear": (IDENTITY, 0.0),
    "relu": (RELU, 0.0),
    "relu6": (RELU6, 0.0),
    "leaky_relu": (LEAKY_RELU, 0.2),
    "elu": (ELU, 1.0),
    "sigmoid": (SIGMOID, 0.0),
    "tanh": (TANH, 0.0),
    "hard_sigmoid": (HARD_SIGMOID, 1 / 6),
    "hard_silu": (HARD_SWISH, 0.0),
    "hard_swish": (HARD_SWISH, 0.0),
    "silu": (SWISH, 0.0),
    "swish": (SWISH, 0.0),
    "softmax": (SOFTMAX, 0.0),
}


@dataclass(frozen=True)
class Call:
    """A layer called on values.

    Attributes:
        weights: in Keras' order.
        where: the layer by name, for errors.
        old: the model was written by Keras 1 or 2.
        backend: what computes the model, as far as that is known.
    """

    graph: Graph
    values: list[Value]
    config: Mapping[str, Any]
    weights: list[NDArray[Any]]
    where: str
    old: bool
    backend: str = ""

    @property
    def value(self) -> Value:
        """The only value."""
        if len(self.values) != 1:
            raise refuse(self.where, f"takes {len(self.values)} tensors", "give it one")
        return self.values[0]

    @property
    def channels_first(self) -> bool:
        return self.config.get("data_format") == "channels_first"

    @property
    def bias(self) -> NDArray[Any] | None:
        """The last of the weights, if there is a bias."""
        return self.weights[-1] if self.config.get("use_bias", True) else None

    def pair(self, key: str) -> Pair:
        """Rows and columns; signals have one row."""
        found = self.config[key]
        sides = [int(side) for side in (found if isinstance(found, list | tuple) else [found])]
        if len(self.value.shape) == 2:
            return (1, sides[0])
        return (sides[0], sides[-1])

    def kernel(self, index: int = 0) -> NDArray[Any]:
        """A kernel with two sides."""
        found = self.weights[index]
        return found[np.newaxis] if found.ndim == 3 else found

    def activated(self, value: Value) -> Value:
        """What the layer's activation makes of a value."""
        kind, alpha = _named_activation(self.config.get("activation"), self)
        return self.graph.activation(value, kind, self.where, alpha)

    def padding(self, size: Pair, strides: Pair, dilation: Pair = (1, 1)) -> Padding:
        """``valid``, ``same`` or ``causal`` as rows and columns; of padding that is odd, more comes after."""
        kind = self.config.get("padding", "valid")
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        if kind == "causal":
            return (0, reach[1] - 1, 0, 0)
        if kind != "same":
            return NO_PADDING
        shape = self.value.shape[1:] if self.channels_first else self.value.shape[:-1]
        sides = (1, *shape) if len(shape) == 1 else shape
        more = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(sides, strides, reach, strict=True)]
        return (more[0] // 2, more[1] // 2, more[0] - more[0] // 2, more[1] - more[1] // 2)


def _named_activation(given: Any, call: Call) -> tuple[str, float]:
    if given is None:
        return IDENTITY, 0.0
    if isinstance(given, Mapping):
        own = str(given.get("module", "")).startswith("keras") and not given.get("registered_name")
        given = given.get("config") if own and given.get("class_name") == "function" else None
    if not isinstance(given, str) or given not in ACTIVATIONS:
        raise refuse(call.where, f"has the activation {given or 'of its own'!r}, which is not supported",
                     f"use {', '.join(ACTIVATIONS)}, or a layer of its own for it")  # fmt: skip
    if given == "hard_sigmoid" and call.old:
        return HARD_SIGMOID, 0.2  # Keras 3 is flatter
    return ACTIVATIONS[given]


def _nothing(call: Call) -> Value:
    return call.value


def _dense(call: Call) -> Value:
    return call.activated(call.graph.dense(call.value, call.weights[0], call.bias, call.where))


def _conv(call: Call) -> Value:
    kernel = call.kernel()
    groups = int(call.config.get("groups") or 1)
    if groups > 1:
        if kernel.shape[2] != 1:
            raise refuse(call.where, f"has {groups} groups", "use groups=1, or a depthwise layer")
        kernel = kernel.reshape(*kernel.shape[:2], groups, -1)
    return call.activated(_convolved(call, call.value, kernel, call.bias, depthwise=groups > 1))


def _convolved(
    call: Call, value: Value, kernel: NDArray[Any], bias: NDArray[Any] | None, *, depthwise: bool
) -> Value:
    strides, dilation = call.pair("strides"), call.pair("dilation_rate")
    return call.graph.conv(
        value,
        kernel,
        bias,
        call.where,
        channels_first=call.channels_first,
        strides=strides,
        dilation=dilation,
        padding=call.padding((kernel.shape[0], kernel.shape[1]), strides, dilation),
        depthwise=depthwise,
    )


def _depthwise(call: Call) -> Value:
    return call.activated(_convolved(call, call.value, call.kernel(), call.bias, depthwise=True))


def _separable(call: Call) -> Value:
    value = _convolved(call, call.value, call.kernel(0), None, depthwise=True)
    value = call.graph.conv(value, call.kernel(1), call.bias, call.where, channels_first=call.channels_first)
    return call.activated(value)


def _pool(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        size = call.pair("pool_size")
        strides = size if call.config.get("strides") is None else call.pair("strides")
        padding = call.padding(size, strides)
        if kind == "average" and call.backend == "torch" and padding[:2] != padding[2:]:
            raise refuse(
                call.where,
                "pads unevenly, where Keras on PyTorch repeats edges and on other backends does not",
                "use padding='valid', or load the model with another backend (KERAS_BACKEND)",
            )
        return call.graph.pool(
            call.value,
            kind,
            call.where,
            channels_first=call.channels_first,
            size=size,
            strides=strides,
            padding=padding,
        )

    return pool


def _global(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        value = call.graph.global_pool(call.value, kind, call.where, channels_first=call.channels_first)
        if call.config.get("keepdims"):
            return value
        return call.graph.reshape(value, [-1], call.where)

    return pool


def _flatten(call: Call) -> Value:
    value = call.value
    if call.channels_first and len(value.shape) > 1:
        value = call.graph.transpose(value, (*range(1, len(value.shape)), 0), call.where)
    return call.graph.reshape(value, [-1], call.where)


def _reshape(call: Call) -> Value:
    return call.graph.reshape(call.value, [int(side) for side in call.config["target_shape"]], call.where)


def _permute(call: Call) -> Value:
    return call.graph.transpose(call.value, [int(side) - 1 for side in call.config["dims"]], call.where)


def _zero_padding(call: Call) -> Value:
    given = call.config["padding"]
    if isinstance(given, int):
        given = [given, given]
    if len(call.value.shape) == 2:
        sides = [(0, 0), given]
    else:
        sides = [side if isinstance(side, list | tuple) else (side, side) for side in given]
    padding = (int(sides[0][0]), int(sides[1][0]), int(sides[0][1]), int(sides[1][1]))
    return call.graph.pad(call.value, padding, call.where, channels_first=call.channels_first)


def _batch_norm(call: Call) -> Value:
    config, weights = call.config, list(call.weights)
    axis, n = config.get("axis", -1), len(call.value.shape)
    axis = axis[0] if isinstance(axis, list) else axis  # so in Keras 2's files
    axis = axis - 1 if axis > 0 else axis + n
    gamma = weights.pop(0) if config.get("scale", True) else 1.0
    beta = weights.pop(0) if config.get("center", True) else 0.0
    mean, variance = (np.asarray(array, dtype=np.float64) for array in weights)
    if axis not in (0, n - 1):
        raise refuse(call.where, f"normalises along dimension {axis + 1}", "normalise channels")
    scale = gamma / np.sqrt(variance + float(config["epsilon"]))
    first = n > 1 and axis == 0
    if n > 1 and not call.graph.is_image(call.value, channels_first=first):
        raise refuse(call.where, f"normalises along dimension {axis + 1}, not channels", "normalise channels")
    return call.graph.scale(call.value, scale, beta - mean * scale, call.where, channels_first=first)


def _rescaling(call: Call) -> Value:
    given = [call.config[key] for key in ("scale", "offset")]
    # Arrays are objects in a configuration.
    plain = [item["config"]["value"] if isinstance(item, Mapping) else item for item in given]
    scale, offset = (np.asarray(item, dtype=np.float64) for item in plain)
    if scale.ndim > 1 or offset.ndim > 1:
        raise refuse(call.where, "has tables of scales", "use one number, or one a channel")
    return call.graph.scale(call.value, scale, offset, call.where, channels_first=False)


def _activation(call: Call) -> Value:
    return call.activated(call.value)


def _relu(call: Call) -> Value:
    config = call.config
    highest, slope = config.get("max_value"), float(config.get("negative_slope") or 0.0)
    if config.get("threshold") or highest not in (None, 6) or (slope and highest is not None):
        raise refuse(call.where, "has a threshold, or a maximum other than 6", "use ReLU or ReLU6")
    if slope:
        return call.graph.activation(call.value, LEAKY_RELU, call.where, slope)
    return call.graph.activation(call.value, RELU if highest is None else RELU6, call.where)


def _leaky(call: Call) -> Value:
    alpha = call.config.get("negative_slope", call.config.get("alpha", 0.3))  # Keras 2's name is alpha
    return call.graph.activation(call.value, LEAKY_RELU, call.where, float(alpha))


def _elu(call: Call) -> Value:
    return call.graph.activation(call.value, ELU, call.where, float(call.config.get("alpha", 1.0)))


def _softmax(call: Call) -> Value:
    axis = call.config.get("axis", -1)
    if axis not in (-1, len(call.value.shape)):
        raise refuse(call.where, f"is a softmax along dimension {axis}", "use the last one")
    return call.graph.activation(call.value, SOFTMAX, call.where)


def _add(call: Call) -> Value:
    return call.graph.add(call.values, call.where)


def _concatenate(call: Call) -> Value:
    axis, n = int(call.config.get("axis", -1)), len(call.values[0].shape)
    at = axis - 1 if axis > 0 else axis + n
    first = n > 1 and at == 0
    if first and not all(call.graph.is_image(value, channels_first=True) for value in call.values):
        raise refuse(call.where, f"joins along dimension {axis}, which is not channels", "join channels only")
    return call.graph.concat(call.values, at, call.where, channels_first=first)


LAYERS: dict[str, Callable[[Call], Value]] = {
    "InputLayer": _nothing,
    "Dense": _dense,
    "Conv1D": _conv,
    "Conv2D": _conv,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "MaxPooling1D": _pool("max"),
    "MaxPooling2D": _pool("max"),
    "AveragePooling1D": _pool("average"),
    "AveragePooling2D": _pool("average"),
    "GlobalMaxPooling1D": _global("max"),
    "GlobalMaxPooling2D": _global("max"),
    "GlobalAveragePooling1D": _global("average"),
    "GlobalAveragePooling2D": _global("average"),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "BatchNormalization": _batch_norm,
    "Rescaling": _rescaling,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softmax": _softmax,
    "Add": _add,
    "Concatenate": _concatenate,
    "Dropout": _nothing,
    "SpatialDropout1D": _nothing,
    "SpatialDropout2D": _nothing,
    "AlphaDropout": _nothing,
    "GaussianDropout": _nothing,
    "GaussianNoise": _nothing,
    "ActivityRegularization": _nothing,
}
