"""What each of ONNX's operators is in the IR, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import refuse
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.onnx_arithmetic import arithmetic
from milliwatt.frontends.onnx_call import Call
from milliwatt.ir.model import IDENTITY, SIGMOID
from milliwatt.ir.network import (
    ELU,
    HARD_SIGMOID,
    HARD_SWISH,
    LEAKY_RELU,
    RELU,
    RELU6,
    SWISH,
    TANH,
    Padding,
    Pair,
)  # fmt: skip

_BATCH = -1  # what Shape says of the batch
_REAL = (1, 10, 11, 16)  # ONNX's numbers of types: float, float16, double, bfloat16


def _same(call: Call) -> Any:
    return call.given[0]


def _gemm(call: Call) -> Value:
    if call.attributes.get("transA"):
        raise refuse(call.where, "transposes its input", "use transA=0")
    weights = call.weights(1)
    weights = weights.T if call.attributes.get("transB") else weights
    bias = np.zeros(weights.shape[1])
    if len(call.given) > 2 and call.given[2] is not None:
        bias = np.broadcast_to(call.weights(2), (1, weights.shape[1]))[0] * call.attributes.get("beta", 1.0)
    return call.graph.dense(call.value, weights * call.attributes.get("alpha", 1.0), bias, call.where)


def _matmul(call: Call) -> Value:
    weights = call.weights(1)
    if weights.ndim != 2:
        raise refuse(
            call.where, f"has weights of {weights.ndim} dimensions", "use a table of inputs by outputs"
        )
    return call.graph.dense(call.value, weights, None, call.where)


def _conv(call: Call) -> Value:
    weights = call.weights(1)
    if weights.ndim != call.sides + 2 or weights.ndim not in (3, 4):
        raise refuse(call.where, f"has {weights.ndim - 2} sides", "use 1D or 2D convolutions")
    if weights.ndim == 3:
        weights = weights[:, :, np.newaxis]
    kernel = weights.transpose(2, 3, 1, 0)
    groups, size = int(call.attributes.get("group", 1)), (kernel.shape[0], kernel.shape[1])
    if groups > 1:
        if kernel.shape[2] != 1:
            raise refuse(call.where, f"has {groups} groups", "use one group, or as many as channels")
        kernel = kernel.reshape(*size, groups, -1)
    strides, dilation = call.pair("strides"), call.pair("dilations")
    return call.graph.conv(
        call.value,
        kernel,
        None if call.constant(2) is None else call.weights(2),
        call.where,
        channels_first=True,
        strides=strides,
        dilation=dilation,
        padding=call.padding(size, strides, dilation),
        depthwise=groups > 1,
    )


def _pool(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        size, strides = call.pair("kernel_shape"), call.pair("strides")
        if call.pair("dilations") != (1, 1):
            raise refuse(call.where, "has dilations", "pool without them")
        padding = call.padding(size, strides, (1, 1))
        counts = bool(call.attributes.get("count_include_pad", 0)) and any(padding)
        if call.attributes.get("ceil_mode", 0):
            whole = _rounded_up(call.image, size, strides, padding)
            if counts and whole != padding:
                raise refuse(call.where, "counts padding and rounds up", "use ceil_mode=0")
            padding = whole
        return call.graph.pool(
            call.value,
            kind,
            call.where,
            channels_first=True,
            size=size,
            strides=strides,
            padding=padding,
            counts_padding=counts,
        )

    return pool


def _rounded_up(image: Pair, size: Pair, strides: Pair, padding: Padding) -> Padding:
    """Padding with what the last window reaches beyond the image, unless it begins behind it."""
    after = []
    for index in range(2):
        n, k, s, before, behind = (
            image[index],
            size[index],
            strides[index],
            padding[index],
            padding[index + 2],
        )
        count = -(-(n + before + behind - k) // s) + 1
        if (count - 1) * s >= n + before:
            count -= 1
        after.append(max(behind, (count - 1) * s + k - n - before))
    return (padding[0], padding[1], after[0], after[1])


def _global(kind: str) -> Callable[[Call], Value]:
    return lambda call: call.graph.global_pool(call.value, kind, call.where, channels_first=True)


def _reduce(kind: str) -> Callable[[Call], Value]:
    def reduce(call: Call) -> Value:
        n = len(call.value.shape) + 1
        axes = sorted(axis % n for axis in call.integers("axes", 1) or [])
        channels_first = axes == list(range(2, n))
        if n < 3 or not (channels_first or axes == list(range(1, n - 1))):
            raise refuse(
                call.where, f"is over the dimensions {axes}", "use it over rows and columns together"
            )
        value = call.graph.global_pool(call.value, kind, call.where, channels_first=channels_first)
        if call.attributes.get("keepdims", 1):
            return value
        return call.graph.reshape(value, [-1], call.where)

    return reduce


def _batch_norm(call: Call) -> Value:
    gamma, beta, mean, variance = (call.weights(index) for index in range(1, 5))
    if call.attributes.get("training_mode"):
        raise refuse(call.where, "is in training mode", "export for inference")
    scale = gamma / np.sqrt(variance + call.attributes.get("epsilon", 1e-5))
    return call.graph.scale(call.value, scale, beta - mean * scale, call.where, channels_first=True)


def _sum(call: Call) -> Value:
    values = [item for item in call.given if isinstance(item, Value)]
    if len(values) != len(call.given):
        raise refuse(call.where, "adds constants", "use Add for them")
    return call.graph.add(values, call.where)


def _concat(call: Call) -> Value:
    values = [item for item in call.given if isinstance(item, Value)]
    n = len(values[0].shape) + 1
    axis = int(call.attributes["axis"]) % n
    if axis == 0 or len(values) != len(call.given):
        raise refuse(call.where, "joins samples, or constants", "join channels or features")
    return call.graph.concat(values, axis - 1, call.where, channels_first=n > 2)


def _pad(call: Call) -> Value:
    n = len(call.value.shape) + 1
    pads, axes = call.integers("pads", 1), call.integers("axes", 3) or list(range(n))
    number = call.constant(2)
    value = float(call.attributes.get("value", 0.0) if number is None else number.reshape(-1)[0])
    if pads is None or call.attributes.get("mode", "constant") != "constant" or value:
        raise refuse(call.where, "pads with something else than zeros", "pad with zeros")
    before, after = [0] * n, [0] * n
    for index, axis in enumerate(axes):
        before[axis % n], after[axis % n] = pads[index], pads[index + len(axes)]
    if any((*before[:2], *after[:2])):
        raise refuse(call.where, "pads samples or channels", "pad rows and columns")
    rows = (0, 0) if n == 3 else (before[2], after[2])
    padding = (rows[0], before[-1], rows[1], after[-1])
    return call.graph.pad(call.value, padding, call.where, channels_first=True)


def _reshape(call: Call) -> Value:
    given = call.integers("shape", 1) or []
    if call.attributes.get("allowzero") and 0 in given:
        raise refuse(call.where, "has sides of 0", "use allowzero=0")
    first = given[0] if given else 0
    if first > 0 and first != (call.batch or 1) and -1 in given:
        raise refuse(call.where, f"makes {first} rows of a batch", "keep the first dimension first")
    known = (_BATCH, *call.value.shape)
    sides = [known[index] if side == 0 else side for index, side in enumerate(given)]
    return call.graph.reshape(call.value, sides[1:], call.where)


def _flatten(call: Call) -> Value:
    if int(call.attributes.get("axis", 1)) not in (1, -len(call.value.shape)):
        raise refuse(call.where, "keeps more than the batch, or drops it", "use axis=1")
    return call.graph.reshape(call.value, [-1], call.where)


def _transpose(call: Call) -> Value:
    order = [int(side) for side in call.attributes.get("perm") or range(len(call.value.shape), -1, -1)]
    if order[0] != 0:
        raise refuse(call.where, "moves the batch", "keep the first dimension first")
    return call.graph.transpose(call.value, [side - 1 for side in order[1:]], call.where)


def _squeeze(call: Call) -> Value:
    n = len(call.value.shape) + 1
    axes = call.integers("axes", 1)
    if axes is None:
        axes = [index + 1 for index, side in enumerate(call.value.shape) if side == 1]
    gone = {axis % n for axis in axes}
    if 0 in gone:
        raise refuse(call.where, "drops the batch", "squeeze other dimensions")
    shape = [side for index, side in enumerate(call.value.shape) if index + 1 not in gone]
    return call.graph.reshape(call.value, shape, call.where)


def _unsqueeze(call: Call) -> Value:
    axes = call.integers("axes", 1) or []
    n = len(call.value.shape) + 1 + len(axes)
    at = sorted(axis % n for axis in axes)
    shape = list(call.value.shape)
    for axis in at:
        if axis == 0:
            raise refuse(call.where, "makes another batch", "unsqueeze other dimensions")
        shape.insert(axis - 1, 1)
    return call.graph.reshape(call.value, shape, call.where)


def _activation(kind: str) -> Callable[[Call], Value]:
    return lambda call: call.graph.activation(call.value, kind, call.where)


def _with_alpha(kind: str, usual: float) -> Callable[[Call], Value]:
    return lambda call: call.graph.activation(
        call.value, kind, call.where, float(call.attributes.get("alpha", usual))
    )


def _hard_sigmoid(call: Call) -> Value:
    if call.attributes.get("beta", 0.5) != 0.5:
        raise refuse(call.where, "has another beta than 0.5", "use 0.5")
    return _with_alpha(HARD_SIGMOID, 0.2)(call)


def _swish(call: Call) -> Value:
    if call.attributes.get("alpha", 1.0) != 1.0:
        raise refuse(call.where, "has another alpha than 1", "use 1")
    return call.graph.activation(call.value, SWISH, call.where)


def _clip(call: Call) -> Value:
    limits = []
    for index, name in ((1, "min"), (2, "max")):
        found = call.constant(index)
        limits.append(call.attributes.get(name) if found is None else float(found.reshape(-1)[0]))
    high = None if limits[1] is not None and limits[1] > 3e38 else limits[1]  # float32's largest: none
    kind = RELU if high is None else RELU6 if high == 6.0 else IDENTITY
    if kind == IDENTITY or limits[0] != 0.0:
        raise refuse(call.where, f"clips to {limits[0]} and {limits[1]}", "use Relu, or Clip from 0 to 6")
    return call.graph.activation(call.value, kind, call.where)


def _softmax(call: Call) -> Value:
    value = call.value
    axis = int(call.attributes.get("axis", -1 if call.opset >= 13 else 1)) % (len(value.shape) + 1)
    if axis == 0:
        raise refuse(call.where, "is a softmax along the batch", "use axis=-1")
    if call.opset >= 13:
        return call.graph.softmax(value, axis - 1, call.where)
    # Before, it was along all dimensions from there on.
    row = call.graph.reshape(value, [*value.shape[: axis - 1], -1], call.where)
    return call.graph.reshape(call.graph.softmax(row, axis - 1, call.where), value.shape, call.where)


def _shape(call: Call) -> NDArray[Any]:
    sides = np.array([_BATCH, *call.value.shape], dtype=np.int64)
    return sides[call.attributes.get("start", 0) : call.attributes.get("end")]


def _cast(call: Call) -> Value:
    if int(call.attributes["to"]) not in _REAL:
        raise refuse(call.where, "rounds to integers", "leave it out: numbers between layers are real")
    return call.value


def _dropped(call: Call) -> Value:
    training = call.constant(2)
    if training is not None and training.any():
        raise refuse(call.where, "is in training mode", "export for inference")
    return call.value


OPERATORS: dict[str, Callable[[Call], Any]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("average"),
    "GlobalMaxPool": _global("max"),
    "GlobalAveragePool": _global("average"),
    "ReduceMean": _reduce("average"),
    "ReduceMax": _reduce("max"),
    "BatchNormalization": _batch_norm,
    "Add": arithmetic,
    "Sub": arithmetic,
    "Mul": arithmetic,
    "Div": arithmetic,
    "Sum": _sum,
    "Concat": _concat,
    "Pad": _pad,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Relu": _activation(RELU),
    "Sigmoid": _activation(SIGMOID),
    "Tanh": _activation(TANH),
    "HardSwish": _activation(HARD_SWISH),
    "Swish": _swish,
    "LeakyRelu": _with_alpha(LEAKY_RELU, 0.01),
    "Elu": _with_alpha(ELU, 1.0),
    "HardSigmoid": _hard_sigmoid,
    "Clip": _clip,
    "Softmax": _softmax,
    "Shape": _shape,
    "Identity": _same,
    "Dropout": _dropped,
    "Cast": _cast,
}
