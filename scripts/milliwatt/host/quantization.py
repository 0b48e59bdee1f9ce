"""Quantises a network with the numpy oracles, and measures each layer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from milliwatt.host import evaluate_integers as whole
from milliwatt.host import evaluate_network as floats
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import Concat, Layer, MaxPool, Network, Pad, Reshape
from milliwatt.ir.network_grids import grids, score_units
from milliwatt.ir.network_integers import Grid
from milliwatt.ir.quantization import LayerError
from milliwatt.passes import grids as chosen
from milliwatt.passes.quantize import Oracle, Quantized, is_input, quantize
from milliwatt.passes.quantize_order import clamps_before_pools

_ORACLE = Oracle(floats.run_layer, whole.run_layer, floats.activated, whole.quantized_features)
Floats = NDArray[np.float64]
_WORDS = {"AveragePool": "average pool"}
_NO_ERROR_DB = 200.0
_MOST_ROWS = 2000
_MOST_NUMBERS = 20_000_000  # of all tensors of all rows


def quantize_network(
    model: Network, features: NDArray[np.float64] | None
) -> tuple[Network, tuple[LayerError, ...]]:
    """The network in integers, as ``model.quantize`` says, and how far each of its layers is off.

    Args:
        model: a float network; dtype and scale are decided.
        features: calibration data as the device takes them, shape (rows, features). A network whose file
            says its integers (``model.hints``) needs none, and then no layer is measured.

    Raises:
        UnsupportedModelError: sums do not fit 32 bits; or what the file says cannot be kept.
    """
    if features is None:
        return quantize(model, None, _ORACLE).network, ()
    model = model if model.hints else clamps_before_pools(model)
    size = sum(int(np.prod(shape)) for shape in model.shapes)
    rows = max(1, min(_MOST_ROWS, _MOST_NUMBERS // size))
    some = np.asarray(features[:: -(-len(features) // rows)], dtype=np.float64)
    made = quantize(model, some, _ORACLE)
    return made.network, _errors(model, made, some)


def _errors(model: Network, made: Quantized, features: NDArray[np.float64]) -> tuple[LayerError, ...]:
    scale = np.asarray(model.scale) if model.scale else 1.0
    real = [(features / scale).reshape(len(features), *model.shapes[0])]
    integers = whole.tensors(made.network, features)
    known = grids(made.network)
    found = []
    for index, layer in enumerate(model.layers):
        real.append(floats.run_layer(layer, [real[number] for number in layer.inputs]))
        if isinstance(layer, MaxPool | Reshape | Pad | Concat):
            continue
        number = made.tensor_of[index + 1]
        exact = {}
        for given in layer.inputs:
            tensor = made.tensor_of[given]
            itself = is_input(made.network.layers, tensor)
            exact[tensor] = integers[tensor] if itself else _as_integers(real[given], known[tensor])
        alone = _run(made, index, exact, known)
        found.append(
            LayerError(
                _label(index, layer),
                _noise_db(_real_values(made.network, integers[number], known[number]), real[-1]),
                _noise_db(_real_values(made.network, alone, known[number]), real[-1]),
                _clipped(real[-1], known[number]),
                number,
            )
        )
    return tuple(found)


def _as_integers(real: Floats, grid: Grid | None) -> whole.Integers:
    """A tensor as exact as its integers allow."""
    assert grid is not None
    return chosen.of(grid, real)


def _run(
    made: Quantized, index: int, tensors: dict[int, whole.Integers], known: tuple[Grid | None, ...]
) -> whole.Integers:
    """What the integer layers that stand for one float layer make of its inputs."""
    for number in range(max(made.tensor_of[: index + 1]) + 1, made.tensor_of[index + 1] + 1):
        layer = made.network.layers[number - 1]
        given = [tensors[n] for n in layer.inputs]
        tensors[number] = whole.run_layer(layer, given, known[layer.inputs[0]], known[number])
    return tensors[made.tensor_of[index + 1]]


def _real_values(network: Network, values: whole.Integers, grid: Grid | None) -> Floats:
    if grid is None:
        return np.asarray(values * np.asarray(score_units(network)), dtype=np.float64)
    return chosen.real(grid, values)


def _noise_db(reached: Floats, real: Floats) -> float:
    """Mean square of the real numbers over that of the error, in decibels; 200 where there is no error."""
    error = float(((reached.reshape(real.shape) - real) ** 2).mean())
    power = float((real**2).mean())
    if error <= power * 1e-20:
        return _NO_ERROR_DB
    return 10.0 * math.log10(power / error) if power else -_NO_ERROR_DB


def _clipped(real: Floats, grid: Grid | None) -> float:
    """The fraction of numbers that lie beyond the integers, by more than a hundredth of their range."""
    if grid is None:
        return 0.0
    steps, room = real / grid.unit + grid.zero, (grid.high - grid.low) / 100
    return float(((steps < grid.low - room) | (steps > grid.high + room)).mean())


def _label(index: int, layer: Layer) -> str:
    words = [str(index), _WORDS.get(type(layer).__name__, type(layer).__name__.lower())]
    kind = getattr(layer, "activation", IDENTITY)
    return " ".join([*words, kind] if kind != IDENTITY else words)
