"""ONNX graphs as networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mwtest.nets_close import assert_close, close_to_library, kinds

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.onnx_graphs import OPSETS
from milliwatt.host.evaluate_network import evaluate

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT = onnx.TensorProto.FLOAT


class Maker:
    """Writes a graph, node after node, on what came last."""

    def __init__(self, *shape: int, opset: int = 17, batch: int | str = "n", seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape, self.opset, self.batch = shape, opset, batch
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.last = "x"

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def random(self, *shape: int, positive: bool = False) -> str:
        drawn = self.rng.normal(size=shape) * 0.5
        return self.constant(np.abs(drawn) + 0.3 if positive else drawn)

    def __call__(self, kind: str, *inputs: str, on: str | None = None, **attributes: Any) -> str:
        """A node on ``on``, by default on what came last; its output's name."""
        output = f"t{len(self.nodes)}"
        given = (self.last if on is None else on, *inputs)
        self.nodes.append(
            helper.make_node(kind, given, [output], name=f"node{len(self.nodes)}", **attributes)
        )
        self.last = output
        return output

    def norm(self, n: int) -> str:
        return self(
            "BatchNormalization",
            self.random(n),
            self.random(n),
            self.random(n),
            self.random(n, positive=True),
        )

    def model(self, *outputs: str, more: Sequence[Any] = ()) -> Any:
        x = helper.make_tensor_value_info("x", FLOAT, [self.batch, *self.shape])
        ends = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs or (self.last,)]
        graph = helper.make_graph(self.nodes, "net", [x, *more], ends, self.weights)
        version = helper.find_min_ir_version_for([helper.make_opsetid("", self.opset)], ignore_unknown=True)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=min(version, 10)
        )


def _cnn(opset: int, batch: int | str = "n") -> Any:
    """A graph of what changed most between operator sets."""
    make = Maker(2, 9, 8, opset=opset, batch=batch)
    if opset < 11:
        make("Pad", pads=[0, 0, 1, 1, 0, 0, 0, 2])
    else:
        make("Pad", make.constant([0, 0, 1, 1, 0, 0, 0, 2], np.int64))
    make("Conv", make.random(6, 2, 3, 3), strides=[2, 1], kernel_shape=[3, 3])
    make("Add", make.random(6, 1, 1))
    make.norm(6)
    if opset < 11:
        make("Clip", min=0.0, max=6.0)
    else:
        make("Clip", make.constant(0.0), make.constant(6.0))
    make("Dropout")
    before = make("Conv", make.random(6, 1, 3, 3), group=6, auto_pad="SAME_UPPER")
    make("Add", before, on=make("LeakyRelu", alpha=0.25))
    make("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    make("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1)
    make("Flatten")
    rows = make.last
    n = 6 * 2 * 4
    left = make("Gemm", make.random(5, n), make.random(5), on=rows, transB=1, alpha=0.5, beta=2.0)
    make("MatMul", make.random(n, 4), on=rows)
    make("Add", make.random(4))
    make("Concat", make("Tanh"), on=left, axis=1)
    if opset < 13:
        make("Unsqueeze", axes=[2])
        make("Squeeze", axes=[2])
    else:
        make("Unsqueeze", make.constant([2], np.int64))
        make("Squeeze", make.constant([2], np.int64))
    make("Reshape", make.constant([-1, 3, 3], np.int64))
    make("Transpose", perm=[0, 2, 1])
    make("Reshape", make.constant([0, -1], np.int64))
    make("MatMul", make.random(9, 3))
    make("Softmax")
    return make.model()


@pytest.mark.parametrize("batch", ["n", 2])
@pytest.mark.parametrize("opset", range(OPSETS[0], min(OPSETS[1], onnx.defs.onnx_opset_version()) + 1))
def test_every_operator_set(opset: int, batch: int | str) -> None:
    network = close_to_library(_cnn(opset, batch))
    assert kinds(network) == [
        "Conv", "Depthwise", "Activation", "Add", "MaxPool", "AveragePool", "Reshape", "Dense", "Dense",
        "Concat", "Dense",
    ]  # fmt: skip
    assert network.input_shape == (9, 8, 2)
    assert network.link == "softmax"
    assert network.origin["library"].endswith(f"opset {opset}")


