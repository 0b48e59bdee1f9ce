"""Kernels of integers: what they give, bit for bit, is what the independent evaluator gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.net_cases import (
    ARM,
    FAMILY,
    NUMPY,
    OPTIMISED,
    SANITIZED,
    Checked,
    call,
    call_in_place,
    check,
)  # fmt: skip
from mwtest.net_layers import LayerSpec, integer_pool, integer_sums, layer_specs
from numpy.typing import NDArray

from milliwatt.emit.net_tables import kernel, layer_tables
from milliwatt.host import evaluate_integers
from milliwatt.ir.network import Layer, Shape
from milliwatt.ir.network_integers import Grid

SUMS = ("dense", "scores", "conv", "depthwise")
POOLS = ("max", "average", "means")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


def _tables(layer: Layer, before: Shape, grids: tuple[Grid | None, Grid | None], bits: int) -> str:
    return "".join(layer_tables(layer, "@", before, *grids, bits=bits))


def _spare(layer: Layer, before: Shape, n_out: int, name: str) -> tuple[int, int]:
    """How many numbers more than it takes and gives a kernel may touch."""
    if "conv" in name or "depthwise" in name:
        return 3, 3
    if "dense" in name:
        return -before[0] % 4, -n_out % 4
    return 0, 0


def checked(
    layer: Layer,
    grids: tuple[Grid, Grid | None],
    x: NDArray[np.int64],
    bits: int,
    *,
    in_place: bool = False,
) -> list[Checked]:
    """A call for every sample, and what it has to give."""
    before, name = x.shape[1:], kernel(layer, bits)
    tables = _tables(layer, before, grids, bits)
    wanted = evaluate_integers.run_layer(layer, [x], *grids)
    found = []
    for sample, want in zip(x, wanted, strict=True):
        given = sample.astype(NUMPY[FAMILY[bits]])
        kind = "i32" if "scores" in name else FAMILY[bits]
        if in_place:
            made = call_in_place(tables, f"{name}(&@, x, x)", given, want.size)
        else:
            spare = _spare(layer, before, want.size, name)
            made = call(tables, f"{name}(&@, x, out)", given, (kind, want.size), spare=spare)
        found.append((made, want.astype(NUMPY[kind])))
    return found


def sums_case(spec: LayerSpec, bits: int) -> list[Checked]:
    layer, before, after, x = integer_sums(spec, bits)
    return checked(layer, (before, after), x, bits)


def pool_case(spec: LayerSpec, bits: int) -> list[Checked]:
    layer, before, after, x = integer_pool(spec, bits)
    in_place = not any(spec.padding) and spec.kind != "means" and bool(spec.seed % 2)
    return checked(layer, (before, after), x, bits, in_place=in_place)


bits_of = st.sampled_from((8, 16))


@given(st.lists(st.tuples(layer_specs(SUMS), bits_of), min_size=20, max_size=40))
@settings(max_examples=12)
def test_sums_are_the_evaluators(work: Path, chosen: list[tuple[LayerSpec, int]]) -> None:
    check([case for spec, bits in chosen for case in sums_case(spec, bits)], work, SANITIZED)


@given(st.lists(st.tuples(layer_specs(POOLS), bits_of), min_size=20, max_size=40))
@settings(max_examples=8)
def test_pools_are_the_evaluators(work: Path, chosen: list[tuple[LayerSpec, int]]) -> None:
    check([case for spec, bits in chosen for case in pool_case(spec, bits)], work, SANITIZED)


@given(st.lists(st.tuples(layer_specs((*SUMS, *POOLS)), bits_of), min_size=20, max_size=40))
@settings(max_examples=3)
def test_optimised_kernels_are_the_evaluators(work: Path, chosen: list[tuple[LayerSpec, int]]) -> None:
    check([case for spec, bits in chosen for case in _any_case(spec, bits)], work, OPTIMISED)


def _any_case(spec: LayerSpec, bits: int) -> list[Checked]:
    return pool_case(spec, bits) if spec.kind in POOLS else sums_case(spec, bits)


@pytest.mark.parametrize("name", ARM)
def test_kernels_on_arm_are_the_evaluators(name: str, work: Path) -> None:
    """The Armv7E-M variant too: the same bits on every CPU."""
    ARM[name].need()

    @given(st.lists(st.tuples(layer_specs((*SUMS, *POOLS)), bits_of), min_size=30, max_size=50))
    @settings(max_examples=3, database=None)
    def compare(chosen: list[tuple[LayerSpec, int]]) -> None:
        check([case for spec, bits in chosen for case in _any_case(spec, bits)], work, ARM[name])

    compare()
