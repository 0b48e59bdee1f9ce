"""Folded networks answer the same, with fewer layers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from mwtest.networks import NetworkSpec, build_network, network_specs, numbers, samples_of

from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.host.evaluate_network import scores
from milliwatt.ir import validate
from milliwatt.ir.network import (
    Activation,
    Add,
    Array,
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Network,
    Pad,
    Reshape,
    Scale,
    Shape,
)  # fmt: skip
from milliwatt.passes.fold_networks import fold_network

RNG = np.random.default_rng(1)


def _same(model: Network, folded: Network, seed: int = 3) -> None:
    samples = samples_of(model, seed)
    want, got = scores(model, samples), scores(folded, samples)
    # Weights are rounded to float32, and where sums cancel that is all one sees.
    scale = max(float(np.abs(tensor).max()) for tensor in _tensors(model, samples))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=3e-6 * scale)


def _tensors(model: Network, samples: np.ndarray) -> list[np.ndarray]:
    from milliwatt.host.evaluate_network import tensors

    return tensors(model, samples)


@given(network_specs(scales=True))
@settings(max_examples=150, deadline=None)
def test_random_networks_answer_the_same(spec: NetworkSpec) -> None:
    model = build_network(spec)
    folded = fold_network(model)
    assert not any(isinstance(layer, Scale) for layer in folded.layers)
    assert validate(folded) is folded
    assert fold_network(folded) == folded
    _same(model, folded, spec.seed)


def _network(shape: Shape, *layers: FloatLayer) -> Network:
    """The layers and a dense one at the end, which all numbers reach."""
    last = layers[-1].shape if layers else shape
    n = int(np.prod(last))
    flat: list[FloatLayer] = [*layers]
    if len(last) != 1:
        flat.append(Reshape((len(flat),), (n,)))
    flat.append(Dense(numbers(RNG, n, 2), numbers(RNG, 2), inputs=(len(flat),)))
    return Network("regressor", int(np.prod(shape)), tuple(flat), input_shape=shape)


def _conv(
    tensor: int = 0, padding: tuple[int, int, int, int] = (0, 0, 0, 0), activation: str = "identity"
) -> Conv:
    side = 4 + padding[0] + padding[2]
    shape = (side - 2, 4 + padding[1] + padding[3] - 2, 2)
    return Conv(
        numbers(RNG, 3, 3, 2, 2), numbers(RNG, 2), (tensor,), shape, padding=padding, activation=activation
    )


def _scale(tensor: int, shape: Shape, *, plain: bool = False) -> Scale:
    n = shape[-1]
    offset = Array((n,), "float32", bytes(4 * n)) if plain else numbers(RNG, n)
    return Scale(numbers(RNG, n), offset, (tensor,), shape)


def _depthwise(tensor: int = 0) -> Depthwise:
    return Depthwise(numbers(RNG, 3, 3, 2, 3), numbers(RNG, 6), (tensor,), (2, 2, 6))


IMAGE = (4, 4, 2)
SAME = (1, 1, 1, 1)
CASES: dict[str, tuple[tuple[FloatLayer, ...], list[type]]] = {
    "after a convolution": ((_conv(), _scale(1, (2, 2, 2))), [Conv, Reshape, Dense]),
    "after a depthwise one": ((_depthwise(), _scale(1, (2, 2, 6))), [Depthwise, Reshape, Dense]),
    "after it, with its activation": (
        (_conv(), _scale(1, (2, 2, 2)), Activation((2,), (2, 2, 2), "relu")), [Conv, Reshape, Dense],
    ),
    "before a convolution": ((_scale(0, IMAGE), _conv(1)), [Conv, Reshape, Dense]),
    "before a depthwise one": ((_scale(0, IMAGE), _depthwise(1)), [Depthwise, Reshape, Dense]),
    "before padding": ((_scale(0, IMAGE), _conv(1, SAME)), [Depthwise, Conv, Reshape, Dense]),
    "before padding, without offset": (
        (_scale(0, IMAGE, plain=True), _conv(1, SAME)), [Conv, Reshape, Dense],
    ),
    "behind an activation": (
        (_conv(activation="relu"), _scale(1, (2, 2, 2)), Activation((2,), (2, 2, 2), "tanh")),
        [Conv, Depthwise, Reshape, Dense],
    ),
    "twice": ((_scale(0, IMAGE), _scale(1, IMAGE)), [Reshape, Dense]),
    "before a flatten and a dense layer": ((_scale(0, IMAGE),), [Reshape, Dense]),
    "of an activation, flat": (
        (
            Reshape((0,), (32,)), Activation((1,), (32,), "relu"), _scale(2, (32,)),
            Activation((3,), (32,), "tanh"),
        ),
        [Reshape, Activation, Reshape, Depthwise, Reshape, Dense],
    ),
    "padding before a convolution": (
        (Pad((0,), (6, 6, 2), SAME), dataclasses.replace(_conv(1), shape=(4, 4, 2)),
    ),
                                     [Conv, Reshape, Dense]),
    "padding before an average": (
        (Pad((0,), (6, 6, 2), SAME), AveragePool((1,), (3, 3, 2), (2, 2), (2, 2))),
        [AveragePool, Reshape, Dense],
    ),
    "padding before a maximum": (
        (Pad((0,), (6, 6, 2), SAME), MaxPool((1,), (3, 3, 2), (2, 2), (2, 2))),
        [Pad, MaxPool, Reshape, Dense],
    ),
    "padding as wide as an average": (
        (Pad((0,), (6, 6, 2), SAME), AveragePool((1,), (6, 6, 2), (1, 1), (1, 1))),
        [Pad, AveragePool, Reshape, Dense],
    ),
    "padding twice": ((Pad((0,), (6, 6, 2), SAME), Pad((1,), (8, 8, 2), SAME)), [Pad, Reshape, Dense]),
    "an activation of a sum": (
        (_conv(), Add((1, 1), (2, 2, 2)), Activation((2,), (2, 2, 2), "relu")), [Conv, Add, Reshape, Dense],
    ),
    "an activation of a flattened image": (
        (_conv(), Reshape((1,), (8,)), Activation((2,), (8,), "relu")), [Conv, Reshape, Dense],
    ),
    "an activation of one": (
        (_conv(activation="relu"), Activation((1,), (2, 2, 2), "tanh")), [Conv, Activation, Reshape, Dense],
    ),
    "a convolution that is read twice": (
        (_conv(), _scale(1, (2, 2, 2)), Add((1, 2), (2, 2, 2))), [Conv, Depthwise, Add, Reshape, Dense],
    ),
    "layers nobody reads": ((_conv(), _depthwise(), _conv(1 - 1)), [Conv, Reshape, Dense]),
    "reshapes in a row": (
        (Reshape((0,), (32,)), Reshape((1,), (8, 2, 2)), Reshape((2,), (32,))), [Reshape, Dense],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_layers(name: str) -> None:
    layers, kinds = CASES[name]
    model = _network(IMAGE, *layers)
    folded = fold_network(model)
    assert [type(layer) for layer in folded.layers] == kinds
    _same(model, folded)


def test_weights_that_float32_cannot_hold() -> None:
    huge = Array((2,), "float32", np.full(2, 1e38, "<f4").tobytes())
    layers = (_conv(), dataclasses.replace(_scale(1, (2, 2, 2)), scale=huge), _scale(2, (2, 2, 2)))
    grown = dataclasses.replace(
        layers[0], weights=Array((3, 3, 2, 2), "float32", np.full(36, 1e3, "<f4").tobytes())
    )
    with pytest.raises(UnsupportedModelError, match="does not fit float32 once batch normalisation"):
        fold_network(_network(IMAGE, grown, *layers[1:]))


def test_a_scale_is_no_part_of_a_valid_network() -> None:
    with pytest.raises(ModelFileError, match="Scale cannot be here"):
        validate(_network(IMAGE, _scale(0, IMAGE)))


def _pooled(conv_side: int, size: tuple[int, int]) -> Network:
    """Conv, ReLU, a convolution to three channels, a mean, a row: as fully convolutional networks end."""
    rest = (4 - size[0] + 1, 5 - size[1] + 1)
    layers: tuple[FloatLayer, ...] = (
        Conv(numbers(RNG, 3, 3, 2, 4), numbers(RNG, 4), (0,), (4, 5, 4), padding=(1, 1, 1, 1)),
        Conv(
            numbers(RNG, conv_side, conv_side, 4, 3), numbers(RNG, 3), (1,), (4, 5, 3),
            padding=(0, 0, conv_side - 1, conv_side - 1),
        ),
        AveragePool((2,), (*rest, 3), size, (1, 1)),
        Reshape((3,), (rest[0] * rest[1] * 3,)),
    )  # fmt: skip
    return validate(Network("regressor", 40, layers, input_shape=(4, 5, 2)))


def test_the_mean_comes_before_a_convolution_of_one_by_one() -> None:
    model = _pooled(1, (4, 5))
    folded = fold_network(model)
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert kinds == ["Conv", "AveragePool", "Reshape", "Dense"]
    assert folded.n_macs < model.n_macs
    _same(model, folded)


@pytest.mark.parametrize(("side", "size"), [(2, (4, 5)), (1, (4, 4)), (1, (2, 2))])
def test_other_means_stay_where_they_are(side: int, size: tuple[int, int]) -> None:
    model = _pooled(side, size)
    assert [type(layer).__name__ for layer in fold_network(model).layers][1:3] == ["Conv", "AveragePool"]
