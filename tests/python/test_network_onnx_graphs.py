"""ONNX graphs as exporters and people write them: casts, fixed batches, images in either order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mwtest.nets_close import close_to_library

from milliwatt import convert
from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import to_ir

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
node, FLOAT = onnx.helper.make_node, onnx.TensorProto.FLOAT


def numbers(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def graph(
    nodes: list[Any],
    shape: tuple[int, ...],
    *,
    batch: int | str = "n",
    opset: int = 17,
    kind: int = FLOAT,
    **constants: Any,
) -> Any:
    """A graph from x to y."""
    built = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("x", kind, [batch, *shape])],
        [onnx.helper.make_tensor_value_info("y", FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return onnx.helper.make_model(built, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def refused(model: Any, text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text) as found:
        to_ir(model)
    assert found.value.cure


DENSE = node("MatMul", ["t", "w"], ["y"])


@pytest.mark.parametrize("kind", [onnx.TensorProto.INT32, onnx.TensorProto.BOOL, onnx.TensorProto.UINT8])
def test_rounding_between_layers_is_refused(kind: int) -> None:
    nodes = [node("Cast", ["x"], ["i"], to=kind), node("Cast", ["i"], ["t"], to=FLOAT), DENSE]
    refused(graph(nodes, (8,), w=numbers(8, 3)), "rounds to integers")


def test_weights_are_cast() -> None:
    """To integers they lose what is behind the point."""
    cast = [node("Cast", ["h"], ["i"], to=onnx.TensorProto.INT8), node("Cast", ["i"], ["w"], to=FLOAT)]
    nodes = [*cast, node("MatMul", ["x", "w"], ["y"])]
    close_to_library(graph(nodes, (8,), h=3 * numbers(8, 3)))


def test_dropout_in_training_mode_is_refused() -> None:
    nodes = [node("Dropout", ["x", "ratio", "mode"], ["t"]), DENSE]
    settings = {"ratio": np.float32(0.5), "w": numbers(8, 3)}
    refused(graph(nodes, (8,), mode=np.array(True), **settings), "in training mode")
    close_to_library(graph(nodes, (8,), mode=np.array(False), **settings))


@pytest.mark.parametrize(("batch", "sides"), [(1, [2, -1]), ("n", [4, -1]), (3, [1, -1])])
def test_reshapes_across_samples_are_refused(batch: int | str, sides: list[int]) -> None:
    nodes = [node("Relu", ["x"], ["r"]), node("Reshape", ["r", "s"], ["t"]), node("Softmax", ["t"], ["y"])]
    refused(graph(nodes, (8,), batch=batch, s=np.array(sides)), "rows of a batch")


@pytest.mark.parametrize(("batch", "sides"), [(1, [1, -1]), (3, [3, -1]), ("n", [0, -1]), ("n", [-1, 8])])
def test_reshapes_of_each_sample(batch: int | str, sides: list[int]) -> None:
    model = graph(
        [node("Reshape", ["x", "s"], ["t"]), DENSE], (2, 4), batch=batch, s=np.array(sides), w=numbers(8, 3)
    )
    close_to_library(model)


def test_pixels_are_scaled_before_channels_move() -> None:
    """By one number, which fits either order of dimensions."""
    back = node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1])
    nodes = [
        node("Sub", ["x", "mean"], ["a"]),
        node("Div", ["a", "most"], ["b"]),
        node("Transpose", ["b"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["c"]),
        back,
    ]
    settings = {"most": np.float32(255.0), "w": numbers(3, 2, 3, 3)}
    close_to_library(graph(nodes, (6, 7, 2), mean=numbers(2), **settings))
    close_to_library(graph(nodes, (6, 7, 2), mean=np.float32(0.5), **settings))


def test_means_with_channels_last() -> None:
    image = [node("ReduceMean", ["x"], ["t"], axes=[1, 2], keepdims=0), DENSE]
    close_to_library(graph(image, (5, 6, 8), w=numbers(8, 3)))
    signal = [node("MatMul", ["x", "w"], ["c"]), node("ReduceMax", ["c"], ["y"], axes=[1], keepdims=0)]
    close_to_library(graph(signal, (5, 8), w=numbers(8, 3)))


@pytest.mark.parametrize("opset", [11, 13])
def test_softmax_of_an_image_of_one_pixel(opset: int) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("GlobalAveragePool", ["c"], ["g"]),
        node("Softmax", ["g"], ["s"], axis=1),
        node("Flatten", ["s"], ["y"]),
    ]
    model = graph(nodes, (2, 6, 6), opset=opset, w=numbers(3, 2, 3, 3))
    assert close_to_library(model).link == "softmax"


def test_softmax_of_old_was_along_all_that_follows() -> None:
    nodes = [node("MatMul", ["x", "w"], ["c"]), node("Softmax", ["c"], ["y"])]
    assert close_to_library(graph(nodes, (4, 8), opset=11, w=numbers(8, 3))).n_outputs == 12
    refused(graph(nodes, (4, 8), opset=13, w=numbers(8, 3)), r"Softmax .* along 3 of \(4, 3\)")


def test_shapes_are_sliced() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "zero", "one"], ["b"]),
        node("Concat", ["b", "rest"], ["sides"], axis=0),
        node("Reshape", ["x", "sides"], ["t"]),
        DENSE,
    ]
    constants = {"zero": np.array([0]), "one": np.array([1]), "rest": np.array([-1])}
    close_to_library(graph(nodes, (2, 4), w=numbers(8, 3), **constants))


def test_log_softmax_has_a_cure() -> None:
    model = graph([node("LogSoftmax", ["x"], ["y"])], (8,))
    with pytest.raises(UnsupportedModelError, match="LogSoftmax") as found:
        to_ir(model)
    assert "task=classifier" in str(found.value.cure)


@pytest.mark.parametrize("kind", [onnx.TensorProto.UINT8, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64])
def test_calibration_of_graphs_that_take_other_types(kind: int) -> None:
    model = graph([node("Cast", ["x"], ["t"], to=FLOAT), DENSE], (8,), kind=kind, w=numbers(8, 3))
    samples = np.random.default_rng(0).integers(0, 255, size=(6, 8))
    made = convert(model, name="m", calibration=samples)
    assert made.ir.calibration is not None
    assert made.ir.calibration.agreement.agree == len(samples)


def test_an_input_without_a_shape() -> None:
    model = graph([node("MatMul", ["x", "w"], ["y"])], (8,), w=numbers(8, 3))
    model.graph.input[0].type.tensor_type.ClearField("shape")
    refused(model, "a shape that is not all known")
