"""Sums by CMSIS-NN (MW_CMSIS_NN=1): the same bits as without it.

CMSIS-NN itself is used where CMSIS_NN_DIR names a checkout of it. A stand-in of the one function that is
called, written from its documentation, takes its place everywhere.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest import network_runs
from mwtest.integer_networks import integer_samples, integers
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Checked, Machine, call, check
from mwtest.net_layers import LayerSpec, integer_sums, layer_specs
from mwtest.networks import NetworkSpec, build_network
from mwtest.objects import objects

from milliwatt import sdk
from milliwatt.emit import emit_c
from milliwatt.emit.net_packing import integer_blocks, integer_parts
from milliwatt.emit.net_tables import kernel, layer_tables
from milliwatt.host import evaluate_integers
from milliwatt.ir import Network

CHECKOUT = os.environ.get("CMSIS_NN_DIR", "")
_SOURCE = Path("Source", "NNSupportFunctions", "arm_nn_mat_mult_nt_t_s8_s32.c")

# A return type of its own size on Arm, and additions to what `dst` holds, as in CMSIS-NN.
_HEADER = """
#include <stdint.h>
typedef enum { ARM_CMSIS_NN_SUCCESS = 0, ARM_CMSIS_NN_ARG_ERROR = -1 } arm_cmsis_nn_status;
arm_cmsis_nn_status arm_nn_mat_mult_nt_t_s8_s32(const int8_t *lhs, const int8_t *rhs, int32_t *dst,
    const int32_t lhs_rows, const int32_t rhs_rows, const int32_t rhs_cols, const int32_t lhs_offset,
    const int32_t dst_idx_offset);
