"""ONNX's arithmetic: sums of values, constants on channels, and products that are activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.network_graph import refuse
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.onnx_call import Call
from milliwatt.ir.model import SIGMOID
from milliwatt.ir.network import HARD_SIGMOID, HARD_SWISH, SWISH, Activation

_SIXTH = 1 / 6


def arithmetic(call: Call) -> Value:
    """Two values added; or a value and a constant, which is a scale of channels."""
    a, b = call.given
    kind = call.where.split()[2]
    if isinstance(a, Value) and isinstance(b, Value):
        if kind == "Add":
            return call.graph.add([a, b], call.where)
        found = _swish(call, a, b) or _swish(call, b, a) if kind == "Mul" else None
        if found is None:
            raise refuse(call.where, "takes two tensors that depend on the input", "only Add can")
        return found
    value, number = (a, b) if isinstance(a, Value) else (b, a)
    number = np.asarray(number, dtype=np.float64)
    first = isinstance(a, Value)
    if kind == "Div" and not first:
        raise refuse(call.where, "divides by a tensor that depends on the input", "leave it out")
    one, none = np.ones_like(number), np.zeros_like(number)
    if kind == "Mul":
        return _scaled(call, value, number, none)
    if kind == "Div":
        return _scaled(call, value, one / number, none)
    sign = -1.0 if kind == "Sub" else 1.0
    return _scaled(call, value, one if first else sign * one, sign * number if first else number)


def _swish(call: Call, value: Value, gate: Value) -> Value | None:
    """x * sigmoid(x), as exporters write swish."""
    made = call.graph.layers[gate.tensor - 1] if gate.tensor else None
    if not isinstance(made, Activation) or made.inputs != (value.tensor,):
        return None
    if value.shape != gate.shape or not np.array_equal(value.places, gate.places):
        return None
    if made.activation == SIGMOID:
        return call.graph.activation(value, SWISH, call.where)
    if made.activation == HARD_SIGMOID and abs(made.alpha - _SIXTH) < 1e-6:
        return call.graph.activation(value, HARD_SWISH, call.where)
    return None


def _scaled(call: Call, value: Value, scale: NDArray[Any], offset: NDArray[Any]) -> Value:
    """A scale of what ONNX's rules spread over a value, where that is one number a channel."""
    n = len(value.shape)
    refused = refuse(
        call.where, "takes a constant that is not one number a channel", "use one number a channel"
    )
    for channels_first in (True, False):
        rows = []
        for numbers in (scale, offset):
            plain = numbers.reshape(numbers.shape[1:]) if numbers.ndim == n + 1 else numbers
            whole = np.broadcast_to(plain, value.shape)
            whole = np.moveaxis(whole, 0, -1) if channels_first and n > 1 else whole
            rows.append(whole.reshape(-1, whole.shape[-1]))
        if n > 1 and not all((table == table[0]).all() for table in rows):
            continue
        try:
            return call.graph.scale(value, rows[0][0], rows[1][0], call.where, channels_first=channels_first)
        except UnsupportedModelError as error:  # a single number fits both orders, the image one
            refused = error
    raise refused
