"""ONNX: graphs in memory (``onnx.ModelProto``) or in ``*.onnx`` files.

Operator sets 7 to 28 of the default domain. ONNX has channels first, devices have them last: features are an
image's numbers row by row, the channels of a place together; a graph that begins by bringing its channels to
the front (as those made from Keras do) takes samples as they are. One input, one output.

A graph that ends with Softmax or Sigmoid is a classifier of classes 0, 1, …, others are regressors
(``network_task.as_classifier`` says otherwise). Of quantised graphs, those in QDQ form are read
(``onnx_quantized``); operators on integers (QLinearConv, …) are refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ToolMissingError, UnsupportedModelError
from milliwatt.frontends import onnx_quantized as quantized
from milliwatt.frontends.network_graph import Graph
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.network_task import own_answers
from milliwatt.frontends.onnx_call import Call
from milliwatt.frontends.onnx_constants import CONSTANT
from milliwatt.frontends.onnx_operators import OPERATORS
from milliwatt.frontends.sklearn_common import refuse_follow
from milliwatt.ir.network import Network
from milliwatt.ir.validate_network import MAX_WEIGHTS

SUPPORTED = ("ModelProto",)
SUPPORTED_FILES = ("OnnxFile",)
OPSETS = (7, 28)
_MOST = 1 << 30  # bytes of a file
_CURES = {"LogSoftmax": "leave it out and give task=classifier: the classes are the same"}


@dataclass(frozen=True)
class OnnxFile:
    """A saved graph.

    Attributes:
        path: where it lies.
        model: an ``onnx.ModelProto``.
    """

    path: Path
    model: Any


@dataclass(frozen=True)
class _Taken:
    """A network, and whether its input had channels first."""

    network: Network
    channels_first: bool


def read_onnx(path: Path) -> OnnxFile:
    """An ``*.onnx`` file; what it keeps in other files is not read.

    Raises:
        ToolMissingError: the onnx package is not installed.
        MilliwattError: damaged, or too large; without the file's name.
    """
    onnx = _onnx()
    if path.stat().st_size > _MOST:
        raise MilliwattError("too large for a microcontroller", cure="use a smaller model")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        if not model.graph.node:
            raise ValueError("no operators")
    except Exception as error:  # protobuf has its own
        raise MilliwattError(
            f"not a whole ONNX model ({type(error).__name__}: {error})", cure="export the model again"
        ) from None
    return OnnxFile(path, model)


def convert_onnx(model: Any, kind: str, *, nan: str) -> Network:
    """A ``ModelProto``, or an :class:`OnnxFile`.

    Raises:
        UnsupportedModelError: names the operator and the node, and says what to do.
    """
    refuse_follow("an ONNX graph", nan)
    return _take(model.model if isinstance(model, OnnxFile) else model, nan).network


def answers(model: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of classes or labels, or values, by ONNX Runtime, or else by onnx's own reference."""
    proto = model.model if isinstance(model, OnnxFile) else model
    taken, rows = _take(proto, "auto"), np.asarray(samples, dtype=np.float32)
    given = _input(proto)
    shape = _shape(given)
    if taken.channels_first and len(shape) > 1:
        rows = np.moveaxis(rows.reshape(len(rows), *shape[1:], shape[0]), -1, 1)
    kind = _onnx().helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
    rows = np.ascontiguousarray(rows.reshape(len(rows), *shape)).astype(kind)
    batch = given.type.tensor_type.shape.dim[0].dim_value or len(rows)
    run, found = _runner(proto), []
    for begin in range(0, len(rows), batch):
        part = rows[begin : begin + batch]
        whole = np.concatenate([part, np.zeros((batch - len(part), *shape), dtype=kind)])
        found.append(np.asarray(run.run(None, {given.name: whole})[0])[: len(part)])
    return own_answers(taken.network, np.concatenate(found), linked=True)


def _runner(proto: Any) -> Any:
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(proto)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ToolMissingError("the Python package onnx is needed", cure="pip install onnx") from None
    return onnx


def _take(proto: Any, nan: str) -> _Taken:
    """The network; whatever a damaged graph makes of Python is one clear error."""
    try:
        return _either_order(proto, nan)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise UnsupportedModelError(
            f"the graph is damaged ({type(error).__name__}: {error})", cure="export the model again"
        ) from None


def _either_order(proto: Any, nan: str) -> _Taken:
    """The network, with the input in the order in which it is an image."""
    first = _Walk(proto, channels_first=True)
    try:
        return _Taken(first.network(nan), True)
    except UnsupportedModelError as error:
        if len(_shape(_input(proto))) < 2:
            raise
        last = _Walk(proto, channels_first=False)
        try:
            return _Taken(last.network(nan), False)
        except UnsupportedModelError as other:
            # Whichever came further is the order that was meant.
            raise (other if len(last.values) > len(first.values) else error) from None


def _input(proto: Any) -> Any:
    """The only input that has no value of its own."""
    own = {tensor.name for tensor in proto.graph.initializer}
    inputs = [given for given in proto.graph.input if given.name not in own]
    if len(inputs) != 1:
        raise UnsupportedModelError(f"a graph of {len(inputs)} inputs is not supported", cure="use one")
    return inputs[0]


