"""Kernels that add tensors, look numbers up, move them, or take features: the evaluator's bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.net_cases import (
    ARM,
    C_TYPES,
    FAMILY,
    NUMPY,
    SANITIZED,
    Call,
    Checked,
    call,
    call_in_place,
    check,
)  # fmt: skip
from mwtest.net_layers import RANGES, array

from milliwatt.emit.net_tables import input_kernel, input_tables, kernel, layer_tables
from milliwatt.errors import UnsupportedModelError
from milliwatt.host import evaluate_integers
from milliwatt.ir.network_integers import Grid, InputMap, IntAdd, Table

seeds = st.integers(0, 2**32 - 1)
bits_of = st.sampled_from((8, 16))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


def add_case(seed: int, bits: int) -> Checked:
    """Tensors that are added; the sum lies where one of them was, or elsewhere."""
    rng = np.random.default_rng(seed)
    low, high = RANGES[bits]
    n, k = int(rng.integers(1, 50)), int(rng.integers(2, 5))
    x = rng.choice([low, high, 0, 1, -1 % (high + 1)], (k, 1, n))
    if seed % 2:
        x = rng.integers(low, high + 1, (k, 1, n))
    most = min(32767, (1 << 29) // (k * high))
    scales = tuple(int(scale) for scale in rng.integers(0, most + 1, k))
    after = Grid(1.0, 0, *sorted(int(bound) for bound in rng.integers(low, high + 1, 2)))
    shift, offset = int(rng.integers(0, 32)), int(rng.integers(-(1 << 30), 1 << 30))
    layer = IntAdd(tuple(range(k)), (n,), scales, offset, shift, after)
    want = evaluate_integers.run_layer(layer, list(x), after, after)
    kind, where = C_TYPES[FAMILY[bits]], int(rng.integers(k + 1))
    size = n * np.dtype(NUMPY[FAMILY[bits]]).itemsize
    code = "".join(
        f"    {kind} *x{i} = ({kind} *) room({size}U);\n" + (f"    take(x{i}, {size}U);\n" if i < k else "")
        for i in range(k + 1)
    )
    code += f"    const {kind} *const x[] = {{{', '.join(f'x{i}' for i in range(k))}}};\n"
    code += f"    {kernel(layer, bits)}(&@, x, x{where});\n    put(x{where}, {size}U);\n"
    code += "".join(f"    free(x{i});\n" for i in range(k + 1))
    tables = "".join(layer_tables(layer, "@", (n,), after, after, bits=bits))
    data = x.astype(NUMPY[FAMILY[bits]]).tobytes()
    return Call(tables, code, data, size), want[0].astype(NUMPY[FAMILY[bits]])


def table_case(seed: int, bits: int) -> Checked:
    rng = np.random.default_rng(seed)
    low, high = RANGES[bits]
    kind, size = ("uint8", 256) if bits == 8 else ("int16", 257)
    values = rng.integers(low, high + 1, size) if seed % 2 else rng.choice([low, high], size)
    x = np.concatenate([rng.integers(low, high + 1, 40), [low, high, low + 1, high - 1]])
    grid = Grid(1.0, 0, low, high)
    layer = Table((0,), x.shape, array(kind, values), grid)
    want = evaluate_integers.run_layer(layer, [x[np.newaxis]], grid, grid)[0]
    tables = "".join(layer_tables(layer, "@", x.shape, grid, grid, bits=bits))
    given_ = x.astype(NUMPY[FAMILY[bits]])
    made = call_in_place(tables, f"{kernel(layer, bits)}(x, {x.size}U, @)", given_, x.size)
    return made, want.astype(NUMPY[FAMILY[bits]])


def pad_case(seed: int) -> Checked:
    """An image of any type with a frame, beside its place or in it."""
    rng = np.random.default_rng(seed)
    kind = ("u8", "i16", "f32")[seed % 3]
    size = np.dtype(NUMPY[kind]).itemsize
    image = rng.integers(1, 7, 3)
    top, left, bottom, right = (int(side) for side in rng.integers(0, 4, 4))
    fill = int(rng.integers(0, 256)) if kind == "u8" else 0
    x = rng.integers(0, 100, image).astype(NUMPY[kind])
    want = np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=fill)
    pixel, row = int(image[2]) * size, int(want.shape[1] * image[2]) * size
    fields = (top * row, bottom * row, left * pixel, right * pixel, image[0], image[1] * pixel, fill)
    tables = f"static const mw_pad @ MW_FLASH = {{{', '.join(map(str, fields))}}};\n"
    if seed % 2:
        return call_in_place(tables, "mw_pad_run(&@, x, x)", x, want.size), want
    return call(tables, "mw_pad_run(&@, x, out)", x, (kind, want.size)), want


def copy_case(seed: int) -> Checked:
    """A part of the channels of an image; what lies between stays."""
    rng = np.random.default_rng(seed)
    rows, row = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    pitch = row + int(rng.integers(0, 5))
    x = rng.integers(0, 256, (rows, row)).astype(np.uint8)
    n = (rows - 1) * pitch + row
    want = ((np.arange(n) * 171 + 77) % 256).astype(np.uint8)
    for index in range(rows):
        want[index * pitch : index * pitch + row] = x[index]
    return call("", f"mw_copy_rows(x, {rows}U, {row}U, out, {pitch}U)", x, ("u8", n)), want


@given(st.lists(st.tuples(seeds, bits_of), min_size=20, max_size=30))
@settings(max_examples=5)
def test_sums_and_tables_are_the_evaluators(work: Path, chosen: list[tuple[int, int]]) -> None:
    check([make(*one) for one in chosen for make in (add_case, table_case)], work, SANITIZED)


@given(st.lists(seeds, min_size=20, max_size=30))
@settings(max_examples=5)
def test_frames_and_copies(work: Path, chosen: list[int]) -> None:
    check([make(seed) for seed in chosen for make in (pad_case, copy_case)], work, SANITIZED)


def real_case(seed: int, bits: int) -> Checked:
    """Real features: halves, neighbours of halves, and what is far outside."""
    rng = np.random.default_rng(seed)
    low, high = RANGES[bits]
    n = 24
    each = bool(rng.integers(2))
    unit = (
        2.0 ** rng.integers(-8, 9, n if each else 1)
        if rng.integers(2)
        else rng.uniform(0.01, 3, n if each else 1)
    )
    zero = rng.choice([0, low, high, -(1 << 30), 1 << 30, 12345], len(unit))
    halves = (rng.integers(low, high + 1, (3, n)) - zero + rng.choice([-0.5, 0.0, 0.5], (3, n))) * unit
    x = halves.astype(np.float32)
    x[1] = np.nextafter(x[1], rng.choice([np.inf, -np.inf], n).astype(np.float32))
    x[2, :8] = [0.0, -0.0, np.inf, -np.inf, 3e38, -3e38, 1e-40, 0.49999997]
    given_ = InputMap(bits, tuple(unit.tolist()), tuple(int(z) for z in zero), low, high)
    with np.errstate(over="ignore"):
        want = evaluate_integers.quantized_features(given_, x, real=True)
    x = x.reshape(-1)
    x[-1] = np.nan
    want = want.reshape(-1)
    want[-1] = low
    return _input_case(given_, "float", x, want, n)


def whole_case(seed: int, bits: int) -> Checked:
    """Integer features."""
    rng = np.random.default_rng(seed)
    dtype = str(rng.choice(["int8", "uint8", "int16"]))
    info, n = np.iinfo(dtype), 16
    low, high = RANGES[bits]
    x = rng.integers(info.min, info.max + 1, (3, n))
    x[2] = rng.choice([info.min, info.max], n)
    k = int(rng.choice([0, 1, n]))
    scale = tuple(int(s) for s in rng.choice([0, 1, 32767, 12345], k))
    offset = tuple(int(s) for s in rng.integers(-(1 << 30), 1 << 30, k))
    bounds = sorted(int(bound) for bound in rng.integers(low, high + 1, 2))
    shift = int(rng.integers(0, 32))
    given_ = InputMap(bits, (1.0,) * max(k, 1), (0,) * max(k, 1), *bounds, scale, offset, shift)
    want = evaluate_integers.quantized_features(given_, x, real=False).reshape(-1)
    return _input_case(given_, dtype, x.astype(dtype).reshape(-1), want, n)


def _input_case(given_: InputMap, dtype: str, x: np.ndarray, want: np.ndarray, n: int) -> Checked:
    tables = "".join(input_tables(given_, dtype, n, "@"))
    name = input_kernel(given_, dtype)
    rows = "".join(f"{name}(&@, x + {at}, out + {at}); " for at in range(0, x.size, n))
    kind = FAMILY[given_.bits]
    return call(tables, rows.strip("; "), x, (kind, x.size)), want.astype(NUMPY[kind])


@given(st.lists(st.tuples(seeds, bits_of), min_size=20, max_size=30))
@settings(max_examples=6)
def test_features_are_the_evaluators(work: Path, chosen: list[tuple[int, int]]) -> None:
    check([make(*one) for one in chosen for make in (real_case, whole_case)], work, SANITIZED)


@pytest.mark.parametrize("name", ARM)
def test_the_same_on_arm(name: str, work: Path) -> None:
    ARM[name].need()
    cases = [
        make(seed, bits)
        for seed in range(12)
        for bits in (8, 16)
        for make in (add_case, table_case, real_case, whole_case)
    ]
    check([*cases, *(make(seed) for seed in range(12) for make in (pad_case, copy_case))], work, ARM[name])


def test_features_of_32_bits_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="dtype"):
        input_kernel(InputMap(8, (1.0,), (0,), 0, 255), "int32")
