"""ONNX graphs in QDQ form, and ONNX Runtime's integers tensor by tensor."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from milliwatt.frontends import to_ir
from milliwatt.host import evaluate_integers as whole
from milliwatt.host.quantization import quantize_network
from milliwatt.ir import loads
from milliwatt.ir.network import Concat, Network, Reshape
from milliwatt.ir.network_grids import grids
from milliwatt.ir.network_integers import Grid, IntAdd, IntConv, IntDense, IntDepthwise
from milliwatt.ir.serialize import dumps

FLOAT = onnx.TensorProto.FLOAT


class QdqMaker:
    """Writes a quantised graph by hand, node after node, on what came last."""

    def __init__(self, *shape: int, opset: int = 17, seed: int = 0, kind: Any = np.uint8) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape, self.opset, self.kind = shape, opset, kind
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.last = "x"

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"w{len(self.constants)}"
        self.constants[name] = np.asarray(values, dtype=dtype)
        return name

    def __call__(
        self, kind: str, *inputs: str, on: str | None = None, name: str = "", **attributes: Any
    ) -> str:
        """A node on ``on``, by default on what came last; its output's name."""
        given = (self.last if on is None else on, *inputs)
        label = name or f"node{len(self.nodes)}"
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, given, [self.last], name=label, **attributes))
        return self.last

    def quantize(self, scale: float, zero: int = 0, *, on: str | None = None, **more: Any) -> str:
        scales = (self.constant(scale), self.constant(zero, self.kind))
        return self("QuantizeLinear", *scales, on=on, **more)

    def pair(self, scale: float, zero: int = 0, *, on: str | None = None, **more: Any) -> str:
        """QuantizeLinear and DequantizeLinear."""
        self.quantize(scale, zero, on=on, **more)
        return self("DequantizeLinear", *self.nodes[-1].input[1:], **more)

    def weights(
        self,
        values: NDArray[Any],
        scale: Any,
        *,
        axis: int | None = None,
        kind: Any = np.int8,
        zero: int = 0,
    ) -> str:
        """Integers that are dequantised."""
        last, more = self.last, {} if axis is None else {"axis": axis}
        zeros = np.full(np.shape(scale), zero)
        made = self(
            "DequantizeLinear",
            self.constant(scale),
            self.constant(zeros, kind),
            on=self.constant(values, kind),
            **more,
        )
        self.last = last
        return made

    def integers(self, *shape: int) -> NDArray[np.int64]:
        """Random weights, the lowest integer of a byte among them."""
        drawn = self.rng.integers(-127, 128, size=shape)
        drawn.reshape(-1)[0] = -128
        return drawn

    def dense(self, n_in: int, n_out: int, scale: float = 0.01, bias: bool = True) -> str:
        """Gemm with weights of one scale."""
        w = self.weights(self.integers(n_in, n_out), scale)
        more = [self.constant(self.rng.normal(size=n_out))] if bias else []
        return self("Gemm", w, *more)

    def model(self, *more: str, names: Sequence[str] = ()) -> Any:
        x = helper.make_tensor_value_info("x", FLOAT, ["n", *self.shape])
        ends = [helper.make_tensor_value_info(name, FLOAT, None) for name in names or (self.last,)]
        kept = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "net", [x], ends, kept)
        domains = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(name, 1) for name in more)]
        return helper.make_model(graph, opset_imports=domains, ir_version=10 if self.opset > 20 else 8)


def input_pair(kind: Any = np.uint8, zero: int = 130) -> QdqMaker:
    """A graph on six features that begins with a pair."""
    make = QdqMaker(6, kind=kind)
    make.pair(0.02, zero)
    return make


