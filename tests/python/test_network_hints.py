"""What a file says about integers stays with its layers and tensors while networks are folded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from mwtest.networks import NetworkSpec, build_network, network_specs, numbers, samples_of
from numpy.typing import NDArray

from milliwatt.host.evaluate_network import activated, tensors
from milliwatt.ir.network import Activation, Conv, Dense, Depthwise, Network, Pad, Reshape, Scale
from milliwatt.ir.network_integers import Grid
from milliwatt.ir.quantization_hints import LayerHint, QuantizationHints
from milliwatt.passes.fold_networks import fold_network


def _grid(tensor: int) -> Grid:
    """A grid that is that tensor's alone."""
    return Grid(float(tensor + 1), 0, 0, 255)


def _hinted(model: Network, seed: int) -> Network:
    """Every layer under its number; every tensor, or some, on a grid that says which it is."""
    rng, hints = np.random.default_rng(seed), []
    some = rng.random() < 0.7
    for index, layer in enumerate(model.layers):
        units = (1.0 + index,) * layer.bias.size if isinstance(layer, Dense | Conv | Depthwise) else ()
        silent = isinstance(layer, Pad) or (some and rng.random() < 0.5)
        hints.append(LayerHint(str(index), units, None if silent else _grid(index + 1)))
    return dataclasses.replace(model, hints=QuantizationHints(8, tuple(hints), _grid(0)))


def _tensor(grid: Grid) -> int:
    return int(grid.unit) - 1


def _same_numbers(got: NDArray[np.float64], want: NDArray[np.float64]) -> None:
    atol = 1e-4 * float(np.abs(want).max()) + 1e-6
    np.testing.assert_allclose(got.reshape(len(got), -1), want.reshape(len(want), -1), rtol=0, atol=atol)


@given(network_specs(scales=True))
@settings(max_examples=150, deadline=None)
def test_hints_are_those_of_the_same_weights_and_tensors(spec: NetworkSpec) -> None:
    model = _hinted(build_network(spec), spec.seed)
    folded = fold_network(model)
    assert folded.hints is not None
    assert len(folded.hints.layers) == len(folded.layers)
    samples = samples_of(model, spec.seed)
    before, after = tensors(model, samples), tensors(folded, samples)
    for index, (layer, hint) in enumerate(zip(folded.layers, folded.hints.layers, strict=True)):
        if hint.grid is not None:
            _same_numbers(after[index + 1], before[_tensor(hint.grid)])
        if hint.before is not None:
            assert not isinstance(layer, Reshape)
            own = activated(layer.activation, layer.alpha, before[_tensor(hint.before)])
            _same_numbers(after[index + 1], own)
        if hint.units:
            assert isinstance(layer, Dense | Conv | Depthwise)
            source = model.layers[int(hint.name)]
            assert isinstance(source, Dense | Conv | Depthwise)
            assert layer.weights == source.weights
            assert hint.units == (1.0 + int(hint.name),) * layer.bias.size


@pytest.mark.parametrize("scaled", [True, False])
def test_an_offset_leaves_weights_the_files_and_a_scale_does_not(scaled: bool) -> None:
    model = _hinted(build_network(NetworkSpec(seed=1, shape=(4,), n_layers=0)), 0)
    last = len(model.layers)
    n = model.n_outputs
    one = dataclasses.replace(model.layers[-1].bias, data=np.ones(n, "<f4").tobytes())  # type: ignore[union-attr]
    two = dataclasses.replace(one, data=np.full(n, 2.0, "<f4").tobytes())
    scale = Scale(two if scaled else one, two, (last,), (n,))
    assert model.hints is not None
    hints = (*model.hints.layers, LayerHint("the norm", (), _grid(77)))
    folded = fold_network(
        dataclasses.replace(
            model, layers=(*model.layers, scale), hints=dataclasses.replace(model.hints, layers=hints)
        )
    )
    assert folded.hints is not None
    hint = folded.hints.layers[-1]
    assert (len(folded.layers), hint.grid) == (last, _grid(77))
    assert bool(hint.units) != scaled
    assert ("the norm" in hint.problem) == scaled


@pytest.mark.parametrize("between", ["the same", "nothing", "another"])
def test_an_activation_behind_a_reshape(between: str) -> None:
    """It moves to the sums, whose grid is then the one before it; a change of scales stays where it is."""
    rng = np.random.default_rng(0)
    conv = Conv(numbers(rng, 1, 1, 2, 3), numbers(rng, 3), (0,), (2, 2, 3))
    layers = (
        conv,
        Reshape((1,), (12,)),
        Activation((2,), (12,), "relu"),
        Dense(numbers(rng, 12, 2), numbers(rng, 2), inputs=(3,)),
    )
    said = {"the same": _grid(1), "nothing": None, "another": _grid(5)}[between]
    hints = (
        LayerHint("conv", (1.0, 1.0, 1.0), _grid(1)),
        LayerHint("row", (), said),
        LayerHint("relu", (), _grid(3)),
        LayerHint("dense", (1.0, 1.0)),
    )
    model = Network("regressor", 8, layers, input_shape=(2, 2, 2), hints=QuantizationHints(8, hints))
    folded = fold_network(model)
    assert folded.hints is not None
    found = [(hint.before, hint.grid) for hint in folded.hints.layers]
    if between == "another":
        assert [type(layer).__name__ for layer in folded.layers] == ["Conv", "Reshape", "Activation", "Dense"]
        assert found == [(None, _grid(1)), (None, said), (None, _grid(3)), (None, None)]
    else:
        assert [type(layer).__name__ for layer in folded.layers] == ["Conv", "Reshape", "Dense"]
        assert found == [(_grid(1), _grid(3)), (None, None), (None, None)]


def test_a_grid_that_only_a_pad_or_a_reshape_has_is_that_of_what_they_move() -> None:
    rng = np.random.default_rng(0)
    conv = Conv(numbers(rng, 3, 3, 2, 3), numbers(rng, 3), (1,), (2, 2, 3))
    layers = (Pad((0,), (4, 4, 2), (1, 1, 1, 1)), conv, Reshape((2,), (2, 2, 3)), Reshape((3,), (12,)))
    hints = (LayerHint("pad", (), _grid(1)), LayerHint("conv"), LayerHint("r", (), _grid(3)), LayerHint("s"))
    model = Network("regressor", 8, layers, input_shape=(2, 2, 2), hints=QuantizationHints(8, hints))
    folded = fold_network(model)
    assert folded.hints is not None
    assert folded.hints.input == _grid(1)
    assert folded.hints.layers[0].grid == _grid(3)
    # Where the input has another one, the padding stays a layer, behind which it changes.
    other = dataclasses.replace(model, hints=QuantizationHints(8, hints, _grid(0)))
    assert isinstance(fold_network(other).layers[0], Pad)
