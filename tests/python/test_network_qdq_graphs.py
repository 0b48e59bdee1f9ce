"""QDQ graphs as other tools than ONNX Runtime write them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from mwtest.qdq import (  # noqa: E402
    QdqMaker,
    input_pair,
    integers_of,
    runtime_tensors,
    scores_off,
    steps_of,
    steps_off,
    summing,
)

import milliwatt  # noqa: E402
from milliwatt.frontends import estimator_answers, to_ir  # noqa: E402
from milliwatt.host import evaluate_integers as whole  # noqa: E402
from milliwatt.host.evaluate_network import evaluate  # noqa: E402
from milliwatt.ir import loads  # noqa: E402
from milliwatt.ir.network import Network  # noqa: E402
from milliwatt.ir.network_grids import grids  # noqa: E402
from milliwatt.ir.serialize import dumps  # noqa: E402
from milliwatt.network_summary import network_summary  # noqa: E402


def _close_to_runtime(model: Any, network: Network, shape: tuple[int, ...] = (6,), steps: int = 1) -> None:
    """Every layer is ``steps`` off at most, and scores one, given the same integers as ONNX Runtime."""
    samples = np.random.default_rng(5).normal(size=(200, network.n_features)) * 0.7
    for _, off, _ in steps_off(model, network, samples, shape):
        assert off <= steps
    assert scores_off(model, network, samples, shape) <= 1.0


def test_every_number_of_a_dense_layer() -> None:
    """Weights by channel, -128 among them; a bias of int32; uint8 and int8 with zero points."""
    for kind, shift in ((np.uint8, 0), (np.int8, 128)):
        make = input_pair(kind, 130 - shift)
        weights, scale = make.integers(6, 4), np.array([0.01, 0.02, 0.003, 0.011], np.float32)
        bias = np.array([500, -70, 12345, 0])
        units = (scale * np.float32(0.02)).astype(np.float32)
        b = make.weights(bias, units, kind=np.int32, axis=0)
        make("Gemm", make.weights(weights, scale, axis=1), b)
        make.pair(0.017, 120 - shift)
        make("Gemm", make.weights(make.integers(4, 2), 0.01))
        network = integers_of(make.model())
        first = summing(network)[0]
        np.testing.assert_array_equal(whole.integers(first.weights), weights)
        shift_of_sums = first.requantize.sum_shift
        kept = whole.integers(first.bias) - (1 << shift_of_sums >> 1) + 130 * weights.sum(axis=0)
        np.testing.assert_array_equal(kept, bias)
        assert network.input_map is not None
        assert (network.input_map.unit, network.input_map.zero) == ((float(np.float32(0.02)),), (130,))
        assert first.grid is not None
        assert (first.grid.unit, first.grid.zero) == (float(np.float32(0.017)), 120)
        np.testing.assert_allclose(
            whole.integers(first.requantize.scale) / 2.0**first.requantize.shift * 2.0**-shift_of_sums,
            units / np.float32(0.017),
            rtol=2e-3,
        )
        _close_to_runtime(make.model(), network)


def test_weights_that_a_transposed_or_reshaped_constant_is() -> None:
    """As PyTorch's exporter writes them: rounded in the graph by channel, then transposed."""
    make = input_pair()
    rng, scale = np.random.default_rng(2), np.array([0.01, 0.004, 0.02], np.float32)
    exact = rng.integers(-127, 128, size=(3, 6))
    given = make.constant(exact * scale[:, np.newaxis])
    scales = (make.constant(scale), make.constant(np.zeros(3), np.int8))
    last = make.last
    make("QuantizeLinear", *scales, on=given, axis=0)
    make("DequantizeLinear", *scales, axis=0)
    w = make("Transpose", perm=[1, 0])
    make("MatMul", w, on=last)
    made = integers_of(make.model())
    np.testing.assert_array_equal(whole.integers(summing(made)[0].weights), exact.T)
    _close_to_runtime(make.model(), made)


def test_a_relu_that_integers_without_negatives_stand_for() -> None:
    """Quantisers leave it out: the network of floats has it, and so have the integers, at no cost."""
    for top, kind in ((0.05, "relu"), (6.0 / 255, "relu6")):
        make = input_pair()
        make.dense(6, 5, 0.06)
        make.pair(top, 0)
        make.dense(5, 2)
        network = to_ir(make.model())
        assert isinstance(network, Network)
        assert [getattr(layer, "activation", "") for layer in network.layers] == [kind, "identity"]
        assert len(integers_of(make.model()).layers) == 2
        _close_to_runtime(make.model(), integers_of(make.model()))


