"""Quantised graphs that are refused, by the name of the node, with what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from mwtest.qdq import QdqMaker, input_pair, integers_of

import milliwatt
from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import to_ir


def _operator(kind: str, **attributes: Any) -> Any:
    make = input_pair()
    make(kind, make.constant(1.0), name="odd", **attributes)
    return make.model()


def _weights(zero: int, kind: Any) -> Any:
    make = input_pair()
    w = make.weights(np.arange(24).reshape(6, 4) * 10, 0.01, kind=kind, zero=zero)
    make("Gemm", w, name="odd")
    return make.model()


def _scales_along_inputs() -> Any:
    make = input_pair()
    make("MatMul", make.weights(make.integers(6, 3), np.full(6, 0.01) + np.arange(6), axis=0), name="odd")
    return make.model()


def _norm() -> Any:
    make = QdqMaker(2, 5, 5)
    make.pair(0.02, 128)
    make("Conv", make.weights(make.integers(3, 2, 3, 3), 0.01), name="conv")
    make.pair(0.02, 128)
    ones = [make.constant(values) for values in ([1, 2, 3], [0, 1, 2], [0, 0, 0], [1, 1, 1])]
    make("BatchNormalization", *ones, name="norm")
    make("GlobalAveragePool")
    make("Flatten")
    return make.model()


def _pair(scale: Any = 0.02, zero: Any = 0, kind: Any = np.uint8, other: float = 0.0, **more: Any) -> Any:
    make = QdqMaker(2, 5, 5, kind=kind)
    make("Relu")
    scales = (make.constant(scale), make.constant(zero, kind))
    make("QuantizeLinear", *scales, name="odd", **more)
    make("DequantizeLinear", make.constant(other) if other else scales[0], scales[1], name="end", **more)
    make("GlobalAveragePool")
    make("Flatten")
    make.dense(2, 2)
    return make.model()


def _float_weights() -> Any:
    make = input_pair()
    make("Gemm", make.constant(make.rng.normal(size=(6, 3))), name="odd")
    return make.model()


def _unsaid(*kinds: str) -> Any:
    make = input_pair()
    make.dense(6, 5)
    make.nodes[-1].name = "odd"
    for kind in kinds:
        make(kind)
    make.dense(5, 2)
    return make.model()


def _no_input() -> Any:
    make = QdqMaker(6)
    make.dense(6, 2)
    return make.model()


def _mixed() -> Any:
    make = input_pair()
    make.dense(6, 5)
    make.kind = np.int16
    make.pair(0.001, 0, domain="com.microsoft")
    make.dense(5, 2)
    return make.model("com.microsoft")


def _ends(kind: str) -> Any:
    make = QdqMaker(6)
    scales = (make.constant(0.02), make.constant(0, np.uint8))
    if kind == "in":
        make("DequantizeLinear", *scales, name="odd")
    else:
        make("Relu")
    make.dense(6, 2)
    if kind == "out":
        make("QuantizeLinear", *scales)
    return make.model()


def _between() -> Any:
    make = input_pair()
    make.quantize(0.02, 128)
    make("Relu", name="odd")
    make("DequantizeLinear", *make.nodes[-2].input[1:])
    make.dense(6, 2)
    return make.model()


# When the graph is read, whatever it is for.
REFUSED: dict[str, tuple[Any, str, str]] = {
    "QLinearConv": (lambda: _operator("QLinearConv"), "QLinearConv .'odd'.* integers", "QuantFormat.QDQ"),
    "MatMulInteger": (lambda: _operator("MatMulInteger"), "MatMulInteger .'odd'.", "QuantFormat.QDQ"),
    "ConvInteger": (lambda: _operator("ConvInteger"), "ConvInteger .'odd'.", "QuantFormat.QDQ"),
    "dynamic": (lambda: _operator("DynamicQuantizeLinear"), "DynamicQuantizeLinear .'odd'.", "QDQ"),
    "blocks": (lambda: _pair(np.full((1, 2), 0.1), np.zeros((1, 2)), block_size=2), "'odd'.* by blocks",
        "by tensor or by channel"),
    "a scale of 0": (lambda: _pair(0.0), "'odd'.* not a number above 0", "again"),
    "an infinite scale": (lambda: _pair(np.inf), "'odd'.* not a number above 0", "again"),
    "channels of a tensor": (lambda: _pair([0.1, 0.2], [0, 0]), "'odd'.* for each channel", "one scale"),
    "int32": (lambda: _pair(kind=np.int32), "'odd'.* to int32", "uint8, int8 or int16"),
    "a pair of two scales": (lambda: _pair(other=0.3), "'end'.* another scale", "again"),
    "an input of integers": (lambda: _ends("in"), "'odd'.* from outside the graph", "of floats"),
    "an output of integers": (lambda: _ends("out"), "is of integers", "DequantizeLinear"),
    "a computation within a pair": (_between, "Relu .'odd'.* computes with integers", "QDQ"),
    "float8": (lambda: _pair(0.1, output_dtype=17), "'odd'.* a type of its own", "uint8"),
}  # fmt: skip
# When its scales are to be kept: as floats it can be converted.
NOT_KEPT: dict[str, tuple[Any, str, str]] = {
    "zero points of weights": (lambda: _weights(3, np.uint8), "'odd'.* -3 to 227 from", "WeightSymmetric"),
    "weights of 16 bits": (lambda: _weights(0, np.int16), "'odd'.* 0 to 230 from", "WeightSymmetric"),
    "scales along inputs": (_scales_along_inputs, "'odd'.* along its inputs", "symmetric"),
    "batch normalisation": (_norm, "'conv'.* multiplied by .*'norm'", "preprocess"),
    "weights of floats": (_float_weights, "'odd'.* weights of floats", "calibration="),
    "no scale": (lambda: _unsaid("Relu"), "'odd'.* does not say the scale of its output", "calibration="),
    "no scale before": (lambda: _unsaid("Tanh"), "'odd'.* does not say the scale of its", "calibration="),
    "no scale of the input": (_no_input, "input is not quantised", "calibration="),
    "8 and 16 bits": (_mixed, "mixes tensors of 8 and of 16 bits", "alike"),
    "asymmetric int16": (lambda: _pair(zero=5, kind=np.int16), "'odd'.* zero point 5.* symmetric", "again"),
    "asymmetric uint16": (lambda: _pair(zero=5, kind=np.uint16), "'odd'.* zero point 5.* symmetric", "again"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name: str) -> None:
    make, text, cure = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(make())
    assert cure in caught.value.cure


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_cannot_be_kept_by_name(name: str) -> None:
    make, text, cure = NOT_KEPT[name]
    assert not milliwatt.convert(make()).ir.is_integer
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        milliwatt.convert(make(), quantize="int8")
    assert caught.value.option == "quantize"
    assert cure in caught.value.cure


def test_other_bits_than_the_file_has() -> None:
    make = input_pair()
    make.dense(6, 2)
    with pytest.raises(UnsupportedModelError, match="quantised to 8 bits already") as caught:
        milliwatt.convert(make.model(), quantize="int16")
    assert "quantize=int8, which keeps its scales" in caught.value.cure


def test_sums_of_16_bits_that_do_not_fit() -> None:
    make = QdqMaker(3000, kind=np.int16)
    make.pair(1e-4, 0, domain="com.microsoft")
    make.dense(3000, 2)
    with pytest.raises(UnsupportedModelError, match="sums do not fit 32 bits") as caught:
        integers_of(make.model("com.microsoft"), bits=16)
    assert "the float model with quantize=int16" in caught.value.cure
