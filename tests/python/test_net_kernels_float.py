"""Kernels of floats and activations: how close they come to float64."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Call, Machine, call, call_in_place, run
from mwtest.net_layers import LayerSpec, array, float_layer, layer_specs
from numpy.typing import NDArray

from milliwatt.c_text import float_literal
from milliwatt.emit.net_tables import KERNELS_WITH_ALPHA, activation_kernel, kernel, layer_tables
from milliwatt.host import evaluate_network
from milliwatt.ir.network import ACTIVATIONS, Array, Conv, Dense, Depthwise, MaxPool

KINDS = ("dense", "conv", "depthwise", "max", "average")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@dataclasses.dataclass(frozen=True)
class Case:
    """A call, what it should give, and how far off each number may be."""

    made: Call
    want: NDArray[np.float64]
    allowed: NDArray[np.float64]


def layer_case(spec: LayerSpec) -> Case:
    """A layer on one sample; sums of n products may be off by n roundings of their magnitudes."""
    layer, x = float_layer(spec)
    sample = x[:1]
    want = evaluate_network.run_layer(layer, [sample.astype(np.float64)])[0]
    allowed = np.abs(want) * 2.0**-24
    if isinstance(layer, Dense | Conv | Depthwise):
        sizes = dataclasses.replace(layer, weights=_size(layer.weights), bias=_size(layer.bias))
        largest = evaluate_network.run_layer(sizes, [np.abs(sample).astype(np.float64)])[0]
        allowed = largest * 1e-6
    elif not isinstance(layer, MaxPool):
        allowed = evaluate_network.run_layer(layer, [np.abs(sample).astype(np.float64)])[0] * 1e-6
    before, name = sample.shape[1:], kernel(layer, 0)
    tables = "".join(layer_tables(layer, "@", before, None, None, bits=0))
    given_ = sample[0]
    if spec.kind in ("max", "average") and not any(spec.padding) and spec.seed % 2:
        return Case(call_in_place(tables, f"{name}(&@, x, x)", given_, want.size), want, allowed)
    spare = {"mw_conv_f32": 3, "mw_dense_f32": -want.size % 4}.get(name, 0)
    made = call(tables, f"{name}(&@, x, out)", given_, ("f32", want.size), spare=(0, spare))
    return Case(made, want, allowed)


def _size(given_: Array) -> Array:
    return array("float32", np.abs(evaluate_network.real(given_)))


def check(cases: list[Case], work: Path, machine: Machine) -> None:
    found = run([case.made for case in cases], work, machine)
    for case, got in zip(cases, found, strict=True):
        numbers = np.frombuffer(got, np.float32).astype(np.float64)
        off = np.abs(numbers - case.want.reshape(-1))
        assert (off <= case.allowed.reshape(-1)).all(), (case.made.tables, case.made.code, off.max())


@given(st.lists(layer_specs(KINDS), min_size=20, max_size=40))
@settings(max_examples=8)
def test_layers_come_close_to_float64(work: Path, chosen: list[LayerSpec]) -> None:
    check([layer_case(spec) for spec in chosen], work, SANITIZED)


@given(st.lists(layer_specs(KINDS), min_size=20, max_size=40))
@settings(max_examples=2)
def test_optimised_layers_come_close_to_float64(work: Path, chosen: list[LayerSpec]) -> None:
    check([layer_case(spec) for spec in chosen], work, OPTIMISED)


# Relative error, and what is added to it near zeros of the function.
ERRORS = {
    "relu": (0.0, 0.0),
    "relu6": (0.0, 0.0),
    "leaky_relu": (2.0**-24, 0.0),
    "elu": (2.0**-19, 0.0),
    "sigmoid": (2.0**-21, 2.0**-126),
    "tanh": (2.0**-20, 0.0),
    "hard_sigmoid": (0.0, 2.0**-22),
    "hard_swish": (2.0**-22, 0.0),
    "swish": (2.0**-20, 2.0**-119),
}


def activation_case(activation: str, x: NDArray[np.float32], alpha: float) -> Case:
    alpha = float(np.float32(alpha)) if activation in KERNELS_WITH_ALPHA else 0.0
    want = evaluate_network.activated(activation, alpha, x.astype(np.float64))
    more = f", {float_literal(alpha)}" if activation in KERNELS_WITH_ALPHA else ""
    made = call_in_place("", f"{activation_kernel(activation)}(x, {x.size}U{more})", x, x.size)
    relative, absolute = ERRORS[activation]
    # Below 2^-126 floats have fewer digits.
    return Case(made, want, np.abs(want) * relative + max(absolute, 2.0**-149))


def _all_sizes(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    sizes = np.exp2(rng.uniform(-40, 7, n)) * rng.choice([-1.0, 1.0], n)
    edges = [0.0, -0.0, 0.5, -0.5, 3.0, -3.0, 6.0, 0.25, -0.25, 88.0, -88.0, -1e30, 1e30, 1e-40, -1e-40]
    near = np.nextafter(np.float32(edges), np.float32(-1))
    return np.concatenate([np.float32(edges), near, sizes.astype(np.float32)])


@pytest.mark.parametrize("machine", [SANITIZED, *ARM.values()], ids=lambda machine: machine.name)
def test_activations_have_the_errors_that_are_stated(machine: Machine, work: Path) -> None:
    machine.need()
    rng = np.random.default_rng(7)
    kinds = [kind for kind in ACTIVATIONS if kind != "identity"]
    assert set(kinds) == set(ERRORS)
    n = 4000 if machine is SANITIZED else 500
    check([activation_case(kind, _all_sizes(rng, n), 0.3) for kind in kinds], work, machine)


def test_the_sum_of_tensors(work: Path) -> None:
    rng = np.random.default_rng(1)
    cases = []
    for k in (2, 3, 5):
        x = rng.normal(size=(k, 7)).astype(np.float32)
        want = x.astype(np.float64).sum(axis=0)
        pointers = ", ".join(f"x + {7 * i}" for i in range(k))
        invoke = f"{{ const float *const all[] = {{{pointers}}}; mw_add_f32(all, {k}U, 7U, x); }}"
        allowed = np.abs(x).sum(axis=0) * 1e-6
        cases.append(Case(call_in_place("", invoke, x, 7), want, allowed))
    check(cases, work, SANITIZED)


@pytest.mark.parametrize("name", ARM)
def test_layers_on_arm_come_close_to_float64(name: str, work: Path) -> None:
    ARM[name].need()

    @given(st.lists(layer_specs(KINDS), min_size=20, max_size=30))
    @settings(max_examples=2, database=None)
    def compare(chosen: list[LayerSpec]) -> None:
        check([layer_case(spec) for spec in chosen], work, ARM[name])

    compare()
