"""Exponential, sigmoid and softmax of the C library against float64."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.host.compiler import shared_library

_SOURCE = """
#include <milliwatt/links.h>
#define EXPORT __attribute__((visibility("default")))
#define EACH(name) \\
    EXPORT void all_##name(const float *x, float *y, long n)   \\
    {                                                          \\
        for (long i = 0; i < n; ++i) y[i] = mw_##name(x[i]);   \\
    }
EACH(exp)
EACH(exp2)
EACH(sigmoid)
EXPORT void softmax(float *x, long n) { mw_softmax(x, (uint_fast16_t) n); }
"""


@pytest.fixture(scope="module")
def library() -> Any:
    return ctypes.CDLL(str(shared_library({"links.c": _SOURCE}, [], sdk.include_dir())))


def _each(library: Any, name: str, x: NDArray[np.float32]) -> NDArray[np.float64]:
    y = np.empty_like(x)
    function = getattr(library, f"all_{name}")
    function(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(len(x)))
    return y.astype(np.float64)


def _arguments(low: float, high: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    even = rng.uniform(low, high, 300_000)
    small = rng.normal(size=20_000) * 10.0 ** rng.integers(-40, 1, 20_000)
    ends = [low, high, 0.0, -0.0, 1.0, -1.0, 2.0**-33, 2.0**-32, 2.0**-149]
    return np.concatenate([even, small.clip(low, high), ends]).astype(np.float32)


@pytest.mark.parametrize(("name", "low", "high"), [("exp", -87.33, 88.72), ("exp2", -126.0, 127.99)])
def test_powers_are_within_their_bound(library: Any, name: str, low: float, high: float) -> None:
    x = _arguments(low, high)
    exact = getattr(np, name)(x.astype(np.float64))
    error = np.abs(_each(library, name, x) / exact - 1)
    assert error.max() <= 2.0**-22
    assert _each(library, name, np.zeros(1, dtype=np.float32)).tolist() == [1.0]


def test_powers_beyond_floats(library: Any) -> None:
    x = np.array([-1e30, -200, -87.4, 88.8, 200, 1e30, -np.inf, np.inf], dtype=np.float32)
    assert _each(library, "exp", x).tolist() == [0, 0, 0, np.inf, np.inf, np.inf, 0, np.inf]
    x = np.array([-1e30, -126.1, -np.inf, 128, np.inf], dtype=np.float32)
    assert _each(library, "exp2", x).tolist() == [0, 0, 0, np.inf, np.inf]


def test_whole_powers_of_two_are_exact(library: Any) -> None:
    x = np.arange(-126, 128, dtype=np.float32)
    assert (_each(library, "exp2", x) == np.exp2(x.astype(np.float64))).all()


def test_sigmoid_is_within_its_bound(library: Any) -> None:
    x = np.concatenate([_arguments(-120, 120), np.array([-np.inf, np.inf, 1e30, -1e30], dtype=np.float32)])
    with np.errstate(over="ignore"):
        exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert np.abs(_each(library, "sigmoid", x) - exact).max() <= 2.0**-22


def test_softmax_is_within_its_bound(library: Any) -> None:
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 10, 200):
        for scale in (1e-3, 1.0, 30.0, 1e6):
            x = (rng.normal(size=n) * scale).astype(np.float32)
            raised = np.exp(x.astype(np.float64) - x.max())
            y = x.copy()
            library.softmax(ctypes.c_void_p(y.ctypes.data), ctypes.c_long(n))
            assert np.abs(y - raised / raised.sum()).max() <= 2.0**-21
