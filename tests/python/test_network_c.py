"""The C of networks of floats: what it answers, beside the oracle in float64."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from mwtest.integer_networks import integer_samples, integers
from mwtest.network_runs import QUICK, SANITIZERS, Case, run
from mwtest.networks import NetworkSpec, build_network, numbers, samples_of
from numpy.typing import NDArray

from milliwatt.host import evaluate_network
from milliwatt.host.evaluate_integers import integer_scores
from milliwatt.ir import Network, validate
from milliwatt.ir.network import (
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Reshape,
)  # fmt: skip

RELATIVE = 1e-5  # of the largest number


def _networks(seeds: range) -> list[Network]:
    shapes = ((6, 5, 2), (1, 9, 3), (7, 1, 1), (9,), (8, 8, 4), (5, 6, 3))
    return [
        build_network(NetworkSpec(seed, shapes[seed % len(shapes)], seed % 12, 2 + seed % 4))
        for seed in seeds
    ]


def _assert_close(model: Network, found: NDArray[np.generic], samples: NDArray[np.generic]) -> None:
    tensors = evaluate_network.tensors(model, samples)
    largest = max(float(np.abs(tensor).max()) for tensor in tensors)
    np.testing.assert_allclose(found, tensors[-1], rtol=RELATIVE, atol=RELATIVE * largest)


@pytest.mark.parametrize(("flags", "seeds"), [(QUICK, range(100)), (SANITIZERS, range(100, 150))])
def test_random_networks_score_as_the_oracle(flags: tuple[str, ...], seeds: range, tmp_path: Path) -> None:
    cases = [Case(model, samples_of(model, 7, rows=3).astype(np.float32)) for model in _networks(seeds)]
    for case, found in zip(cases, run(cases, tmp_path, flags), strict=True):
        _assert_close(case.model, found, case.samples)


def _kernels() -> list[Network]:
    """Every kind of layer on images of 1 to 5 channels, alone before a dense layer."""
    rng = np.random.default_rng(8)
    found = []
    for channels, (rows, columns) in itertools.product(range(1, 6), ((1, 1), (2, 3), (3, 1), (1, 2))):
        shape = (4, 3, channels)
        window = {"strides": (1, 1), "inputs": (0,)}
        made = (5 - rows, 4 - columns)
        layers: list[FloatLayer] = [
            MaxPool(shape=(*made, channels), size=(rows, columns), **window),
            AveragePool(shape=(*made, channels), size=(rows, columns), **window),
        ]
        for times in (1, 2, 3):
            weights = numbers(rng, rows, columns, channels, times)
            layers += [
                Depthwise(weights, numbers(rng, channels * times), shape=(*made, channels * times), **window),
                Conv(weights, numbers(rng, times), shape=(*made, times), **window),
            ]
        for layer in layers:
            n = int(np.prod(layer.shape))
            rest = (Reshape((1,), (n,)), Dense(numbers(rng, n, 2), numbers(rng, 2), inputs=(2,)))
            found.append(validate(Network("regressor", 12 * channels, (layer, *rest), input_shape=shape)))
    return found


def test_every_kernel_stays_within_its_buffers(tmp_path: Path) -> None:
    cases = []
    for index, model in enumerate(_kernels()):
        cases.append(Case(model, samples_of(model, 1, rows=1).astype(np.float32)))
        whole = integers(model, index, bits=(8, 16)[index % 2], dtype=("uint8", "float")[index % 2])
        cases.append(Case(whole, integer_samples(whole, 1, rows=2)))
    for case, found in zip(cases, run(cases, tmp_path, SANITIZERS), strict=True):
        if case.model.is_integer:
            np.testing.assert_array_equal(found, integer_scores(case.model, case.samples))
        else:
            _assert_close(case.model, found, case.samples)