def quantized_by_runtime(model: Any, rows: NDArray[Any], folder: Path, **options: Any) -> Any:
    """What ``onnxruntime.quantization.quantize_static`` writes in QDQ form.

    Args:
        rows: calibration data, as the graph takes them.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = [{"x": rows.astype(np.float32)}]

        def get_next(self) -> Any:
            return self.left.pop() if self.left else None

    source, target = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    logging.disable(logging.WARNING)
    try:
        quantize_static(source, target, Reader(), quant_format=QuantFormat.QDQ, **options)
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(target)


def integers_of(model: Any, bits: int = 8, samples: NDArray[np.float64] | None = None) -> Network:
    """A quantised graph as a network of integers, which goes through the hand-over file and back.

    Args:
        samples: calibration data, if there is anything that the graph does not say.
    """
    network = to_ir(model)
    assert isinstance(network, Network)
    made, _ = quantize_network(dataclasses.replace(network, quantize=f"int{bits}"), samples)
    assert made.hints is None
    assert loads(dumps(made)) == made
    return made


def initializers(model: Any) -> dict[str, NDArray[Any]]:
    """Constants by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def channels_first(samples: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Rows of features as the graph takes them; its shape is without the batch."""
    rows = np.asarray(samples, dtype=np.float32)
    if len(shape) > 1:
        rows = np.moveaxis(rows.reshape(len(rows), *shape[1:], shape[0]), -1, 1)
    return np.ascontiguousarray(rows.reshape(len(rows), *shape))


def runtime_tensors(
    model: Any, samples: NDArray[Any], shape: tuple[int, ...]
) -> list[tuple[float, int, NDArray[np.int64]]]:
    """The integers after every QuantizeLinear (and Clip) by ONNX Runtime as written: unit, zero, integers.

    Integers and zeros are as Milliwatt stores them: int8 plus 128.
    """
    kept = initializers(model)
    seen = [
        node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in kept
    ]
    clipped = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Clip"}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    kinds = {np.dtype("uint8"): 2, np.dtype("int8"): 3, np.dtype("int16"): 5, np.dtype("uint16"): 4}
    for node in seen:
        kind = kinds[kept[node.input[2]].dtype]
        name = clipped.get(node.output[0], node.output[0])
        copy.graph.output.append(helper.make_tensor_value_info(name, kind, None))
    found = []
    for node, integers in zip(
        seen, _unfused(copy).run(None, {"x": channels_first(samples, shape)}), strict=True
    ):
        shift = {"int8": 128, "uint16": -32768}.get(str(integers.dtype), 0)
        zero = int(kept[node.input[2]].reshape(-1)[0]) + shift
        found.append((float(kept[node.input[1]].reshape(-1)[0]), zero, integers.astype(np.int64) + shift))
    return found


def steps_off(
    model: Any, network: Network, samples: NDArray[Any], shape: tuple[int, ...]
) -> list[tuple[str, int, float]]:
    """Of each integer layer, how far it is from ONNX Runtime given ONNX Runtime's inputs.

    Returns:
        kind of layer, the largest difference in steps, the fraction of numbers that differ at all.
    """
    return _beside(model, network, samples, shape)[0]


def scores_off(model: Any, network: Network, samples: NDArray[Any], shape: tuple[int, ...]) -> float:
    """How far scores are from ONNX Runtime's, given its integers before the last layer, in their units."""
    made = _beside(model, network, samples, shape)[1]
    units = np.asarray(whole.score_units(network))
    theirs = _unfused(model).run(None, {"x": channels_first(samples, shape)})[0]
    off = np.abs(made * units - theirs) - np.abs(theirs) * 2.0**-21  # theirs are sums of float32
    return float((off / units).max())


def _unfused(model: Any) -> Any:
    """ONNX Runtime as the graph is written: fused operators round here and there to the next integer."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _beside(
    model: Any, network: Network, samples: NDArray[Any], shape: tuple[int, ...]
) -> tuple[list[tuple[str, int, float]], NDArray[np.int64]]:
    """Differences of layers, and the last tensor."""
    known = grids(network)
    reached = runtime_tensors(model, samples, shape)
    found = []
    assert network.input_map is not None
    first = whole.quantized_features(network.input_map, samples, real=True)
    tensors = [first.reshape(len(samples), *network.shapes[0])]
    for number, grid in enumerate(known):
        if number:
            layer = network.layers[number - 1]
            given = [tensors[n] for n in layer.inputs]
            tensors.append(whole.run_layer(layer, given, known[layer.inputs[0]], grid))
            if isinstance(layer, Reshape) or _is_for_concat(network, number):
                continue
        theirs = _theirs(reached, grid, tensors[number])
        if theirs is not None:
            off = np.abs(tensors[number] - theirs)
            kind = type(network.layers[number - 1]).__name__ if number else "input"
            found.append((kind, int(off.max()), float((off > 0).mean())))
            tensors[number] = theirs
    return found, tensors[-1]


def _is_for_concat(network: Network, number: int) -> bool:
    """A tensor brought to the grid of what Concat gives, which no pair in the graph stands for."""
    readers = [layer for layer in network.layers if number in layer.inputs]
    made = network.layers[number - 1]
    return isinstance(made, IntAdd) and len(made.inputs) == 1 and isinstance(readers[0], Concat)


def _theirs(
    reached: list[tuple[float, int, NDArray[np.int64]]], grid: Grid | None, ours: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """The last tensor in the graph that has this grid and size."""
    for unit, zero, integers in reversed(reached):
        same = grid is not None and (unit, zero) == (grid.unit, grid.zero)
        if same and integers.size == ours.size and (integers.ndim == 2) == (ours.ndim == 2):
            return np.moveaxis(integers, 1, -1).reshape(ours.shape)
    return None


def file_weights(
    model: Any, nodes: Sequence[str], flattened: tuple[int, int, int] | None = None
) -> list[NDArray[np.int64]]:
    """The integers of the named nodes' weights, as the IR orders them.

    Args:
        flattened: the image (channels first) that the last of them takes as a row.
    """
    kept = initializers(model)
    made = {output: node for node in model.graph.node for output in node.output}
    by_name = {node.name: node for node in model.graph.node}
    found = []
    for name in nodes:
        node = by_name[name]
        source = made[node.input[1]]
        zero = kept[source.input[2]].reshape(-1)[0]
        if source.input[0] in kept:
            array = kept[source.input[0]].astype(np.int64) - int(zero)
        else:  # floats that the graph itself rounds
            rounding = made[source.input[0]]
            scale = kept[rounding.input[1]]
            assert scale.size == 1
            array = np.rint(kept[rounding.input[0]] / scale).clip(-128, 127).astype(np.int64)
        options = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        if node.op_type == "Conv":
            array = np.moveaxis(array, [0, 1], [3, 2])
            if options.get("group", 1) > 1:
                array = array.reshape(*array.shape[:2], options["group"], -1)
        elif options.get("transB"):
            array = array.T
        found.append(array)
    if flattened:
        moved = np.moveaxis(found[-1].reshape(*flattened, -1), 0, 2)
        found[-1] = moved.reshape(found[-1].shape)
    return found


def summing(network: Network) -> list[IntDense | IntConv | IntDepthwise]:
    """Layers of weights."""
    return [layer for layer in network.layers if isinstance(layer, IntDense | IntConv | IntDepthwise)]


def steps_of(network: Network) -> set[tuple[float, int]]:
    """Units and zeros of all tensors."""
    return {(grid.unit, grid.zero) for grid in grids(network) if grid is not None}
