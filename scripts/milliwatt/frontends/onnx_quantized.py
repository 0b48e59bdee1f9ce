"""ONNX graphs quantised in QDQ form: pairs of QuantizeLinear and DequantizeLinear around float operators.

For the network of floats a pair does nothing, and a constant that is dequantised is the real numbers that it
stands for. The scales and zero points are remembered (``Network.hints``), and ``quantize=int8`` or ``int16``
then takes them as they are. One thing pairs do to floats as well: exporters leave out a Relu before
integers that know no negative numbers, which is why such a pair is a Relu here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import Graph, refuse
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.onnx_call import Call
from milliwatt.ir.model import SIGMOID, SOFTMAX
from milliwatt.ir.network import (
    HARD_SIGMOID,
    RELU,
    RELU6,
    Activation,
    Conv,
    Dense,
    Depthwise,
    Scale,
)  # fmt: skip
from milliwatt.ir.network_grids import WORD
from milliwatt.ir.network_integers import Grid

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
DOMAINS = ("", "ai.onnx", "com.microsoft")  # ONNX Runtime's own is for 16 bits before opset 21
# Operators that compute with integers, by how their names begin.
_INTEGER = ("DynamicQuantizeLinear", "QLinear", "QAttention", "QGemm", "ConvInteger", "MatMulInteger")
# Operators that move integers, and compute nothing: they may stand between the two of a pair.
_MOVING = ("Concat", "Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
_SUMMING = ("Conv", "Gemm", "MatMul")
_TYPES = {  # lowest, highest integer
    "uint8": (0, 255), "int8": (-128, 127), "uint4": (0, 15), "int4": (-8, 7), "uint16": (0, 65535),
    "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1),
}  # fmt: skip
_ONNX_TYPES = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 21: "uint4", 22: "int4"}
_SYMMETRIC = (
    "quantise again with symmetric weights of int8:"
    " quantize_static(…, weight_type=QuantType.QInt8, extra_options={'WeightSymmetric': True})"
)
_QDQ = "export in QDQ form: quantize_static(…, quant_format=QuantFormat.QDQ); or give the float model"
_PLAIN = "quantise again without it; or give the float model, and calibration data with quantize=int8"


@dataclass(frozen=True)
class Steps:
    """How integers stand for real numbers: ``scale * (q - zero)``.

    Attributes:
        kind: the integers' type.
        low, high: the limits of that type, or narrower ones.
    """

    scale: NDArray[np.float64]
    zero: NDArray[np.int64]
    kind: str
    low: int
    high: int

    def same(self, other: Steps) -> bool:
        """The same real numbers, whatever the limits."""
        equal = np.array_equal(self.scale, other.scale) and np.array_equal(self.zero, other.zero)
        return equal and self.kind == other.kind


@dataclass(frozen=True)
class Integers:
    """A tensor between QuantizeLinear and DequantizeLinear, told by its real numbers."""

    value: Value
    steps: Steps


@dataclass(frozen=True)
class Dequantised:
    """A constant that was stored as integers.

    Attributes:
        values: its real numbers.
        units: what a step of each of them is, of the same shape.
        problem: why its integers cannot be weights of a byte each; empty: they can.
    """

    values: NDArray[Any]
    units: NDArray[np.float64]
    problem: str = ""


def refuse_integer_operators(kind: str, where: str) -> None:
    """Operators that take integers, which QDQ form has none of."""
    if kind.startswith(_INTEGER):
        raise refuse(where, "computes with integers, and only QDQ form is read", _QDQ)


def is_pair(kind: str, domain: str) -> bool:
    """One of the two operators that QDQ form adds."""
    return kind in (QUANTIZE, DEQUANTIZE) and domain in DOMAINS


def convert(kind: str, call: Call) -> Any:
    """QuantizeLinear or DequantizeLinear, of a tensor or of a constant."""
    steps = _steps(kind, call)
    given = call.given[0]
    if isinstance(given, Dequantised):
        given = given.values
    if isinstance(given, np.ndarray):
        return _stored(call, given, steps) if kind == QUANTIZE else _dequantised(call, given, steps)
    if kind == QUANTIZE:
        if not isinstance(given, Value):
            raise refuse(call.where, "quantises integers", _PLAIN)
        return _quantised(call, given, steps)
    if not isinstance(given, Integers):
        raise refuse(
            call.where,
            "takes integers from outside the graph",
            "keep the graph's input a tensor of floats, which QuantizeLinear takes",
        )
    if not given.steps.same(steps):
        raise refuse(call.where, "has another scale or zero point than its QuantizeLinear", _PLAIN)
    return Value(_noted(call.graph, given.value, given.steps, call.where), given.value.places)


def plain(item: Any) -> Any:
    """A constant as operators take it."""
    return item.values if isinstance(item, Dequantised) else item


def moved(kind: str, call: Call, handler: Callable[[Call], Any]) -> Any:
    """An operator that is given integers: one that only moves them."""
    found = [item.steps for item in call.given if isinstance(item, Integers)]
    if kind == "Clip":
        return _clipped(call)
    if kind not in _MOVING or not all(steps.same(found[0]) for steps in found):
        raise refuse(call.where, "computes with integers, and only QDQ form is read", _QDQ)
    given = [item.value if isinstance(item, Integers) else plain(item) for item in call.given]
    value = handler(replace(call, given=given))
    return Integers(value, found[0])


def _clipped(call: Call) -> Integers:
    """Fewer integers than the type has: PyTorch's way to write 7 bits."""
    given, low, high = (*call.given, None, None)[:3]
    steps = given.steps
    lowest = steps.low if low is None else max(steps.low, int(np.asarray(low).reshape(-1)[0]))
    highest = steps.high if high is None else min(steps.high, int(np.asarray(high).reshape(-1)[0]))
    if lowest >= highest:
        raise refuse(call.where, "leaves no integers", _PLAIN)
    return Integers(given.value, replace(steps, low=lowest, high=highest))


