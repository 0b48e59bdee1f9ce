"""Networks at the limits of what kernels count and what 32 bits hold: right, or refused with words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from mwtest.network_runs import SANITIZERS, Case, run
from mwtest.networks import numbers, samples_of

from milliwatt.emit.net_plan import plan_network
from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.host.evaluate_network import tensors
from milliwatt.host.quantization import quantize_network
from milliwatt.ir import Network, validate
from milliwatt.ir.network import Activation, Add, Array, Concat, Dense
from milliwatt.ir.network_integers import Grid, InputMap, IntDense, Requantize


def _whole(kind: str, values: object) -> Array:
    found = np.asarray(values)
    return Array(found.shape, kind, found.astype(kind).tobytes())


def _scaled(scale: int, offset: int) -> Network:
    """Eight bytes times 127, and their sum times ``scale``."""
    grid = Grid(0.1, 0, 0, 255)
    one, two = np.ones(1), np.ones((1, 2))
    first = IntDense(
        _whole("int8", np.full((8, 1), 127)),
        _whole("int32", 0 * one),
        Requantize(0, _whole("int16", scale * one), offset, 16),
        grid,
        (0,),
    )
    last = IntDense(
        _whole("int8", two),
        _whole("int32", 0 * two[0]),
        Requantize(0, _whole("int16", two[0])),
        None,
        (1,),
        (1.0,),
    )
    given = InputMap(8, (0.01,), (0,), 0, 255)
    return Network(
        "classifier", 8, (first, last), "softmax", (0, 1), dtype="uint8", input_map=given, quantize="int8"
    )


def test_a_product_has_to_fit_before_its_offset_is_added() -> None:
    most = (2**31 - 1) // (8 * 127 * 255)
    validate(_scaled(most, -(1 << 24)))
    with pytest.raises(ModelFileError, match="do not fit 32 bits"):
        validate(_scaled(most + 1, -(1 << 24)))  # the sum with its offset would fit


def _flat() -> Network:
    rng = np.random.default_rng(4)
    return Network("regressor", 8, (Dense(numbers(rng, 8, 3), numbers(rng, 3)),))


def test_a_unit_has_a_reciprocal() -> None:
    samples = samples_of(_flat(), 1, 100)
    model = quantize_network(dataclasses.replace(_flat(), quantize="int8"), samples)[0]
    assert model.input_map is not None
    n = len(model.input_map.unit)
    for unit, fits in ((2.0**-126, True), (2.0**-127, False)):
        odd = dataclasses.replace(model, input_map=dataclasses.replace(model.input_map, unit=(unit,) * n))
        if fits:
            validate(odd)
        else:
            with pytest.raises(ModelFileError, match="no float32"):
                validate(odd)


@pytest.mark.parametrize("quantize", ["int8", "int16"])
def test_features_that_hardly_vary(quantize: str, tmp_path: Path) -> None:
    samples = samples_of(_flat(), 1, 100)
    samples[:, 2] = np.where(samples[:, 3] > 0, 1e-42, -1e-42)
    model = quantize_network(dataclasses.replace(_flat(), quantize=quantize), samples)[0]
    run([Case(model, samples.astype(np.float32))], tmp_path, SANITIZERS)
    samples[:, 2] = 1e18
    model = quantize_network(dataclasses.replace(_flat(), quantize=quantize), samples)[0]
    run([Case(model, samples.astype(np.float32))], tmp_path, SANITIZERS)


def _added(n: int) -> Network:
    rng = np.random.default_rng(n)
    layers = [Activation((0,), (4,), "tanh") for _ in range(n)]
    last = Dense(numbers(rng, 4, 3), numbers(rng, 3), inputs=(n + 1,))
    found = Network("regressor", 4, (*layers, Add(tuple(range(1, n + 1)), (4,)), last))
    validate(found)
    return found


def test_as_many_tensors_are_added_as_kernels_count(tmp_path: Path) -> None:
    model = _added(255)
    samples = samples_of(model, 1).astype(np.float32)
    (found,) = run([Case(model, samples)], tmp_path)
    np.testing.assert_allclose(found, tensors(model, samples)[-1], rtol=1e-5, atol=1e-2)
    with pytest.raises(UnsupportedModelError, match="256, and kernels count up to 255") as caught:
        plan_network(_added(256))
    assert caught.value.cure == "add them in groups"


def test_joined_numbers_may_take_more_than_64_kilobytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = (
        Activation((0,), (9000,), "relu"),
        Concat((0, 1), (18000,)),
        Dense(numbers(rng, 18000, 2), numbers(rng, 2), inputs=(2,)),
    )
    model = validate(Network("regressor", 9000, layers))
    assert isinstance(model, Network)
    samples = samples_of(model, 1, 1).astype(np.float32)
    (found,) = run([Case(model, samples)], tmp_path, SANITIZERS)
    np.testing.assert_allclose(found, tensors(model, samples)[-1], rtol=1e-4, atol=1e-2)


def test_no_model_is_called_as_a_header_that_headers_of_c_include() -> None:
    for name in ("features", "Features", "alloca", "newlib", "picolibc"):
        with pytest.raises(ModelFileError, match="cannot be a model's name"):
            validate(dataclasses.replace(_flat(), name=name))
