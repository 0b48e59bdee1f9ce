"""ONNX's operators on constants: graphs compute shapes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends.network_graph import refuse
from milliwatt.frontends.onnx_call import Call


def _same(call: Call) -> Any:
    return call.given[0]


def _constant(call: Call) -> NDArray[Any]:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in call.attributes:
            return np.asarray(call.attributes[name])
    raise refuse(call.where, "is a constant of another type than numbers", "export the model again")


# ONNX's numbers of types; numpy has no bfloat16, whose numbers float32 has all.
_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "float32",
}  # fmt: skip
_MOST = 1 << 16  # numbers that shapes are computed of


def _bounded(call: Call, size: int) -> None:
    if size > _MOST:
        raise refuse(call.where, f"makes {size} constants", "fold constants when exporting")


def _gather(call: Call) -> NDArray[Any]:
    _bounded(call, call.given[0].size * call.given[1].size)
    return np.asarray(np.take(call.given[0], call.given[1], axis=int(call.attributes.get("axis", 0))))


def _unsqueeze_constant(call: Call) -> NDArray[Any]:
    return np.asarray(np.expand_dims(call.given[0], tuple(call.integers("axes", 1) or [])))


def _squeeze_constant(call: Call) -> NDArray[Any]:
    axes = call.integers("axes", 1)
    return np.asarray(np.squeeze(call.given[0], None if axes is None else tuple(axes)))


def _concat_constants(call: Call) -> NDArray[Any]:
    _bounded(call, sum(array.size for array in call.given))
    return np.concatenate(call.given, axis=int(call.attributes["axis"]))


def _transpose_constant(call: Call) -> NDArray[Any]:
    return np.asarray(np.transpose(call.given[0], call.attributes.get("perm")))


def _reshape_constant(call: Call) -> NDArray[Any]:
    return np.asarray(np.reshape(call.given[0], call.integers("shape", 1) or []))


def _slice(call: Call) -> NDArray[Any]:
    begins, ends = call.integers("starts", 1) or [], call.integers("ends", 2) or []
    axes, steps = (
        call.integers("axes", 3) or range(len(begins)),
        call.integers("steps", 4) or [1] * len(begins),
    )
    sides = [slice(None)] * call.given[0].ndim
    for axis, begin, end, step in zip(axes, begins, ends, steps, strict=True):
        sides[axis] = slice(begin, end if end >= -call.given[0].shape[axis] else None, step)
    return np.asarray(call.given[0][tuple(sides)])


def _cast(call: Call) -> NDArray[Any]:
    kind = _TYPES.get(int(call.attributes["to"]))
    if kind is None:
        raise refuse(
            call.where, "makes constants of a type that is no usual number", "export the model again"
        )
    return np.asarray(call.given[0]).astype(kind)


CONSTANT: dict[str, Callable[[Call], NDArray[Any]]] = {
    "Constant": _constant,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze_constant,
    "Squeeze": _squeeze_constant,
    "Concat": _concat_constants,
    "Transpose": _transpose_constant,
    "Reshape": _reshape_constant,
    "Identity": _same,
    "Cast": _cast,
    "Slice": _slice,
}