def moved_constant(call: Call, handler: Callable[[Call], Any]) -> Any:
    """An operator on constants, the first of which was stored as integers: their steps move with them."""
    given = [plain(item) for item in call.given]
    values = handler(replace(call, given=given))
    first = call.given[0] if call.given else None
    if not isinstance(first, Dequantised):
        return values
    units = handler(replace(call, given=[first.units, *given[1:]]))
    return Dequantised(values, units, first.problem)


def note_weights(kind: str, call: Call, found: Any) -> None:
    """Remembers the units of a layer's weights, an output channel each.

    Args:
        call: with constants as they were stored.
        found: what the operator's handler made of it.
    """
    weights = call.given[1] if kind in _SUMMING and len(call.given) > 1 else None
    if not isinstance(weights, Dequantised) or not isinstance(found, Value):
        return
    layer = call.graph.layers[found.tensor - 1]
    assert isinstance(layer, Dense | Conv | Depthwise)
    axis = 0 if kind == "Conv" or call.attributes.get("transB") else -1
    units = np.moveaxis(weights.units, axis, 0).reshape(layer.bias.size, -1)
    units = units * (float(call.attributes.get("alpha", 1.0)) if kind == "Gemm" else 1.0)
    problem = weights.problem
    if not (units > 0).all():
        problem = problem or "has an alpha that is not above 0"
    if (units != units[:, :1]).any():
        problem = problem or "has weights with scales along its inputs"
    if problem:
        call.graph.hints.problems[found.tensor] = (problem, _SYMMETRIC)
    else:
        call.graph.hints.units[found.tensor] = tuple(units[:, 0].tolist())


# -- scales ----------------------------------------------------------------------------------


def _steps(kind: str, call: Call) -> Steps:
    """Scale and zero point of a pair's operator."""
    scale = call.weights(1)
    zero = call.constant(2)
    if call.attributes.get("block_size", 0) or (scale.ndim > 1 and scale.size > 1):
        raise refuse(call.where, "quantises by blocks", "quantise by tensor or by channel")
    if zero is not None:
        name = str(zero.dtype)
    elif kind == QUANTIZE:
        name = _ONNX_TYPES.get(call.attributes.get("output_dtype", 0), "uint8")
    else:
        given = call.given[0]
        name = given.steps.kind if isinstance(given, Integers) else str(getattr(given, "dtype", "uint8"))
    if kind == QUANTIZE and call.attributes.get("output_dtype", 0) not in (0, *_ONNX_TYPES):
        name = "a type of its own"
    if name not in _TYPES:
        raise refuse(call.where, f"quantises to {name}", f"use {', '.join(_TYPES)}")
    if not (np.isfinite(scale) & (scale > 0)).all():
        raise refuse(call.where, "has a scale that is not a number above 0", "quantise the model again")
    points = np.zeros(scale.shape) if zero is None else np.asarray(zero, dtype=np.int64)
    return Steps(scale.reshape(-1), np.asarray(points, dtype=np.int64).reshape(-1), name, *_TYPES[name])