def _shape(given: Any) -> tuple[int, ...]:
    """Of an input, without the batch."""
    dims = [dim.dim_value for dim in given.type.tensor_type.shape.dim]
    if len(dims) < 2 or not all(side > 0 for side in dims[1:]):
        raise UnsupportedModelError(
            f"the input {given.name!r} has a shape that is not all known",
            cure="export with fixed sizes, beside that of the batch, which is the first",
        )
    return tuple(dims[1:])


class _Walk:
    """Goes through the nodes of a graph."""

    def __init__(self, proto: Any, *, channels_first: bool) -> None:
        self.proto = proto
        self.opset = _opset(proto)
        self.graph = Graph(_shape(_input(proto)), channels_first=channels_first)
        self.batch = int(_input(proto).type.tensor_type.shape.dim[0].dim_value)
        self.values: dict[str, Any] = {_input(proto).name: self.graph.input}
        for tensor in proto.graph.initializer:
            self.values[tensor.name] = _array(tensor)

    def network(self, nan: str) -> Network:
        """The whole graph."""
        outputs = [given.name for given in self.proto.graph.output]
        if len(outputs) != 1:
            raise UnsupportedModelError(f"a graph of {len(outputs)} outputs is not supported", cure="use one")
        for node in self.proto.graph.node:
            self._node(node)
        value = self.values.get(outputs[0])
        if isinstance(value, quantized.Integers):
            raise UnsupportedModelError(
                f"the output {outputs[0]!r} is of integers", cure="end the graph with DequantizeLinear"
            )
        if not isinstance(value, Value):
            raise UnsupportedModelError(
                "the output does not depend on the input", cure="export the model again"
            )
        origin = {"class": "ONNX", "library": f"{self.proto.producer_name or 'onnx'}, opset {self.opset}"}
        return self.graph.network(value, origin, check_nan=nan != "ignore")

    def _node(self, node: Any) -> None:
        where = f"the operator {node.op_type} ({node.name or node.output[0]!r})"
        quantized.refuse_integer_operators(node.op_type, where)
        given = [self._given(name, where) for name in node.input]
        attributes: Mapping[str, Any] = {item.name: _attribute(item) for item in node.attribute}
        try:
            call = Call(self.graph, given, attributes, self.opset, where, self.batch)
            found = self._made(node, call)
        except (TypeError, IndexError, ValueError, AttributeError, KeyError) as error:
            raise UnsupportedModelError(
                f"{where} is used in a way that is not supported ({error})", cure="export the model again"
            ) from None
        self.values[node.output[0]] = found

    def _made(self, node: Any, call: Call) -> Any:
        """What an operator makes of its inputs."""
        kind = node.op_type
        if quantized.is_pair(kind, node.domain):
            return quantized.convert(kind, call)
        whole = any(isinstance(item, quantized.Integers) for item in call.given)
        constant = not whole and not any(isinstance(item, Value) for item in call.given)
        handlers = CONSTANT if constant else OPERATORS
        handler = handlers.get(kind) if node.domain in ("", "ai.onnx") else None
        if handler is None:
            cure = _CURES.get(kind, f"use {', '.join(OPERATORS)}")
            raise UnsupportedModelError(f"{call.where} is not supported", cure=cure)
        if whole:
            return quantized.moved(kind, call, handler)
        if constant:
            return quantized.moved_constant(call, handler)
        found = handler(dataclasses.replace(call, given=[quantized.plain(item) for item in call.given]))
        quantized.note_weights(kind, call, found)
        return found

    def _given(self, name: str, where: str) -> Any:
        if not name:
            return None
        if name not in self.values:
            raise UnsupportedModelError(
                f"{where} takes {name!r}, which nothing gives, or a second output",
                cure="export the model again",
            )
        return self.values[name]


def _opset(proto: Any) -> int:
    found = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if len(found) != 1 or not OPSETS[0] <= found[0] <= OPSETS[1]:
        raise UnsupportedModelError(
            f"operator set {found[0] if found else 'unknown'} is not supported",
            cure=f"export with an opset from {OPSETS[0]} to {OPSETS[1]}",
        )
    return int(found[0])


def _array(tensor: Any) -> NDArray[Any]:
    """A tensor in the graph, of a possible size, whose numbers lie in the file itself."""
    onnx = _onnx()
    size = 1
    for side in tensor.dims:
        size *= max(int(side), 0)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise UnsupportedModelError(
            f"the weights {tensor.name!r} lie in another file", cure="save the model with its weights inside"
        )
    if size > MAX_WEIGHTS:
        raise UnsupportedModelError(f"the weights {tensor.name!r} are too many", cure="use a smaller model")
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # damaged in any way
        raise UnsupportedModelError(
            f"the weights {tensor.name!r} are damaged ({type(error).__name__})", cure="export the model again"
        ) from None


def _attribute(attribute: Any) -> Any:
    onnx = _onnx()
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _array(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