def test_operator_sets_that_are_refused() -> None:
    for opset in (OPSETS[0] - 1, OPSETS[1] + 1):
        model = _cnn(17)
        model.opset_import[0].version = opset
        with pytest.raises(UnsupportedModelError, match=f"operator set {opset} is not supported") as caught:
            to_ir(model)
        assert f"from {OPSETS[0]} to {OPSETS[1]}" in str(caught.value.cure)


@st.composite
def _graphs(draw: st.DrawFn) -> Any:
    """A graph on signals or images, of any layers."""
    two = draw(st.booleans())
    n = draw(st.integers(1, 3))
    sides = [draw(st.integers(4, 9)) for _ in range(2 if two else 1)]
    make = Maker(n, *sides, seed=draw(st.integers(0, 999)), batch=draw(st.sampled_from(["n", 1, 3])))
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(
                ["conv", "conv", "depthwise", "max", "average", "norm", "act", "add", "cat", "scale"]
            )
        )
        if kind in ("conv", "depthwise", "max", "average"):
            n, sides = _window(draw, make, kind, n, sides)
        elif kind == "norm":
            make.norm(n)
        elif kind == "act":
            name, attributes = draw(st.sampled_from(_ACTIVATIONS))
            make(name, **attributes)
        elif kind == "add":
            x = make.last
            make("Add", x, on=make("Relu"))
        elif kind == "cat":
            x = make.last
            make("Concat", x, on=make("Sigmoid"), axis=draw(st.sampled_from([1, -1 - len(sides)])))
            n *= 2
        else:
            number = draw(st.sampled_from([(n, *[1] * len(sides)), (1, n, *[1] * len(sides)), (1,), ()]))
            make(draw(st.sampled_from(["Add", "Sub", "Mul", "Div"])), make.random(*number, positive=True))
        assume(all(side >= 1 for side in sides) and n < 40)
    end = draw(st.sampled_from(["Flatten", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean"]))
    if end == "ReduceMean":
        make(end, axes=list(range(2, 2 + len(sides))), keepdims=draw(st.integers(0, 1)))
    elif end != "Flatten":
        make(end)
    make("Flatten")
    size = n * int(np.prod(sides)) if end == "Flatten" else n
    make("Gemm", make.random(size, 3), make.random(3))
    if draw(st.booleans()):
        make(draw(st.sampled_from(["Softmax", "Sigmoid"])))
    return make.model()


_ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("Relu", {}), ("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.3}), ("Elu", {}), ("Elu", {"alpha": 0.5}),
    ("Sigmoid", {}), ("Tanh", {}), ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 0.3}), ("HardSwish", {}),
    ("Identity", {}),
]  # fmt: skip


def _window(draw: st.DrawFn, make: Maker, kind: str, n: int, sides: list[int]) -> tuple[int, list[int]]:
    k, one = len(sides), st.integers(1, 3)
    size, strides = [draw(one) for _ in sides], [draw(one) for _ in sides]
    dilations = [draw(one) if "pool" not in kind and kind not in ("max", "average") else 1 for _ in sides]
    attributes: dict[str, Any] = {"kernel_shape": size, "strides": strides}
    if any(d > 1 for d in dilations):
        attributes["dilations"] = dilations
    reach = [(s - 1) * d + 1 for s, d in zip(size, dilations, strict=True)]
    auto = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    pads = [0] * (2 * k)
    if auto == "NOTSET":
        limit = [2] * k if kind in ("conv", "depthwise") else [s - 1 for s in size]
        pads = [draw(st.integers(0, limit[i % k])) for i in range(2 * k)]
        attributes["pads"] = pads
    else:
        # ONNX Runtime and the standard differ in what it refuses, or pads, there.
        assume(all(d == 1 for d in dilations) and all(a <= b for a, b in zip(strides, size, strict=True)))
        attributes["auto_pad"] = auto
    assume(all(sides[i] + pads[i] + pads[i + k] >= reach[i] for i in range(k)))
    if auto.startswith("SAME"):
        made = [-(-side // s) for side, s in zip(sides, strides, strict=True)]
    else:
        made = [(sides[i] + pads[i] + pads[i + k] - reach[i]) // strides[i] + 1 for i in range(k)]
    if kind == "max":
        make("MaxPool", **attributes)
    elif kind == "average":
        make("AveragePool", count_include_pad=draw(st.integers(0, 1)), **attributes)
    elif kind == "depthwise":
        times = draw(st.integers(1, 2))
        make("Conv", make.random(n * times, 1, *size), make.random(n * times), group=n, **attributes)
        return n * times, made
    else:
        out = draw(one)
        make(
            "Conv",
            make.random(out, n, *size),
            *([make.random(out)] if draw(st.booleans()) else []),
            **attributes,
        )
        return out, made
    return n, made


@given(_graphs())
@settings(max_examples=80, deadline=None)
def test_random_graphs(model: Any) -> None:
    close_to_library(model)


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]])
@pytest.mark.parametrize("side", [4, 5, 6, 7])
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 3)])
def test_pools_that_round_up(kind: str, side: int, pads: list[int], size: int, stride: int) -> None:
    make = Maker(1, side, side)
    make(kind, kernel_shape=[size] * 2, strides=[stride] * 2, pads=pads, ceil_mode=1)
    make("Flatten")
    close_to_library(make.model())