def _along(steps: Steps, call: Call, given: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scale and zero point in a shape that spreads over a constant."""
    if steps.scale.size == 1 or given.ndim == 0:
        return steps.scale[0], steps.zero[0]
    axis = 0 if given.ndim == 1 else int(call.attributes.get("axis", 1))
    sides = [1] * given.ndim
    sides[axis] = steps.scale.size
    return steps.scale.reshape(sides), steps.zero.reshape(sides)


def _stored(call: Call, given: NDArray[Any], steps: Steps) -> NDArray[np.int64]:
    """A constant of floats as integers: QuantizeLinear is in the graph so that training sees its rounding."""
    scale, zero = _along(steps, call, given)
    ratio = np.asarray(given, dtype=np.float32) / np.asarray(scale, dtype=np.float32)
    return np.asarray((np.rint(ratio) + zero).clip(steps.low, steps.high).astype(np.int64))


def _dequantised(call: Call, given: NDArray[Any], steps: Steps) -> Dequantised:
    scale, zero = _along(steps, call, given)
    whole = np.asarray(given).astype(np.int64) - zero
    problem = ""
    if whole.size and not -128 <= int(whole.min()) <= int(whole.max()) <= 127:
        problem = f"has weights of the type {steps.kind} that are {int(whole.min())} to {int(whole.max())}"
        problem += " from their zero point, beyond what a byte holds (-128 to 127)"
    return Dequantised(whole * scale, np.broadcast_to(scale, whole.shape), problem)


# -- tensors ---------------------------------------------------------------------------------


def _quantised(call: Call, value: Value, steps: Steps) -> Integers:
    if steps.scale.size > 1:
        raise refuse(call.where, "has a scale for each channel of a tensor", "use one scale for activations")
    if steps.kind == "int32":
        raise refuse(call.where, "quantises a tensor to int32", "use uint8, int8 or int16 for activations")
    scale, zero = float(steps.scale[0]), int(steps.zero[0])
    if zero == steps.low and not _never_negative(call.graph, value.tensor):
        six = abs(scale * (steps.high - zero) - 6.0) <= scale / 2
        value = call.graph.activation(value, RELU6 if six else RELU, call.where)
    return Integers(Value(_noted(call.graph, value, steps, call.where), value.places), steps)


def _never_negative(graph: Graph, tensor: int) -> bool:
    """No number of a tensor lies below 0, whatever the sample."""
    if tensor == 0:
        return False
    layer = graph.layers[tensor - 1]
    if isinstance(layer, Activation) and layer.activation in (RELU, RELU6, SIGMOID, SOFTMAX, HARD_SIGMOID):
        return True
    if isinstance(layer, Dense | Conv | Depthwise | Scale):
        return False
    return all(_never_negative(graph, number) for number in layer.inputs)


def _noted(graph: Graph, value: Value, steps: Steps, where: str) -> int:
    """Remembers the grid of a tensor; the number of the tensor that has it."""
    grid = _grid(steps)
    if not isinstance(grid, Grid):
        graph.hints.trouble(f"{where} {grid}", "quantise again with symmetric int16, or with uint8 or int8")
        return value.tensor
    tensor = graph.hints.find(value.tensor, grid)
    if tensor is None:
        tensor = graph.requantised(value.tensor, where)
        graph.hints.others.setdefault(value.tensor, []).append(tensor)
    graph.hints.set(tensor, grid, 16 if steps.kind.endswith("16") else 8)
    return tensor


def _grid(steps: Steps) -> Grid | str:
    """As the IR has it; or why it cannot."""
    scale, zero = float(steps.scale[0]), int(steps.zero[0])
    if steps.kind.endswith("16"):
        middle = 0 if steps.kind == "int16" else 32768
        if zero != middle:
            return f"has the zero point {zero}, and 16 bits have to be symmetric (zero point {middle})"
        low, high = max(steps.low - middle, WORD[0]), min(steps.high - middle, WORD[1])
        return Grid(scale, 0, low, high)
    shift = -128 if steps.kind.startswith("int") else 0
    return Grid(scale, zero - shift, steps.low - shift, steps.high - shift)
