"""How close a converted network has to come to its library."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host.evaluate_network import evaluate
from milliwatt.ir import Network, loads, validate
from milliwatt.ir.serialize import dumps

RELATIVE = 1e-5  # of the largest answer


def close_to_library(model: Any, seed: int = 0, rows: int = 5) -> Network:
    """Convert, compare with what the library answers, and go through the hand-over file and back."""
    network = to_ir(model)
    assert isinstance(network, Network)
    assert validate(network) is network
    assert loads(dumps(network)) == network
    samples = np.random.default_rng(seed).normal(size=(rows, network.n_features)).astype(np.float32)
    assert_close(evaluate(network, samples), estimator_answers(model, samples.astype(np.float64)))
    return network


def assert_close(got: NDArray[Any], want: NDArray[Any]) -> None:
    """Equal up to ``RELATIVE``."""
    assert got.shape == want.shape
    largest = float(np.abs(want).max())
    np.testing.assert_allclose(got, want, rtol=0, atol=RELATIVE * largest + 1e-30)


def kinds(network: Network) -> list[str]:
    """The names of a network's layers."""
    return [type(layer).__name__ for layer in network.layers]