def test_graphs_that_compute_shapes() -> None:
    """As older exporters write x.view(x.size(0), -1)."""
    make = Maker(2, 4, 4)
    x = make("Relu")
    make("Shape")
    make("Gather", make.constant(0, np.int64), axis=0)
    make("Unsqueeze", make.constant([0], np.int64))
    shape = make("Concat", make.constant([-1], np.int64), axis=0)
    make("Reshape", shape, on=x)
    make("Gemm", make.random(32, 2), make.random(2))
    assert kinds(close_to_library(make.model())) == ["Activation", "Reshape", "Dense"]


def test_products_that_are_activations() -> None:
    for gate, attributes, kind in (
        ("Sigmoid", {}, "swish"), ("HardSigmoid", {"alpha": 1 / 6}, "hard_swish"),
    ):  # fmt: skip
        make = Maker(4)
        x = make("Gemm", make.random(4, 3), make.random(3))
        make("Mul", x, on=make(gate, **attributes))
        make("MatMul", make.random(3, 2))
        network = close_to_library(make.model())
        assert kinds(network) == ["Dense", "Dense"]
        assert network.layers[0].activation == kind  # type: ignore[union-attr]


def test_constants_before_what_they_scale() -> None:
    make = Maker(4)
    make.nodes.append(helper.make_node("Sub", [make.constant([1.0, 2.0, 3.0, 4.0]), "x"], ["y"]))
    make("MatMul", make.random(4, 3), on="y")
    make.nodes.append(helper.make_node("Mul", [make.constant([2.0]), make.last], ["z"]))
    make.last = "z"
    assert kinds(close_to_library(make.model())) == ["Dense"]


def test_graphs_whose_samples_have_channels_last() -> None:
    make = Maker(6, 5, 2)
    make("Transpose", perm=[0, 3, 1, 2])
    make("Conv", make.random(3, 2, 3, 3))
    make("Relu")
    make("Transpose", perm=[0, 2, 3, 1])
    make("Reshape", make.constant([-1, 36], np.int64))
    make("MatMul", make.random(36, 2))
    network = close_to_library(make.model())
    assert kinds(network) == ["Conv", "Reshape", "Dense"]
    assert network.input_shape == (6, 5, 2)


def test_the_reference_evaluator_where_there_is_no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    model = _cnn(17)
    samples = np.random.default_rng(0).normal(size=(3, 144))
    by_runtime = estimator_answers(model, samples)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_close(estimator_answers(model, samples), by_runtime)


def test_features_are_channels_last() -> None:
    make = Maker(2, 2, 3)
    make("Conv", make.constant(np.array([1.0, 100.0]).reshape(1, 2, 1, 1) * np.ones((1, 2, 2, 3))))
    make("Flatten")
    first = np.tile([1.0, 0.0], 6)[np.newaxis]
    network = to_ir(make.model())
    assert evaluate(network, first).tolist() == [[6.0]]
    assert evaluate(network, 1 - first).tolist() == [[600.0]]


def _refused(kind: str, *shape: int, **attributes: Any) -> Any:
    make = Maker(*(shape or (4,)))
    make(kind, **attributes)
    return make.model()


def _with_weights(kind: str, weights: tuple[int, ...], *shape: int, **attributes: Any) -> Any:
    make = Maker(*shape)
    make(kind, make.random(*weights), **attributes)
    return make.model()


def _two_softmaxes() -> Any:
    make = Maker(4)
    make("Softmax")
    make("MatMul", make.random(4, 2))
    return make.model()


def _clip() -> Any:
    make = Maker(4)
    make("Clip", make.constant(-1.0), make.constant(1.0))
    return make.model()


