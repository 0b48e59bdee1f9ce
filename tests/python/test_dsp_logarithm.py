"""Logarithms of <milliwatt/logarithm.h>: every mantissa of floats, and the same bits everywhere."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from mwtest.audio_oracle import db_q8_of_log2, log2_q16
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.host.compiler import shared_library

_SOURCE = """
#include <milliwatt/logarithm.h>
#define EACH(name, type, result)                                                                    \\
    __attribute__((visibility("default"))) void all_##name(const type *x, result *y, long n)        \\
    {                                                                                               \\
        for (long i = 0; i < n; ++i) y[i] = mw_##name(x[i]);                                        \\
    }
EACH(log2, float, float)
EACH(log, float, float)
EACH(log10, float, float)
EACH(db_of_power, float, float)
EACH(db_of_amplitude, float, float)
EACH(log1p, float, float)
EACH(log2_q16_u32, uint32_t, int32_t)
EACH(log2_q16_u64, uint64_t, int32_t)
EACH(db_q8_of_log2, int32_t, int32_t)
"""
EXACT = {
    "log2": np.log2,
    "log": np.log,
    "log10": np.log10,
    "db_of_power": lambda x: 10 * np.log10(x),
    "db_of_amplitude": lambda x: 20 * np.log10(x),
    "log1p": np.log1p,
}


@pytest.fixture(scope="module")
def library() -> Any:
    return ctypes.CDLL(str(shared_library({"logarithm.c": _SOURCE}, [], sdk.include_dir())))


def _each(library: Any, name: str, x: NDArray[Any], dtype: Any = np.float32) -> NDArray[Any]:
    y = np.empty(len(x), dtype)
    function = getattr(library, f"all_{name}")
    function(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(len(x)))
    return y


def _ulps(y: NDArray[np.float32], exact: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):
        size = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return float(np.max(np.abs(y - exact) / size))


def _mantissas(exponent: int, step: int = 1) -> NDArray[np.float32]:
    """The floats from 2^exponent to twice that."""
    first = (exponent + 127) << 23
    return np.arange(first, first + (1 << 23), step, dtype=np.uint32).view(np.float32)


@pytest.mark.parametrize("name", EXACT)
def test_all_mantissas_are_within_one_ulp(library: Any, name: str) -> None:
    # Around 1, where the result is near 0, and for log1p where its ways of computing change.
    exponents = (-6, -5, -1, 0, 31) if name == "log1p" else (-1, 0)
    for exponent in exponents:
        x = _mantissas(exponent)
        assert _ulps(_each(library, name, x), EXACT[name](x.astype(np.float64))) <= 1.0


@pytest.mark.parametrize("name", EXACT)
def test_all_sizes_are_within_one_ulp(library: Any, name: str) -> None:
    x = np.concatenate([_mantissas(exponent, 1009) for exponent in range(-126, 128)])
    tiny = np.arange(1, 1 << 23, 997, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x, tiny, np.float32([1e-45, 3.4028235e38])])
    assert _ulps(_each(library, name, x), EXACT[name](x.astype(np.float64))) <= 1.0


def test_what_has_no_logarithm(library: Any) -> None:
    x = np.float32([0.0, -0.0, np.inf, -1.0, -1e-45, -np.inf, np.nan, -np.nan])
    for name, floor in (("log", np.log(2.0) * -150), ("log2", -150.0), ("db_of_power", -451.545)):
        y = _each(library, name, x)
        assert y[:2] == pytest.approx([floor, floor], rel=1e-6)
        assert y[2] == np.inf
        assert np.isnan(y[3:]).all()
        assert y[0] < _each(library, name, np.float32([1e-45]))[0]
    y = _each(library, "log1p", x)
    assert y[:3].tolist() == [0.0, 0.0, np.inf]
    assert np.signbit(y[1])
    assert np.isnan(y[3:]).all()


def test_powers_of_two_are_exact(library: Any) -> None:
    x = np.exp2(np.arange(-149, 128.0)).astype(np.float32)
    assert (_each(library, "log2", x) == np.arange(-149, 128)).all()
    whole = np.uint64(1) << np.arange(64, dtype=np.uint64)
    assert (_each(library, "log2_q16_u64", whole, np.int32) == 65536 * np.arange(64)).all()


def test_integers_are_within_their_bound(library: Any) -> None:
    rng = np.random.default_rng(0)
    small = np.arange(1, 1 << 18, dtype=np.uint32)
    large = np.arange(1 << 31, 1 << 32, 1021, dtype=np.uint64).astype(np.uint32)
    for x in (small, large):
        y = _each(library, "log2_q16_u32", x, np.int32)
        assert np.abs(y - 65536 * np.log2(x.astype(np.float64))).max() <= 1.1
        assert (y == log2_q16(x)).all()
    wide = rng.integers(0, 1 << 63, 200_000, dtype=np.uint64) * np.uint64(2) >> rng.integers(
        0, 63, 200_000
    ).astype(np.uint64)
    wide = np.maximum(wide, np.uint64(1))
    y = _each(library, "log2_q16_u64", wide, np.int32)
    assert np.abs(y - 65536 * np.log2(wide.astype(np.float64))).max() <= 1.1
    assert (y == log2_q16(wide)).all()
    assert _each(library, "log2_q16_u32", np.zeros(1, np.uint32), np.int32)[0] == -65536
    assert _each(library, "log2_q16_u64", np.zeros(1, np.uint64), np.int32)[0] == -65536


def test_decibels_of_integers(library: Any) -> None:
    x = np.arange(-80 * 65536, 80 * 65536, 101, dtype=np.int32)
    exact = 256 * 10 * np.log10(2) * x / 65536
    y = _each(library, "db_q8_of_log2", x, np.int32)
    assert (np.abs(y - exact) <= 0.55 + 7e-6 * np.abs(exact)).all()
    assert (y == db_q8_of_log2(x)).all()
    ends = np.int32([-(2**31), 2**31 - 1])
    assert _each(library, "db_q8_of_log2", ends, np.int32) == pytest.approx(
        256 * 10 * np.log10(2) * ends / 65536, rel=1e-5
    )
