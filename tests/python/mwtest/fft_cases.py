"""Signals for transforms, and calls that take many of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mwtest import net_cases
from mwtest.net_cases import C_TYPES, Call

run = partial(net_cases.run, kernels=("fft", "goertzel", "roots", "sine", "spectrum", "window", "windows"))

KINDS = ("fft", "ifft", "rfft", "irfft")
NUMPY = {"f32": np.float32, "i32": np.int32, "q15": np.int16}
TYPES = {"f32": "float", "i32": C_TYPES["i32"], "q15": C_TYPES["i16"]}
LARGEST = {"f32": 1.0, "i32": 2**31 - 1, "q15": 2**15 - 1}
TABLES = {"f32": "float", "i32": "uint16_t", "q15": "int16_t"}


def shared(factory: pytest.TempPathFactory) -> Path:
    """One directory for tests of several files, so that the library is compiled once for all."""
    directory = factory.getbasetemp() / "signals"
    directory.mkdir(exist_ok=True)
    return directory


def room(kind: str, n: int) -> int:
    """Numbers of the buffer."""
    return n + 2 if "r" in kind else 2 * n


def signals(kind: str, family: str, n: int, seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """Noise, sines, steps, impulses, full scale of both signs, zeros, and very little."""
    random = np.random.default_rng(seed + n)
    size, t = room(kind, n), np.arange(room(kind, n))
    impulse = np.zeros(size)
    impulse[random.integers(size - 2)] = 1
    chosen = {
        "noise": random.uniform(-1, 1, size),
        "half": random.uniform(-0.5, 0.5, size),
        "quiet": random.uniform(-1, 1, size) / 64,
        "sine": np.sin(2 * np.pi * 0.0371 * t),
        "bin": np.cos(2 * np.pi * 3 * (t // (1 if "r" in kind else 2)) / n),
        "step": np.where(t < size // 3, -1.0, 0.75),
        "impulse": impulse,
        "most": np.ones(size),
        "least": -np.ones(size),
        "signs": random.choice([-1.0, 1.0], size),
        "square": np.where(t // 4 % 2, -1.0, 1.0),
        "zero": np.zeros(size),
    }
    made = {}
    for name, x in chosen.items():
        if family == "f32":
            made[name] = x.astype(np.float32)
        else:
            scaled = np.round(x * (LARGEST[family] + 1))
            made[name] = np.clip(scaled, -LARGEST[family] - 1, LARGEST[family]).astype(NUMPY[family])
    tiny = random.integers(-2, 3, size)
    made["tiny"] = (tiny * 1e-41).astype(np.float32) if family == "f32" else tiny.astype(NUMPY[family])
    if kind == "irfft":
        for x in made.values():
            x[[1, n + 1]] = 77  # which nothing depends on
    return made


def transform(kind: str, family: str, n: int, inputs: list[NDArray[np.generic]], table_n: int = 0) -> Call:
    """One call for every input: status and exponent, then the whole buffer."""
    size = room(kind, n) * inputs[0].itemsize
    table = f"mw_fft_table_{table_n or n}_{family}"
    more = ", &exponent" if family == "q15" else ""
    code = (
        f"    for (int i = 0; i < {len(inputs)}; ++i) {{\n"
        f"        {TYPES[family]} *x = ({TYPES[family]} *) room({size}U);\n"
        "        int exponent = 0;\n        int32_t told[2];\n"
        f"        take(x, {size}U);\n        told[0] = mw_{kind}_{family}(x, {n}, {table}{more});\n"
        "        told[1] = exponent;\n        put(told, 8);\n"
        f"        put(x, {size}U);\n        free(x);\n    }}\n"
    )
    given = b"".join(x.tobytes() for x in inputs)
    return Call("#include <milliwatt/fft.h>\n", code, given, (size + 8) * len(inputs))


def answers(
    kind: str, family: str, n: int, count: int, output: bytes
) -> list[tuple[int, int, NDArray[np.generic]]]:
    """What `transform` put out: status, exponent, numbers."""
    size = room(kind, n) * np.dtype(NUMPY[family]).itemsize
    found = []
    for i in range(count):
        part = output[i * (size + 8) : (i + 1) * (size + 8)]
        status, exponent = np.frombuffer(part, np.int32, 2)
        found.append((int(status), int(exponent), np.frombuffer(part, NUMPY[family], offset=8)))
    return found
