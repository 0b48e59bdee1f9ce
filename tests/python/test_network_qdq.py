"""QDQ graphs as ONNX Runtime writes them: Milliwatt keeps their scales and answers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from mwtest.qdq import (  # noqa: E402
    FLOAT,
    file_weights,
    integers_of,
    quantized_by_runtime,
    runtime_tensors,
    steps_of,
    steps_off,
    summing,
)
from onnx import helper, numpy_helper  # noqa: E402
from onnxruntime.quantization import QuantType  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

import milliwatt  # noqa: E402
from milliwatt.frontends import estimator_answers, to_ir  # noqa: E402
from milliwatt.host import evaluate_integers as whole  # noqa: E402
from milliwatt.host.evaluate_network import evaluate  # noqa: E402
from milliwatt.ir.network import Network  # noqa: E402

OPSETS = range(13, 22)
PLAIN: dict[str, Any] = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
SYMMETRIC = {"ActivationSymmetric": True}
WAYS: dict[str, dict[str, Any]] = {
    "uint8 by tensor": PLAIN,
    "uint8 by channel": {**PLAIN, "per_channel": True},
    "int8 by channel": {**PLAIN, "activation_type": QuantType.QInt8, "per_channel": True},
    "int8 symmetric": {**PLAIN, "activation_type": QuantType.QInt8, "extra_options": SYMMETRIC},
    "weights rounded in the graph": {**PLAIN, "extra_options": {"AddQDQPairToWeight": True}},
    "weights of uint8": {
        **PLAIN, "weight_type": QuantType.QUInt8, "extra_options": {"WeightSymmetric": True}
    },
    "16 bits": {**PLAIN, "activation_type": QuantType.QInt16, "extra_options": SYMMETRIC},
}  # fmt: skip


@lru_cache(maxsize=1)
def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    images, labels = load_digits(return_X_y=True)
    return np.asarray(images / 16.0), np.asarray(labels)


def _graph(nodes: list[Any], constants: dict[str, Any], shape: list[int], opset: int) -> Any:
    kept = [numpy_helper.from_array(np.asarray(a, dtype=np.float32), n) for n, a in constants.items()]
    x = helper.make_tensor_value_info("x", FLOAT, ["n", *shape])
    y = helper.make_tensor_value_info("y", FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "net", [x], [y], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@lru_cache(maxsize=1)
def _mlp_weights() -> list[NDArray[np.float64]]:
    images, labels = _digits()
    mlp = MLPClassifier((24, 16), max_iter=60, tol=1e-2, n_iter_no_change=3, random_state=0).fit(
        images, labels
    )
    return [array for pair in zip(mlp.coefs_, mlp.intercepts_, strict=True) for array in pair]


def _mlp(opset: int, *, gemm: bool) -> Any:
    """Three dense layers: as Gemm, weights transposed; or as MatMul and Add."""
    nodes, constants, last = [], {}, "x"
    for index in range(3):
        w, b = _mlp_weights()[2 * index : 2 * index + 2]
        constants[f"w{index}"], constants[f"b{index}"] = (w.T if gemm else w), b
        out = f"s{index}" if index < 2 else "s"
        if gemm:
            given = [last, f"w{index}", f"b{index}"]
            nodes.append(helper.make_node("Gemm", given, [out], name=f"dense{index}", transB=1))
        else:
            nodes.append(helper.make_node("MatMul", [last, f"w{index}"], [f"m{index}"], name=f"dense{index}"))
            nodes.append(helper.make_node("Add", [f"m{index}", f"b{index}"], [out], name=f"add{index}"))
        if index < 2:
            nodes.append(helper.make_node("Relu", [out], [f"r{index}"], name=f"relu{index}"))
            last = f"r{index}"
    nodes.append(helper.make_node("Softmax", ["s"], ["y"], name="softmax"))
    return _graph(nodes, constants, [64], opset)


CNN_WEIGHTS = ("first", "deep", "point", "last")


def _cnn(opset: int) -> Any:
    """Padding, strides, depthwise, residual Add, Concat, both pools and a flattened image."""
    rng, node = np.random.default_rng(3), helper.make_node
    constants: dict[str, Any] = {
        "wf": rng.normal(size=(6, 1, 3, 3)), "bf": rng.normal(size=6) * 0.1,
        "wd": rng.normal(size=(6, 1, 3, 3)) * 0.5, "bd": rng.normal(size=6) * 0.1,
        "wp": rng.normal(size=(5, 12, 1, 1)) * 0.4, "bp": rng.normal(size=5) * 0.1,
    }  # fmt: skip
    nodes = [
        node("Conv", ["x", "wf", "bf"], ["f"], name="first", pads=[1, 1, 1, 1], strides=[1, 1]),
        node("Relu", ["f"], ["fr"], name="relu"),
        node("Conv", ["fr", "wd", "bd"], ["d"], name="deep", group=6, pads=[1, 0, 1, 2], strides=[1, 1]),
        node("Add", ["d", "fr"], ["a"], name="residual"),
        node("Concat", ["a", "fr"], ["c"], name="both", axis=1),
        node("MaxPool", ["c"], ["m"], name="max", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["m", "wp", "bp"], ["p"], name="point"),
        node("Sigmoid", ["p"], ["g"], name="gate"),
        node("AveragePool", ["g"], ["v"], name="mean", kernel_shape=[2, 2], strides=[1, 1]),
        node("Flatten", ["v"], ["row"], name="flatten"),
    ]
    features = onnx.ModelProto()
    features.CopyFrom(_graph(nodes, constants, [1, 8, 8], opset))
    del features.graph.output[:]
    features.graph.output.append(helper.make_tensor_value_info("row", FLOAT, None))
    session = onnxruntime.InferenceSession(features.SerializeToString(), providers=["CPUExecutionProvider"])
    images, labels = _digits()
    rows = session.run(None, {"x": images.reshape(-1, 1, 8, 8).astype(np.float32)})[0]
    fitted = LogisticRegression(C=10.0, max_iter=300).fit(rows, labels)
    constants.update(wl=fitted.coef_, bl=fitted.intercept_)
    nodes.append(node("Gemm", ["row", "wl", "bl"], ["s"], name="last", transB=1))
    nodes.append(node("Softmax", ["s"], ["y"], name="softmax"))
    return _graph(nodes, constants, [1, 8, 8], opset)


_cnn_of = lru_cache(maxsize=None)(_cnn)


def _agreement(model: Any, network: Network, samples: NDArray[np.float64]) -> float:
    """How often both name the same class."""
    theirs = estimator_answers(model, samples).argmax(axis=1)
    return float((whole.evaluate(network, samples).argmax(axis=1) == theirs).mean())


def _check_against_runtime(
    model: Any,
    network: Network,
    nodes: list[str],
    shape: tuple[int, ...],
    flattened: tuple[int, int, int] | None = None,
    most: int = 1,
) -> None:
    """Weights and grids are the file's, and every layer is a step off at most."""
    samples = _digits()[0][::7]
    for layer, integers in zip(summing(network), file_weights(model, nodes, flattened), strict=True):
        np.testing.assert_array_equal(whole.integers(layer.weights), integers)
    said = {(unit, zero) for unit, zero, _ in runtime_tensors(model, samples[:1], shape)}
    assert steps_of(network) <= said
    found = steps_off(model, network, samples, shape)
    # The input and every layer with a pair after it, beside the last and what is only moved.
    assert len(found) >= len(summing(network))
    for kind, off, fraction in found:
        assert off <= (0 if kind in ("input", "MaxPool") else most), found
        # Means of four are halves in one case of four, which ONNX Runtime rounds to even, and Milliwatt up.
        assert fraction < (0.15 if kind == "IntAveragePool" else 0.02) or most > 1, found


