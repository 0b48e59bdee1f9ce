"""Kernels of the C library on this PC, called through ctypes, and how far off they are."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
SIGNALS = ("random", "sine", "step", "impulse", "full scale", "zeros")
SATURATES, CANNOT, FLOAT = "saturates", "cannot", "–"
C_TYPES = {
    "float32": "float",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
# What 1.0 of a signal is, and what is clipped to.
PEAKS = {"float32": 1.0, "int16": 2.0**15, "int32": 2.0**31, "uint32": 2.0**32, "uint64": 2.0**48}

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Kernel:
    """A kernel, its call, and what would be right.

    Attributes:
        group: the heading it stands under.
        numbers: ``f32``, ``i32``, ``q15``, …
        body: C that reads ``x``, writes ``out`` and may set ``status`` and ``exponent`` (of the output).
        given, out: dtypes of ``x`` and ``out``; ``n_in`` and ``n_out`` numbers a call.
        want: numbers of one call, in float64, from ``x`` as the kernel gets it.
        unit: of a number of the output.
        measure: ``dB``; ``ulp`` of float32; or ``units`` of the output.
        overflow: one of `SATURATES`, where the reference is clipped too, `CANNOT` and `FLOAT`.
        floor: ulps are those of numbers at least this large.
        prepare: makes of a signal what the kernel gets.
    """

    group: str
    name: str
    numbers: str
    body: str
    given: str
    n_in: int
    out: str
    n_out: int
    want: Callable[[Numbers], Numbers]
    headers: str
    tables: str = ""
    unit: float = 1.0
    measure: str = "dB"
    overflow: str = FLOAT
    floor: float = 0.0
    calls: int = 8
    prepare: Callable[[Numbers], Numbers] = field(default=lambda x: x)


@dataclass(frozen=True)
class Result:
    """How far off a kernel is, in its measure, by signal; None where not a bit differs.

    Negative: in units of the output, where dB are asked for and all should have been 0.
    """

    kernel: Kernel
    errors: dict[str, float | None]


def signal(name: str, n: int, seed: int) -> Numbers:
    """Of -1 to 1."""
    rng, at = np.random.default_rng(seed), np.arange(n)
    found: dict[str, Numbers] = {
        "random": rng.uniform(-1, 1, n),
        "sine": np.sin(2 * np.pi * 0.0371 * (at + 100 * seed)),
        "step": np.where(at >= n // 4, 1.0, 0.0),
        "impulse": np.where(at == n // 8 + seed, 1.0, 0.0),
        "full scale": rng.choice([-1.0, 1.0], n),
        "zeros": np.zeros(n),
    }
    return found[name]


def as_given(x: Numbers, dtype: str) -> Numbers:
    """As the kernel takes it; of unsigned numbers the size of the signal."""
    if dtype == "float32":
        return x.astype(np.float32)
    limits = np.iinfo(dtype)
    scaled = np.round((np.abs(x) if limits.min == 0 else x) * PEAKS[dtype])
    largest = min(float(limits.max), PEAKS[dtype])
    # 2^64 - 1 is no float64; what is clipped is.
    top = np.where(scaled >= largest, 0.0, scaled).astype(dtype)
    return np.where(scaled >= largest, np.asarray(min(limits.max, int(PEAKS[dtype])), dtype), top)


def sources() -> list[Path]:
    """All of the library but networks and models."""
    return sorted(f for f in (ROOT / "src").glob("*.c") if not f.name.startswith(("net_", "model")))


def measured(kernels: Sequence[Kernel], work: Path, files: Sequence[Path]) -> list[Result]:
    """All of them, over all signals; ``files`` of C are what they are in."""
    library = _compiled(kernels, work, files)
    return [Result(one, _errors(one, getattr(library, f"kernel_{i}"))) for i, one in enumerate(kernels)]


def _compiled(kernels: Sequence[Kernel], work: Path, files: Sequence[Path]) -> ctypes.CDLL:
    text = "#include <stdint.h>\n#include <string.h>\n"
    for index, one in enumerate(kernels):
        tables, body = one.tables.replace("@", f"k{index}"), one.body.replace("@", f"k{index}")
        includes = "".join(f"#include <milliwatt/{header}.h>\n" for header in one.headers.split())
        text += (
            f"{includes}{tables}int kernel_{index}(const void *given, void *made, int *scale)\n{{\n"
            f"    const {C_TYPES[one.given]} *x = given;\n    {C_TYPES[one.out]} *out = made;\n"
            "    int status = 0, exponent = 0;\n    (void) x;\n"
            f"    {body};\n    *scale = exponent;\n    return status;\n}}\n"
        )
    source, target = work / "accuracy.c", work / "accuracy.so"
    source.write_text(text, encoding="utf-8")
    command = ["gcc", "-std=c99", "-O2", "-shared", "-fPIC", f"-I{ROOT / 'include'}"]
    subprocess.run([*command, *map(str, (source, *files)), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def _errors(kernel: Kernel, function: Any) -> dict[str, float | None]:
    found = {}
    for name in SIGNALS:
        wants, gots = [], []
        for call in range(kernel.calls):
            x = as_given(kernel.prepare(signal(name, kernel.n_in, call)), kernel.given)
            wants.append(_limited(kernel, np.asarray(kernel.want(x), np.float64).reshape(-1)))
            gots.append(_called(kernel, function, x))
        found[name] = _error(kernel, np.concatenate(wants), np.concatenate(gots))
    return found


def _called(kernel: Kernel, function: Any, x: Numbers) -> Numbers:
    # A guard of one number, so that what is written beyond is seen.
    out = np.full(kernel.n_out + 1, 77, kernel.out)
    scale = ctypes.c_int()
    x = np.ascontiguousarray(x)
    status = function(
        x.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.byref(scale)
    )
    if status < 0 or out[-1] != 77:
        raise RuntimeError(f"{kernel.name} {kernel.numbers}: status {status}, behind the output: {out[-1]}")
    return out[:-1].astype(np.float64) * kernel.unit * 2.0**scale.value


def _limited(kernel: Kernel, want: Numbers) -> Numbers:
    if kernel.overflow != SATURATES:
        return want
    limits = np.iinfo(kernel.out)
    return np.clip(want, limits.min * kernel.unit, limits.max * kernel.unit)


def _error(kernel: Kernel, want: Numbers, got: Numbers) -> float | None:
    off = np.abs(got - want)
    if not off.any():
        return None
    if kernel.measure == "units":
        return float(off.max() / kernel.unit)
    if kernel.measure == "ulp":
        at = np.maximum(np.abs(want), kernel.floor)
        return float((off / np.spacing(at.astype(np.float32)).astype(np.float64)).max())
    if not want.any():
        return -float(off.max() / kernel.unit)
    return float(10 * np.log10(np.sum(want**2) / np.sum(off**2)))