def _growing() -> Any:
    make = Maker(4)
    name = make.random(40_000)
    for _ in range(40):
        name = make("Concat", name, on=name, axis=0)
    return make.model()


def _product() -> Any:
    make = Maker(4)
    x = make("Relu")
    make("Mul", x, on=make("Tanh"))
    return make.model()


def _elsewhere() -> Any:
    make = Maker(4)
    make("MatMul", make.random(4, 2))
    weights = make.weights[0]
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return make.model()


REFUSED: dict[str, tuple[Any, str]] = {
    "another operator": (lambda: _refused("Erf"), r"the operator Erf \('node0'\) is not supported"),
    "one of another domain": (lambda: _refused("Relu", domain="com.example"), "Relu .* is not supported"),
    "integers": (lambda: _refused("QLinearConv"), "computes with integers, and only QDQ form is read"),
    "log softmax": (lambda: _refused("LogSoftmax"), "LogSoftmax"),
    "softmax within": (_two_softmaxes, "softmax within the model"),
    "a clip": (_clip, r"clips to -1\.0 and 1\.0"),
    "constants that grow": (_growing, "makes 80000 constants"),
    "a product": (_product, "only Add can"),
    "groups": (lambda: _with_weights("Conv", (4, 2, 3, 3), 4, 6, 6, group=2), "has 2 groups"),
    "three sides": (lambda: _with_weights("Conv", (1, 1, 2, 2, 2), 1, 3, 3, 3), "input of the shape"),
    "dilated pools": (lambda: _refused("MaxPool", 1, 6, 6, kernel_shape=[2, 2], dilations=[2, 2]),
        "dilations"),
    "a table of numbers": (lambda: _with_weights("Mul", (6, 6), 2, 6, 6), "not one number a channel"),
    "batch matrices": (lambda: _with_weights("MatMul", (1, 4, 2), 4), "weights of 3 dimensions"),
    "other channels": (lambda: _with_weights("Conv", (4, 3, 3, 3), 2, 6, 6), "weights for 3 channels, not 2"),
    "an output that is an image": (lambda: _with_weights("Conv", (4, 2, 3, 3), 2, 6, 6), "channels first"),
    "a moved batch": (lambda: _refused("Transpose", 3, 4, perm=[1, 0, 2]), "moves the batch"),
    "flattened samples": (lambda: _refused("Flatten", 3, 4, axis=2), "use axis=1"),
    "beta": (lambda: _refused("HardSigmoid", beta=0.4), "another beta"),
    "weights in another file": (_elsewhere, "lie in another file"),
    "unknown sizes": (lambda: Maker("k").model("x"), "a shape that is not all known"),
    "nothing": (lambda: _refused("Identity"), "the model has no layers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name: str) -> None:
    make, text = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(make())
    assert caught.value.cure


def test_graphs_that_are_refused() -> None:
    make = Maker(4)
    a, b = make("Relu"), make("Tanh")
    with pytest.raises(UnsupportedModelError, match="2 outputs"):
        to_ir(make.model(a, b))
    more = [helper.make_tensor_value_info("y", FLOAT, ["n", 4])]
    with pytest.raises(UnsupportedModelError, match="2 inputs"):
        to_ir(make.model(more=more))
    with pytest.raises(MilliwattError, match="refuses missing values"):
        to_ir(make.model(), nan="follow")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model = _cnn(17)
    onnx.save(model, path)
    found = load_estimator(path, trust_pickle=False)
    assert to_ir(found).layers == to_ir(model).layers
    close_to_library(found)
    path.write_bytes(b"no model")
    with pytest.raises(MilliwattError, match="not a whole ONNX model") as caught:
        load_estimator(path, trust_pickle=False)
    assert caught.value.file == str(path)


def test_damaged_files_give_one_clear_error(tmp_path: Path) -> None:
    raw, rng = _cnn(17).SerializeToString(), np.random.default_rng(3)
    path, converted = tmp_path / "net.onnx", 0
    for _ in range(300):
        broken = bytearray(raw)
        for at in rng.integers(0, len(raw), 3):
            broken[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(broken) if rng.random() < 0.8 else raw[: int(rng.integers(len(raw)))])
        try:
            to_ir(load_estimator(path, trust_pickle=False))
            converted += 1
        except MilliwattError:
            continue
    assert 10 < converted < 290
