"""The oracle of networks against the definitions in the docstrings of ``ir.network``, number by number."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.networks import NetworkSpec, build_network, network_specs, samples_of
from numpy.typing import NDArray

from milliwatt.host import evaluate_network
from milliwatt.host.evaluate_committee import decide, evaluate, scores
from milliwatt.ir.network import (
    ACTIVATIONS,
    Activation,
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Pad,
    Reshape,
)  # fmt: skip
from milliwatt.ir.network_shapes import windows


def _activated(kind: str, alpha: float, x: float) -> float:
    if kind == "sigmoid":
        return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
    return {
        "identity": lambda: x,
        "relu": lambda: x if x > 0 else 0.0,
        "relu6": lambda: min(max(x, 0.0), 6.0),
        "leaky_relu": lambda: x if x >= 0 else alpha * x,
        "elu": lambda: x if x >= 0 else alpha * (math.exp(x) - 1),
        "tanh": lambda: math.tanh(x),
        "hard_sigmoid": lambda: min(max(alpha * x + 0.5, 0.0), 1.0),
        "hard_swish": lambda: x * min(max(x + 3, 0.0), 6.0) / 6,
        "swish": lambda: x * _activated("sigmoid", 0.0, x),
    }[kind]()


def _slow(layer: FloatLayer, given: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """One sample through one layer."""
    x = given[0]
    out = np.zeros(layer.shape)
    for place in itertools.product(*map(range, layer.shape)):
        out[place] = _number(layer, given, x, place)
    return out


def _number(
    layer: FloatLayer, given: list[NDArray[np.float64]], x: NDArray[np.float64], place: tuple[int, ...]
) -> float:
    if isinstance(layer, Reshape):
        return float(x.ravel()[np.ravel_multi_index(place, layer.shape)])
    if isinstance(layer, Concat):
        return float(np.concatenate(given, axis=-1)[place])
    if isinstance(layer, Pad):
        y, z = place[0] - layer.padding[0], place[1] - layer.padding[1]
        return float(x[y, z, place[2]]) if 0 <= y < x.shape[0] and 0 <= z < x.shape[1] else 0.0
    if isinstance(layer, MaxPool | AveragePool):
        return _window(layer, x, place)
    assert isinstance(layer, Dense | Conv | Depthwise | Add | Activation)
    if isinstance(layer, Add):
        total = sum(float(one[place]) for one in given)
    elif isinstance(layer, Activation):
        total = float(x[place])
    else:
        total = _weighted(layer, x, place)
    return _activated(layer.activation, layer.alpha, total)


def _weighted(layer: Dense | Conv | Depthwise, x: NDArray[np.float64], place: tuple[int, ...]) -> float:
    weights = np.array(layer.weights.numbers(), dtype=float).reshape(layer.weights.shape)
    total = float(layer.bias.numbers()[place[-1]])
    if isinstance(layer, Dense):
        return total + math.fsum(x[i] * weights[i, place[0]] for i in range(layer.n_in))
    for i, j, c in itertools.product(*map(range, weights.shape[:3])):
        y = place[0] * layer.strides[0] + i * layer.dilation[0] - layer.padding[0]
        z = place[1] * layer.strides[1] + j * layer.dilation[1] - layer.padding[1]
        if not (0 <= y < x.shape[0] and 0 <= z < x.shape[1]):
            continue
        if isinstance(layer, Conv):
            total += x[y, z, c] * weights[i, j, c, place[2]]
        elif place[2] // weights.shape[3] == c:
            total += x[y, z, c] * weights[i, j, c, place[2] % weights.shape[3]]
    return total


def _window(layer: MaxPool | AveragePool, x: NDArray[np.float64], place: tuple[int, ...]) -> float:
    seen = []
    for i, j in itertools.product(*map(range, layer.size)):
        y = place[0] * layer.strides[0] + i - layer.padding[0]
        z = place[1] * layer.strides[1] + j - layer.padding[1]
        if 0 <= y < x.shape[0] and 0 <= z < x.shape[1]:
            seen.append(float(x[y, z, place[2]]))
    if isinstance(layer, MaxPool):
        return max(seen)
    return math.fsum(seen) / (layer.size[0] * layer.size[1] if layer.counts_padding else len(seen))


@given(network_specs())
@settings(max_examples=40, deadline=None)
def test_every_tensor_is_what_the_definitions_say(spec: NetworkSpec) -> None:
    model = build_network(spec)
    samples = samples_of(model, spec.seed, rows=1)
    found = evaluate_network.tensors(model, samples)
    assert [tensor.shape[1:] for tensor in found] == list(model.shapes)
    for index, layer in enumerate(model.layers):
        given = [found[number][0] for number in layer.inputs]
        want = _slow(layer, given)
        scale = max(1.0, float(np.abs(want).max()))
        np.testing.assert_allclose(
            found[index + 1][0], want, rtol=1e-9, atol=1e-11 * scale, err_msg=str(index)
        )


def test_random_networks_have_every_kind_of_layer() -> None:
    models = [build_network(NetworkSpec(seed, n_layers=9)) for seed in range(60)]
    layers = [layer for model in models for layer in model.layers]
    kinds = (Dense, Conv, Depthwise, MaxPool, AveragePool, Activation, Add, Concat, Reshape, Pad)
    assert {type(layer) for layer in layers} == set(kinds)
    fused = {getattr(layer, "activation", "identity") for layer in layers}
    assert fused == set(ACTIVATIONS)


@given(*[st.integers(1, 9)] * 4, st.integers(0, 3), st.integers(0, 3))
def test_how_many_windows_fit(
    size: int, window: int, stride: int, dilation: int, before: int, after: int
) -> None:
    reach = (window - 1) * dilation + 1
    fitting = [at for at in range(0, size + before + after, stride) if at + reach <= size + before + after]
    assert max(0, windows(size, window, stride, dilation, before, after)) == len(fitting)


@pytest.mark.parametrize("link", ["identity", "softmax", "labels", "shares", "exp", "sigmoid"])
def test_what_links_make_of_scores(link: str) -> None:
    model = build_network(NetworkSpec(3, shape=(4,), n_layers=0, link=link))
    samples = samples_of(model, 5)
    reached = scores(model, samples)
    answers = evaluate(model, samples)
    assert answers.shape == (4, model.n_columns)
    for row, answer in zip(reached, answers, strict=True):
        if link == "softmax":
            want = [math.exp(s) / sum(map(math.exp, row)) for s in row]
        elif link == "sigmoid":
            p = 1 / (1 + math.exp(-row[0]))
            want = [1 - p, p]
        else:
            want = [{"identity": s, "exp": math.exp(s)}.get(link, 1 / (1 + math.exp(-s))) for s in row]
        np.testing.assert_allclose(answer, want, rtol=1e-12)
    if link in ("softmax", "sigmoid"):
        assert decide(model, reached).tolist() == answers.argmax(axis=1).tolist()


def test_large_scores_do_not_overflow() -> None:
    for kind in ACTIVATIONS:
        values = np.array([[-1e4, -50.0, 0.0, 50.0, 1e4]])
        found = evaluate_network.activated(kind, 0.2, values)
        assert np.isfinite(found).all(), kind
        np.testing.assert_allclose(
            found[0], [_activated(kind, 0.2, x) for x in values[0]], rtol=1e-12, atol=1e-12, err_msg=kind
        )
    softmax = build_network(NetworkSpec(3, shape=(4,), n_layers=0, link="softmax"))
    assert np.isfinite(evaluate_network.answers(softmax, np.array([[1e4, -1e4, 0.0]]))).all()
