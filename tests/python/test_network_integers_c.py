"""The C of networks of integers: the very numbers of the oracle, whatever compiles it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mwtest.integer_networks import integer_samples, integers
from mwtest.network_runs import QUICK, SANITIZERS, Case, run
from mwtest.networks import NetworkSpec, build_network

from milliwatt.host import evaluate_integers
from milliwatt.ir import Network

DTYPES = ("float", "int8", "uint8", "int16")


def _networks(seeds: range) -> list[Network]:
    shapes = ((6, 5, 2), (1, 9, 3), (7, 1, 1), (9,), (8, 8, 4), (5, 6, 3), (12,), (4, 4, 8))
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        shape = shapes[rng.integers(len(shapes))]
        spec = NetworkSpec(seed, shape, int(rng.integers(0, 12)), int(rng.integers(2, 6)))
        bits, dtype = (8, 16)[rng.integers(2)], DTYPES[rng.integers(len(DTYPES))]
        found.append(integers(build_network(spec), seed, bits=bits, dtype=dtype, scores=rng.random() < 0.7))
    return found


@pytest.mark.parametrize(
    ("flags", "seeds"), [(QUICK, range(100)), (("-O3",), range(100, 140)), (SANITIZERS, range(140, 230))]
)
def test_random_networks_give_the_integers_of_the_oracle(
    flags: tuple[str, ...], seeds: range, tmp_path: Path
) -> None:
    cases = [Case(model, integer_samples(model, 3, rows=6)) for model in _networks(seeds)]
    for case, found in zip(cases, run(cases, tmp_path, flags), strict=True):
        want = evaluate_integers.integer_scores(case.model, case.samples)
        np.testing.assert_array_equal(found, want, err_msg=repr(case.model.layers)[:500])


def test_random_networks_of_integers_are_worth_comparing() -> None:
    """Most tensors hold many different numbers, and some reach the ends of their ranges."""
    varied = 0
    clamped = {"low": 0, "high": 0}
    tensors = 0
    for model in _networks(range(60)):
        assert model.input_map is not None
        for values in evaluate_integers.tensors(model, integer_samples(model, 3, rows=6)):
            tensors += 1
            varied += len(np.unique(values)) > min(10, values.size // 8)
            clamped["low"] += bool((values == model.input_map.low).any())
            clamped["high"] += bool((values == model.input_map.high).any())
    assert varied > 0.7 * tensors
    assert min(clamped.values()) > 0.1 * tensors
