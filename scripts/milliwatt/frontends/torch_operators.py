"""What each of PyTorch's operators is in the IR, by its name in exported graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import Graph, refuse
from milliwatt.frontends.network_places import Value
from milliwatt.ir.model import SIGMOID
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


@dataclass(frozen=True)
class Call:
    """An operator called.

    Attributes:
        arguments, options: values, weights (arrays), or what they are.
        shape: of what it gives, without the batch.
        where: the operator by name, for errors.
    """

    graph: Graph
    arguments: list[Any]
    options: dict[str, Any]
    shape: tuple[int, ...]
    where: str

    @property
    def value(self) -> Value:
        """The first argument, a value."""
        return self.as_value(self.arguments[0])

    def as_value(self, given: Any) -> Value:
        """An argument that depends on the input."""
        if not isinstance(given, Value):
            raise refuse(self.where, "is given a constant", "fold constants into the layers' weights")
        return given

    def at(self, index: int, name: str, usual: Any = None) -> Any:
        """An argument by its place or name."""
        return self.arguments[index] if index < len(self.arguments) else self.options.get(name, usual)

    def weights(self, index: int, name: str) -> NDArray[Any] | None:
        """An argument that is weights, or none."""
        found = self.at(index, name)
        if found is not None and not isinstance(found, np.ndarray):
            raise refuse(self.where, "has weights that depend on the input", "use weights of its own")
        return found

    def pair(self, given: Any, usual: int = 1) -> Pair:
        """Rows and columns of an argument: of signals, columns only."""
        sides = list(given) if isinstance(given, list | tuple) else [given]
        if len(self.value.shape) == 2:
            return (usual, int(sides[0]))
        return (int(sides[0]), int(sides[-1]))


def _same(call: Call) -> Value:
    return call.value


def _dropped(call: Call) -> Value:
    if call.at(2, "train", False):
        raise refuse(call.where, "was exported in training mode", "call eval() before exporting")
    return call.value


def _linear(call: Call) -> Value:
    weights = call.weights(1, "weight")
    assert weights is not None
    return call.graph.dense(call.value, weights.T, call.weights(2, "bias"), call.where)


def _conv(call: Call) -> Value:
    return _convolved(call, call.at(4, "padding", 0), call.at(5, "dilation", 1), call.at(6, "groups", 1))


def _convolution(call: Call) -> Value:
    if call.at(6, "transposed"):
        raise refuse(call.where, "is a transposed convolution", "use Conv1d or Conv2d")
    return _convolved(call, call.at(4, "padding"), call.at(5, "dilation"), call.at(8, "groups"))


def _convolved(call: Call, padding: Any, dilation: Any, groups: int) -> Value:
    weights = call.weights(1, "weight")
    assert weights is not None
    if weights.ndim == 3:
        weights = weights[:, :, np.newaxis]
    kernel = weights.transpose(2, 3, 1, 0)  # rows, columns, channels in (of a group), channels out
    size, strides = (kernel.shape[0], kernel.shape[1]), call.pair(call.at(3, "stride", 1))
    spread = call.pair(dilation)
    if groups > 1:
        if kernel.shape[2] != 1:
            raise refuse(call.where, f"has {groups} groups", "use groups=1, or as many groups as channels")
        kernel = kernel.reshape(*size, groups, -1)
    return call.graph.conv(
        call.value,
        kernel,
        call.weights(2, "bias"),
        call.where,
        channels_first=True,
        strides=strides,
        dilation=spread,
        padding=_padding(call, padding, size, spread),
        depthwise=groups > 1,
    )


def _padding(call: Call, given: Any, size: Pair, dilation: Pair) -> Padding:
    """The same before and after, or ``same``, of which more comes after where it is odd."""
    if given == "valid":
        return (0, 0, 0, 0)
    if given == "same":
        more = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
        return (more[0] // 2, more[1] // 2, more[0] - more[0] // 2, more[1] - more[1] // 2)
    rows, columns = call.pair(given, 0)
    return (rows, columns, rows, columns)


def _batch_norm(call: Call) -> Value:
    gamma, beta, mean, variance = (
        call.weights(i + 1, name) for i, name in enumerate(("weight", "bias", "running_mean", "running_var"))
    )
    if call.at(5, "training") or mean is None or variance is None:
        raise refuse(call.where, "was exported in training mode", "call eval() before exporting")
    scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + float(call.at(7, "eps", 1e-5)))
    offset = (0.0 if beta is None else beta) - mean * scale
    return call.graph.scale(call.value, scale, offset, call.where, channels_first=True)


def _pool(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        size = call.pair(call.at(1, "kernel_size"))
        given = call.at(2, "stride")
        strides = size if given in (None, []) else call.pair(given)
        top, left = call.pair(call.at(3, "padding", 0), 0)
        rest = _rest(call, size, strides, (top, left))
        counts = False
        if kind == "max":
            if call.pair(call.at(4, "dilation", 1)) != (1, 1):
                raise refuse(call.where, "has a dilation", "use max pooling without one")
        else:
            counts = bool(call.at(5, "count_include_pad", True)) and (top, left) != (0, 0)
            if call.at(6, "divisor_override") is not None:
                raise refuse(call.where, "has a divisor of its own", "leave divisor_override out")
            if counts and rest != (top, left):
                raise refuse(call.where, "counts padding and rounds up", "use ceil_mode=False")
        return call.graph.pool(
            call.value,
            kind,
            call.where,
            channels_first=True,
            size=size,
            strides=strides,
            padding=(top, left, *rest),
            counts_padding=counts,
        )

    return pool


def _rest(call: Call, size: Pair, strides: Pair, before: Pair) -> Pair:
    """Padding behind the image: that before it, or more where the last window reaches beyond (ceil_mode)."""
    given, made = call.value.shape[1:], call.shape[1:]
    if len(given) == 1:
        given, made = (1, *given), (1, *made)
    reach = [
        (n - 1) * s + k - b - side
        for n, s, k, b, side in zip(made, strides, size, before, given, strict=True)
    ]
    return (max(before[0], reach[0]), max(before[1], reach[1]))


def _adaptive(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        given, made = call.value.shape[1:], call.shape[1:]
        if any(side % n for side, n in zip(given, made, strict=True)):
            raise refuse(call.where, f"makes {made} of {given}", "pool to 1, or to a divisor of each side")
        size = tuple(side // n for side, n in zip(given, made, strict=True))
        window = (1, size[0]) if len(size) == 1 else (size[0], size[1])
        return call.graph.pool(call.value, kind, call.where, channels_first=True, size=window, strides=window)

    return pool


def _over_sides(kind: str) -> Callable[[Call], Value]:
    def pool(call: Call) -> Value:
        n = len(call.value.shape) + 1
        given = call.at(1, "dim", [])
        dims = sorted(int(d) % n for d in (given if isinstance(given, list) else [given]))
        channels_first = dims == list(range(2, n))
        if n < 3 or not (channels_first or dims == list(range(1, n - 1))):
            raise refuse(
                call.where, f"is over the dimensions {dims}", "use it over rows and columns together"
            )
        value = call.graph.global_pool(call.value, kind, call.where, channels_first=channels_first)
        return call.graph.reshape(value, call.shape, call.where)

    return pool


def _view(call: Call) -> Value:
    return call.graph.reshape(call.value, call.shape, call.where)


def _permute(call: Call) -> Value:
    n = len(call.value.shape) + 1
    order = [int(d) % n for d in call.at(1, "dims")]
    return _moved(call, order)


def _transpose(call: Call) -> Value:
    n = len(call.value.shape) + 1
    order, a, b = list(range(n)), int(call.at(1, "dim0")) % n, int(call.at(2, "dim1")) % n
    order[a], order[b] = b, a
    return _moved(call, order)


def _moved(call: Call, order: list[int]) -> Value:
    if order[0] != 0:
        raise refuse(call.where, "moves the batch", "keep the first dimension first")
    return call.graph.transpose(call.value, [d - 1 for d in order[1:]], call.where)


def _pad(call: Call) -> Value:
    mode, value = "constant", call.at(2, "value", 0)
    if call.where.startswith("aten.pad."):
        mode, value = call.at(2, "mode", "constant"), call.at(3, "value")
    given = [int(side) for side in call.at(1, "pad")] + [0] * 4
    sides = len(call.value.shape) - 1
    if mode != "constant" or value not in (None, 0, 0.0) or any(given[2 * sides :]):
        raise refuse(
            call.where, "pads with something else than zeros, or channels", "pad rows and columns with zeros"
        )
    padding = (given[2], given[0], given[3], given[1]) if sides == 2 else (0, given[0], 0, given[1])
    return call.graph.pad(call.value, padding, call.where, channels_first=True)


def _add(call: Call) -> Value:
    if call.at(9, "alpha", 1) != 1:
        raise refuse(call.where, "adds with a factor", "use a + b")
    values = [call.as_value(argument) for argument in call.arguments[:2]]
    return call.graph.add(values, call.where)


def _cat(call: Call) -> Value:
    values = [call.as_value(value) for value in call.arguments[0]]
    n = len(values[0].shape) + 1
    axis = int(call.at(1, "dim", 0)) % n
    if axis == 0:
        raise refuse(call.where, "joins samples", "join channels or features")
    return call.graph.concat(values, axis - 1, call.where, channels_first=n > 2)


def _activation(kind: str, alpha: float = 0.0) -> Callable[[Call], Value]:
    return lambda call: call.graph.activation(call.value, kind, call.where, alpha)


def _leaky(call: Call) -> Value:
    slope = float(call.at(1, "negative_slope", 0.01))
    return call.graph.activation(call.value, LEAKY_RELU, call.where, slope)


def _elu(call: Call) -> Value:
    if call.at(2, "scale", 1) != 1 or call.at(3, "input_scale", 1) != 1:
        raise refuse(call.where, "is scaled (SELU, CELU)", "use ELU")
    return call.graph.activation(call.value, ELU, call.where, float(call.at(1, "alpha", 1.0)))


def _clamp(call: Call) -> Value:
    low, high = (
        call.at(1, "min", -1.0),
        call.at(2, "max", None if "clamp" in call.where else 1.0),
    )
    kind = {(0, None): RELU, (0, 6): RELU6}.get((low, high))
    if kind is None:
        raise refuse(call.where, f"clamps to {low} and {high}", "use ReLU or ReLU6")
    return call.graph.activation(call.value, kind, call.where)


def _softmax(call: Call) -> Value:
    axis = int(call.at(1, "dim")) % (len(call.value.shape) + 1)
    if axis == 0:
        raise refuse(call.where, "is a softmax along the batch", "use dim=-1")
    return call.graph.softmax(call.value, axis - 1, call.where)


def _first(call: Call) -> Value:
    if call.arguments[1] != 0:
        raise refuse(call.where, "is a second result of an operator", "use the first only")
    return call.value


OPERATORS: dict[str, Callable[[Call], Value]] = {
    "aten.linear.default": _linear,
    "aten.conv1d.default": _conv,
    "aten.conv2d.default": _conv,
    "aten.conv1d.padding": _conv,
    "aten.conv2d.padding": _conv,
    "aten.convolution.default": _convolution,
    "aten.batch_norm.default": _batch_norm,
    "aten.max_pool1d.default": _pool("max"),
    "aten.max_pool2d.default": _pool("max"),
    "aten.avg_pool1d.default": _pool("average"),
    "aten.avg_pool2d.default": _pool("average"),
    "aten.adaptive_avg_pool1d.default": _adaptive("average"),
    "aten.adaptive_avg_pool2d.default": _adaptive("average"),
    "aten.adaptive_max_pool1d.default": _adaptive("max"),
    "aten.adaptive_max_pool2d.default": _adaptive("max"),
    "aten.mean.dim": _over_sides("average"),
    "aten.amax.default": _over_sides("max"),
    "aten.add.Tensor": _add,
    "aten.add_.Tensor": _add,
    "aten.cat.default": _cat,
    "aten.concat.default": _cat,
    "aten.pad.default": _pad,
    "aten.constant_pad_nd.default": _pad,
    "aten.relu.default": _activation(RELU),
    "aten.relu_.default": _activation(RELU),
    "aten.relu6.default": _activation(RELU6),
    "aten.relu6_.default": _activation(RELU6),
    "aten.hardtanh.default": _clamp,
    "aten.hardtanh_.default": _clamp,
    "aten.clamp.default": _clamp,
    "aten.clamp_min.default": _clamp,
    "aten.leaky_relu.default": _leaky,
    "aten.leaky_relu_.default": _leaky,
    "aten.elu.default": _elu,
    "aten.elu_.default": _elu,
    "aten.sigmoid.default": _activation(SIGMOID),
    "aten.sigmoid_.default": _activation(SIGMOID),
    "aten.tanh.default": _activation(TANH),
    "aten.tanh_.default": _activation(TANH),
    "aten.hardsigmoid.default": _activation(HARD_SIGMOID, 1 / 6),
    "aten.hardsigmoid_.default": _activation(HARD_SIGMOID, 1 / 6),
    "aten.hardswish.default": _activation(HARD_SWISH),
    "aten.hardswish_.default": _activation(HARD_SWISH),
    "aten.silu.default": _activation(SWISH),
    "aten.silu_.default": _activation(SWISH),
    "aten.softmax.int": _softmax,
    "aten._softmax.default": _softmax,
    "aten.dropout.default": _dropped,
    "aten.dropout_.default": _dropped,
    "aten.feature_dropout.default": _dropped,
    "aten.alpha_dropout.default": _dropped,
    "aten.feature_alpha_dropout.default": _dropped,
    "<built-in function getitem>": _first,
    **dict.fromkeys(
        (
            "aten.view.default",
            "aten._unsafe_view.default",
            "aten.reshape.default",
            "aten.flatten.using_ints",
            "aten.unflatten.int",
            "aten.squeeze.dim",
            "aten.squeeze.dims",
            "aten.squeeze.default",
            "aten.unsqueeze.default",
        ),
        _view,
    ),
    "aten.permute.default": _permute,
    "aten.transpose.int": _transpose,
    **dict.fromkeys(
        (
            "aten.contiguous.default",
            "aten.clone.default",
            "aten.alias.default",
            "aten.detach.default",
            "aten.detach_.default",
            "aten.lift_fresh_copy.default",
        ),
        _same,
    ),
}

_COPIES = ("aten.clone.default", "aten.lift_fresh_copy.default")
# Operators that may give the numbers they were given themselves, not a copy.
SHARING = frozenset(
    name
    for name, handler in OPERATORS.items()
    if handler in (_view, _permute, _transpose, _same, _dropped) and name not in _COPIES
)