"""
_STAND_IN = """
#include "arm_nnsupportfunctions.h"
arm_cmsis_nn_status arm_nn_mat_mult_nt_t_s8_s32(const int8_t *lhs, const int8_t *rhs, int32_t *dst,
    const int32_t lhs_rows, const int32_t rhs_rows, const int32_t rhs_cols, const int32_t lhs_offset,
    const int32_t dst_idx_offset)
{
    for (int32_t row = 0; row < lhs_rows; ++row) {
        for (int32_t column = 0; column < rhs_cols; ++column) {
            for (int32_t i = 0; i < rhs_rows; ++i) {
                dst[(row * rhs_cols + column) * dst_idx_offset] +=
                    (lhs[row * rhs_rows + i] + lhs_offset) * rhs[column * rhs_rows + i];
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
"""


@dataclass(frozen=True)
class Provider:
    """Where the function comes from: a folder of headers, and its source."""

    name: str
    headers: Path
    source: Path

    def flags(self, flags: Sequence[str], directory: Path, compiler: str = "gcc") -> tuple[str, ...]:
        """Flags that turn the option on and link the function."""
        return _flags(self, tuple(flags), directory, compiler)


@cache
def _flags(provider: Provider, flags: tuple[str, ...], directory: Path, compiler: str) -> tuple[str, ...]:
    tag = hashlib.sha256(" ".join(flags).encode()).hexdigest()[:8]
    target = directory / f"{provider.name}-{compiler}-{tag}.o"
    own = [flag for flag in flags if flag != "-Wconversion"]
    command = [compiler, "-std=c99", *own, "-isystem", str(provider.headers), "-c", str(provider.source)]
    subprocess.run([*command, "-o", str(target)], check=True)
    return (*flags, "-DMW_CMSIS_NN=1", "-isystem", str(provider.headers), f"-Wl,{target}")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cmsis")


@pytest.fixture(scope="module", params=("stand-in", "CMSIS-NN"))
def provider(request: pytest.FixtureRequest, work: Path) -> Provider:
    if request.param == "CMSIS-NN":
        if not CHECKOUT:
            pytest.skip("CMSIS_NN_DIR does not name a checkout of CMSIS-NN")
        return Provider("cmsis", Path(CHECKOUT, "Include"), Path(CHECKOUT) / _SOURCE)
    headers = work / "stand-in"
    headers.mkdir()
    (headers / "arm_nnsupportfunctions.h").write_text(_HEADER, encoding="utf-8")
    (headers / "stand-in.c").write_text(_STAND_IN, encoding="utf-8")
    return Provider("stand-in", headers, headers / "stand-in.c")


def with_option(machine: Machine, provider: Provider, directory: Path) -> Machine:
    """The machine with programs whose sums CMSIS-NN, or what stands in for it, computes."""
    compiler = "arm-none-eabi-gcc" if machine.machine else "gcc"
    flags = provider.flags(machine.flags, directory, compiler)
    return replace(machine, name=f"{machine.name}-{provider.name}", flags=flags)


def cases(spec: LayerSpec) -> list[Checked]:
    """A call of a layer of bytes for every sample, and what it has to give."""
    layer, before, after, x = integer_sums(spec, 8)
    name = kernel(layer, 8)
    tables = "".join(layer_tables(layer, "@", x.shape[1:], before, after, bits=8))
    wanted = evaluate_integers.run_layer(layer, [x], before, after)
    kind = ("i32", np.int32) if "scores" in name else ("u8", np.uint8)
    found = []
    for sample, want in zip(x, wanted, strict=True):
        spare = (-sample.size % 4, -want.size % 4) if "dense" in name else (3, 3)
        given_bytes = sample.astype(np.uint8)
        made = call(tables, f"{name}(&@, x, out)", given_bytes, (kind[0], want.size), spare=spare)
        found.append((made, want.astype(kind[1])))
    return found


# Around the 64 inputs and 32 outputs that are taken at a time, and far beyond; kernels of several rows.
_SIZES = (1, 4, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200)
LARGE = [
    *(
        LayerSpec(seed, kind, (n_in,), n_out, values=("any", "ends")[seed % 2])
        for seed, (kind, n_in, n_out) in enumerate(
            (kind, n_in, _SIZES[(3 * at + 1) % len(_SIZES)])
            for kind in ("dense", "scores")
            for at, n_in in enumerate(_SIZES)
        )
    ),
    LayerSpec(1, "conv", (5, 6, 30), 35, (3, 3), (2, 1), (2, 1)),
    LayerSpec(2, "conv", (3, 4, 64), 33, (2, 2)),
    LayerSpec(3, "conv", (1, 9, 17), 70, (1, 5), (1, 2), values="ends"),
    LayerSpec(4, "conv", (4, 4, 65), 8, values="same"),
    LayerSpec(5, "conv", (2, 8, 11), 40, (1, 4), dilation=(1, 2), tight=3),
    LayerSpec(6, "depthwise", (7, 5, 1), 37, (3, 3)),
]


def test_layers_of_all_sizes(provider: Provider, work: Path) -> None:
    made = [case for spec in LARGE for case in cases(spec)]
    check(made, work, with_option(SANITIZED, provider, work))


def test_random_layers(provider: Provider, work: Path) -> None:
    @given(st.lists(layer_specs(("dense", "scores", "conv", "depthwise")), min_size=20, max_size=40))
    @settings(max_examples=6, database=None)
    def compare(chosen: list[LayerSpec]) -> None:
        made = [case for spec in chosen for case in cases(spec)]
        check(made, work, with_option(OPTIMISED, provider, work))

    compare()


@pytest.mark.parametrize("name", ["cortex-m3", "cortex-m4", "cortex-m55"])
def test_layers_on_arm(name: str, provider: Provider, work: Path) -> None:
    """CMSIS-NN's loops without, with DSP instructions, and with Helium."""
    ARM[name].need()
    made = [case for spec in LARGE for case in cases(spec)]
    check(made, work, with_option(ARM[name], provider, work))


def _networks() -> list[Network]:
    shapes = ((6, 5, 2), (1, 9, 3), (7, 1, 1), (70,), (8, 8, 4), (5, 6, 3))
    return [
        integers(
            build_network(NetworkSpec(seed, shapes[seed % len(shapes)], seed % 12, 2 + seed % 4)),
            seed,
            dtype=("uint8", "float", "int8")[seed % 3],
        )
        for seed in range(30)
    ]


def test_whole_networks(provider: Provider, work: Path) -> None:
    """Features that a network takes as they are, too: those are the caller's, and not written to."""
    networks = [network_runs.Case(model, integer_samples(model, 3, rows=3)) for model in _networks()]
    flags = provider.flags(network_runs.SANITIZERS, work)
    for case, found in zip(networks, network_runs.run(networks, work, flags), strict=True):
        np.testing.assert_array_equal(found, evaluate_integers.integer_scores(case.model, case.samples))


@pytest.mark.parametrize("n_in", [1, 4, 63, 64, 65, 130])
@pytest.mark.parametrize("n_out", [1, 4, 33])
def test_weights_take_as_many_bytes_as_without(n_in: int, n_out: int) -> None:
    rng = np.random.default_rng(n_in)
    rows = rng.integers(-128, 128, (3, n_in * n_out)).tolist()
    parts, blocks = list(integer_parts(rows, n_out)), list(integer_blocks(rows, n_out, wide=False))
    assert len(parts) == len(blocks)
    assert sorted((part + 128) % 256 for part in parts) == sorted(blocks)


def test_a_library_without_the_option_does_not_link(tmp_path: Path) -> None:
    """Instead of giving wrong answers."""
    model = _networks()[3]
    for name, text in emit_c(model, name="net").files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    command = ["gcc", "-std=c99", f"-I{sdk.include_dir()}", "main.c", "net.c", *objects(("net_",), ())]
    subprocess.run([*command, "-o", "without"], cwd=tmp_path, check=True)
    compile_net = ["gcc", "-std=c99", "-DMW_CMSIS_NN=1", f"-I{sdk.include_dir()}", "-c", "net.c"]
    subprocess.run(compile_net, cwd=tmp_path, check=True)
    linked = [word if word != "net.c" else "net.o" for word in command]
    done = subprocess.run([*linked, "-o", "mixed"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "_cmsis_u8" in done.stderr


@pytest.mark.parametrize(("macro", "told"), [("ESP_PLATFORM", "ESP-NN cannot"), ("__AVR__", "in place")])
def test_where_the_option_is_refused(macro: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "avr").mkdir()
    (tmp_path / "avr" / "pgmspace.h").write_text("", encoding="utf-8")
    command = ["gcc", "-std=c99", f"-D{macro}", "-DMW_CMSIS_NN=1", f"-I{sdk.include_dir()}", f"-I{tmp_path}"]
    done = subprocess.run(
        [*command, "-fsyntax-only", "-include", "milliwatt/config.h", "-x", "c", "/dev/null"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert told in done.stderr