USUAL = "uint8 by channel"
PAIRS = [(way, opset) for opset in OPSETS for way in WAYS if way == USUAL or opset in (13, 17, 21)]


@pytest.mark.parametrize(("way", "opset"), PAIRS)
def test_images_as_onnx_runtime_quantises_them(way: str, opset: int, tmp_path: Path) -> None:
    images = _digits()[0]
    model = quantized_by_runtime(_cnn_of(opset), images[:200].reshape(-1, 1, 8, 8), tmp_path, **WAYS[way])
    network = integers_of(model, 16 if way == "16 bits" else 8)
    _check_against_runtime(
        model, network, list(CNN_WEIGHTS), (1, 8, 8), (5, 3, 3), 4 if way == "16 bits" else 1
    )
    assert _agreement(model, network, images) >= 0.99
    # As floats: the rounded weights, the Relu that the file leaves out, and no rounded tensors.
    exact = estimator_answers(_cnn_of(opset), images).argmax(axis=1)
    assert (evaluate(to_ir(model), images).argmax(axis=1) == exact).mean() >= 0.97


@pytest.mark.parametrize("gemm", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_dense_layers_as_onnx_runtime_quantises_them(way: str, gemm: bool, tmp_path: Path) -> None:
    images = _digits()[0]
    model = quantized_by_runtime(_mlp(17, gemm=gemm), images[:200], tmp_path, **WAYS[way])
    network = integers_of(model, 16 if way == "16 bits" else 8)
    # MatMul is rounded before the bias is added; here the sum is rounded once.
    _check_against_runtime(
        model,
        network,
        [f"dense{i}" for i in range(3)],
        (64,),
        most=4 if way == "16 bits" else 1 if gemm else 2,
    )
    assert _agreement(model, network, images) >= 0.99


def test_convert_with_and_without_calibration_data(tmp_path: Path) -> None:
    images = _digits()[0]
    model = quantized_by_runtime(_mlp(17, gemm=True), images[:200], tmp_path, **PLAIN)
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    plain = milliwatt.convert(model, quantize="int8")
    measured = milliwatt.convert(model, quantize="int8", calibration=images[:300])
    assert plain.ir.layers == measured.ir.layers
    assert measured.ir.calibration is not None
    assert measured.ir.calibration.agreement.agree >= 297
    assert measured.ir.calibration.quantize is not None
    np.testing.assert_array_equal(
        plain.predict(images[:200]), whole.evaluate(plain.ir, images[:200]).argmax(axis=1)
    )


@pytest.mark.parametrize("way", [USUAL, "int8 symmetric", "16 bits"])
def test_c_gives_the_same_integers(way: str, tmp_path: Path) -> None:
    images = _digits()[0]
    rows = images[:200].reshape(-1, 1, 8, 8)
    model = quantized_by_runtime(_cnn_of(17), rows, tmp_path, **WAYS[way])
    made = milliwatt.convert(model, quantize="int16" if way == "16 bits" else "int8")
    exact = whole.evaluate(made.ir, images[:100])
    np.testing.assert_array_equal(made.predict(images[:100]), exact.argmax(axis=1))
    np.testing.assert_allclose(made.predict_proba(images[:100]), exact, rtol=0, atol=1e-6)