def test_two_scales_one_after_the_other_and_side_by_side() -> None:
    make = input_pair()
    make.dense(6, 5)
    first = make.pair(0.02, 100)
    make.pair(0.03, 120)
    make.dense(5, 3)
    left = make.pair(0.02, 125)
    make.pair(0.031, 119, on=first)
    make.dense(5, 3)
    right = make.pair(0.021, 124)
    make("Add", right, on=left)
    make.pair(0.04, 110)
    make.dense(3, 2)
    made = integers_of(make.model())
    units = {round(unit, 6) for unit, _ in steps_of(made)}
    assert units == {0.02, 0.03, 0.031, 0.021, 0.04}
    _close_to_runtime(make.model(), made)
    network = to_ir(make.model())
    assert isinstance(network, Network)
    assert evaluate(network, np.zeros((3, 6))).shape == (3, 2)


def test_integers_that_are_moved_within_a_pair() -> None:
    make = QdqMaker(2, 6, 6)
    make.pair(0.02, 128)
    w = make.weights(make.integers(4, 2, 3, 3), 0.01)
    make("Conv", w, pads=[1, 1, 1, 1])
    make.quantize(0.03, 100)
    scales = make.nodes[-1].input[1:]
    make("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    make("Flatten")
    make("DequantizeLinear", *scales)
    make.dense(36, 3)
    made = integers_of(make.model())
    assert [type(layer).__name__ for layer in made.layers] == ["IntConv", "MaxPool", "Reshape", "IntDense"]
    _close_to_runtime(make.model(), made, (2, 6, 6))


def test_integers_of_seven_bits() -> None:
    """PyTorch writes them as a Clip within the pair."""
    make = input_pair()
    make.dense(6, 5, 0.02)
    make.quantize(0.01, 10)
    scales = make.nodes[-1].input[1:]
    low, high = (make.constant(number, np.uint8) for number in (0, 127))
    make("Clip", low, high)
    make("DequantizeLinear", *scales)
    make.dense(5, 2)
    made = integers_of(make.model())
    grid = summing(made)[0].grid
    assert grid is not None
    assert (grid.zero, grid.low, grid.high) == (10, 0, 127)
    _close_to_runtime(make.model(), made)


def test_what_pytorch_exports(tmp_path: Path) -> None:
    """Training that knows of rounding: weights by channel, rounded in the graph; 7 bits between layers."""
    torch = pytest.importorskip("torch")
    quantization = pytest.importorskip("torch.ao.quantization")

    def tensor() -> Any:
        observer = quantization.MovingAverageMinMaxObserver
        return quantization.FakeQuantize(observer, quant_min=0, quant_max=127, dtype=torch.quint8)

    def weight() -> Any:
        observer, scheme = quantization.MovingAveragePerChannelMinMaxObserver, torch.per_channel_symmetric
        return quantization.FakeQuantize(
            observer, quant_min=-128, quant_max=127, dtype=torch.qint8, qscheme=scheme
        )

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.linear = torch.nn.Conv2d(2, 5, 3, padding=1), torch.nn.Linear(45, 4)
            self.given, self.between, self.scores = tensor(), tensor(), tensor()
            self.kernel, self.matrix = weight(), weight()

        def forward(self, x: Any) -> Any:
            f = torch.nn.functional
            x = f.conv2d(self.given(x), self.kernel(self.conv.weight), self.conv.bias, padding=1)
            x = f.max_pool2d(self.between(torch.relu(x)), 2).flatten(1)
            return self.scores(f.linear(x, self.matrix(self.linear.weight), self.linear.bias))

    torch.manual_seed(0)
    net = Net()
    net(torch.randn(100, 2, 6, 6))
    net.eval().apply(quantization.disable_observer)
    path, example = tmp_path / "net.onnx", (torch.randn(1, 2, 6, 6),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, example, str(path), dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )
    model = onnx.load(path)
    made = milliwatt.convert(model, quantize="int8").ir
    assert [type(layer).__name__ for layer in made.layers] == ["IntConv", "MaxPool", "Reshape", "IntDense"]
    kernel = net.kernel
    exact = torch.round(net.conv.weight / kernel.scale.reshape(-1, 1, 1, 1)).clip(-128, 127).detach().numpy()
    np.testing.assert_array_equal(whole.integers(summing(made)[0].weights), exact.transpose(2, 3, 1, 0))
    samples = np.random.default_rng(1).normal(size=(100, 72)) * 0.5
    theirs = estimator_answers(model, samples)  # in steps of the last pair
    assert np.abs(whole.evaluate(made, samples) - theirs).max() <= 2 * float(net.scores.scale)


def test_weights_alone() -> None:
    """Weights are the file's, tensors are calibrated, and features share a step for these weights' sake."""
    for bits in (8, 16):
        make = QdqMaker(6)
        first = make.integers(6, 5)
        make("Gemm", make.weights(first, 0.01), make.constant(make.rng.normal(size=5)))
        make("Relu")
        make.dense(5, 3)
        samples = np.random.default_rng(1).normal(size=(300, 6)) * np.array([0.1, 1, 2, 1, 1, 0.5])
        made = integers_of(make.model(), bits, samples)
        np.testing.assert_array_equal(whole.integers(summing(made)[0].weights), first)
        assert made.input_map is not None
        assert len(made.input_map.unit) == 1
        theirs = estimator_answers(make.model(), samples)
        off = np.abs(whole.evaluate(made, samples) - theirs).max() / np.ptp(theirs)
        assert off < (0.03 if bits == 8 else 0.001)


def test_grids_that_follow_from_others() -> None:
    """Pools, activations and Concat without pairs of their own need no calibration data."""
    make = QdqMaker(2, 8, 8)
    make.pair(0.02, 128)
    make("Conv", make.weights(make.integers(4, 2, 3, 3), 0.01), pads=[1, 1, 1, 1])
    make("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    image = make.pair(0.04, 60)
    gate = make("HardSigmoid", on=image)
    make("Concat", gate, on=image, axis=1)
    make("AveragePool", kernel_shape=[3, 3])
    make("GlobalAveragePool")
    make("Flatten")
    make.dense(8, 2)
    made = integers_of(make.model())
    known = [grid for grid in grids(made) if grid is not None]
    assert {round(grid.unit, 4) for grid in known} >= {0.02, 0.04}
    samples = np.random.default_rng(5).normal(size=(300, 128)) * 0.7
    theirs, ours = estimator_answers(make.model(), samples), whole.evaluate(made, samples)
    # The runtime computes in floats there, integers are rounded three times.
    assert np.abs(ours - theirs).max() <= 0.04 * np.ptp(theirs)


def test_what_the_file_does_not_say_is_calibrated() -> None:
    make = input_pair()
    make.dense(6, 5)
    make("Tanh")
    make.pair(1 / 128, 128)
    make("Gemm", make.constant(make.rng.normal(size=(5, 4)) * 0.3))
    make.pair(0.02, 128)
    make.dense(4, 2)
    samples = np.random.default_rng(1).normal(size=(300, 6)) * 0.7
    made = integers_of(make.model(), samples=samples)
    assert {round(unit, 7) for unit, _ in steps_of(made)} >= {0.02, 0.0078125}
    _close_to_runtime(make.model(), made, steps=2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
def test_features_of_integers(dtype: str) -> None:
    """Pixels that the graph takes as floats: their own integers where the scale is 1."""
    for scale, zero in ((1.0, 0 if dtype == "uint8" else 128), (1.7, 100)):
        make = QdqMaker(6)
        make.pair(scale, zero)
        make.dense(6, 3, 0.01)
        low, high = {"uint8": (0, 256), "int8": (-128, 128), "int16": (-170, 260)}[dtype]
        samples = np.random.default_rng(3).integers(low, high, size=(100, 6)).astype(float)
        model = milliwatt.convert(make.model(), quantize="int8", dtype=dtype)
        assert model.ir.dtype == dtype
        (_, found, theirs), *_ = runtime_tensors(make.model(), samples, (6,))
        ours = whole.tensors(model.ir, samples)[0]
        assert np.abs(ours - theirs).max() <= (0 if scale == 1.0 else 1)
        assert found == zero
        assert steps_of(model.ir) == {(float(np.float32(scale)), zero)}


def test_sixteen_bits_of_either_sign_and_older_operator_sets() -> None:
    """uint16 around 32768 is int16; before opset 21 the operators are ONNX Runtime's own."""
    answers = []
    for kind, zero in ((np.int16, 0), (np.uint16, 32768)):
        make = QdqMaker(6, kind=kind)
        make.pair(1e-4, zero, domain="com.microsoft")
        make.dense(6, 4)
        make.pair(2e-4, zero, domain="com.microsoft")
        make.dense(4, 2)
        made = integers_of(make.model("com.microsoft"), bits=16)
        answers.append(made)
        _close_to_runtime(make.model("com.microsoft"), made, steps=3)
    assert answers[0].layers == answers[1].layers


def test_a_channel_of_next_to_nothing_does_not_cost_the_others_their_bits() -> None:
    """Its step is tiny and its bias is not: in its steps the bias takes all the bits of a sum."""
    make = input_pair()
    weights, scale = make.integers(6, 3), np.array([0.01, 0.01, 1e-7], np.float32)
    make("Gemm", make.weights(weights, scale, axis=1), make.constant([0.3, -0.2, 1.5]))
    make.pair(0.02, 128)
    make.dense(3, 2)
    made = integers_of(make.model())
    first = summing(made)[0]
    np.testing.assert_array_equal(whole.integers(first.weights)[:, :2], weights[:, :2])
    assert first.requantize.sum_shift <= 6  # it would be 15
    _close_to_runtime(make.model(), made)


@pytest.mark.parametrize("bits", [8, 16])
def test_c_takes_the_lowest_weight_of_all(bits: int) -> None:
    """-128, which other quantisers leave out, in every layer and many times."""
    domain = "com.microsoft"
    make = QdqMaker(3, 6, 5, kind=np.uint8 if bits == 8 else np.int16)
    zero, part = (128, 1.0) if bits == 8 else (0, 1 / 128)

    def weights(*shape: int) -> str:
        drawn = make.integers(*shape)
        return make.weights(np.where(drawn < 0, -128, drawn), 0.01)

    make.pair(0.02 * part, zero, domain=domain)
    make("Conv", weights(5, 3, 3, 3), pads=[1, 1, 1, 1])
    make.pair(0.05 * part, zero, domain=domain)
    make("Conv", weights(5, 1, 3, 3), group=5)
    make.pair(0.06 * part, zero, domain=domain)
    make("Flatten")
    make("Gemm", weights(60, 7))
    make.pair(0.2 * part, zero, domain=domain)
    make("Gemm", weights(7, 3))
    model = milliwatt.convert(make.model(domain), quantize=f"int{bits}", task="classifier")
    assert all(int(whole.integers(layer.weights).min()) == -128 for layer in summing(model.ir))
    samples = (np.random.default_rng(4).normal(size=(100, 90)) * 1.5).astype(np.float32)
    exact = whole.evaluate(model.ir, samples)
    np.testing.assert_allclose(model.predict_proba(samples), exact, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.predict(samples), exact.argmax(axis=1))
    _close_to_runtime(make.model(domain), model.ir, (3, 6, 5), steps=1 if bits == 8 else 4)


def test_scores_are_not_rounded_and_probabilities_neither() -> None:
    make = input_pair()
    make.dense(6, 3)
    make.pair(0.02, 110)
    make("Softmax")
    make.pair(1 / 256, 0)
    network = to_ir(make.model())
    assert isinstance(network, Network)
    assert (network.link, len(network.layers)) == ("softmax", 1)
    made = integers_of(make.model())
    assert grids(made)[-1] is None


def test_floats_stay_floats_unless_asked() -> None:
    make = input_pair()
    weights = make.integers(6, 3)
    make("Gemm", make.weights(weights, 0.01))
    make.pair(0.02, 128)
    model = milliwatt.convert(make.model())
    assert not model.ir.is_integer
    assert isinstance(model.ir, Network)
    assert "quantize=int8 keeps the scales" in "\n".join(network_summary(model, model.ir))
    samples = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    np.testing.assert_allclose(evaluate(model.ir, samples), samples @ (weights * np.float32(0.01)), rtol=1e-5)
    assert loads(dumps(model.ir)) == model.ir
