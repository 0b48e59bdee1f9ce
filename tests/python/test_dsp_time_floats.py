"""Features of floats: as close to numpy's and scipy's in float64 as the header says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Machine
from mwtest.time_programs import PER_MILLE, Numbers, Window, features
from numpy.typing import NDArray
from scipy import stats

U = 2.0**-24
KINDS = (
    "noise",
    "far off",
    "uniform",
    "constant",
    "sine",
    "step",
    "impulse",
    "denormal",
    "zeros",
    "few values",
    "last digit",
)
CORES = ("cortex-m0", "cortex-m4")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("time")


def signal(kind: str, n: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-5, 5)
    x = np.zeros(n)
    if kind == "noise":
        x = rng.normal(size=n) * scale
    elif kind == "far off":  # where squares would cancel
        x = (1000 + rng.normal(size=n)) * scale
    elif kind == "uniform":
        x = rng.uniform(-scale, scale, n)
    elif kind == "constant":
        x = np.full(n, scale)
    elif kind == "sine":
        x = scale * (np.sin(rng.uniform(0.01, 3) * np.arange(n)) + rng.uniform(-3, 3))
    elif kind == "step":
        x = np.where(np.arange(n) < n // 2, scale, -scale / 3)
    elif kind == "impulse":
        x[n // 3] = scale
    elif kind == "denormal":
        x = rng.integers(-2000, 2000, n) * 2.0**-149
    elif kind == "last digit":  # the mean is rounded by half of what samples differ by
        x = 2.0**23 + rng.integers(0, 2, n)
    elif kind == "few values":
        x = rng.integers(-2, 3, n) * 0.25
    return x.astype(np.float32)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    n, channels = draw(st.integers(1, 300)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    frames = np.stack([signal(draw(st.sampled_from(KINDS)), n, seed + i) for i in range(channels)], axis=1)
    return Window(
        frames, draw(st.integers(0, n)), draw(st.sampled_from([0.0, 0.25])), draw(st.sampled_from([0, 1]))
    )


def moments(x: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    """Values and bounds of what comes from the mean."""
    n, mean = len(x), float(x.mean())
    size = float(np.abs(x - mean).mean())
    energy, variance = float((x * x).sum()), float(x.var())
    bound = (n + 8) * U
    least = n * 2.0**-149  # products of denormals are 0
    found = {
        "mean": (mean, 2 * U * abs(mean) + (n + 2) * U * size + 2.0**-149),
        "energy": (energy, bound * energy + least),
        "rms": (math.sqrt(energy / n), bound * math.sqrt(energy / n) + math.sqrt(least)),
        "variance": (variance, bound * variance + least),
        "std": (math.sqrt(variance), bound * math.sqrt(variance) + math.sqrt(least)),
    }
    if n > 1:
        found["variance1"] = (float(x.var(ddof=1)), bound * float(x.var(ddof=1)) + least)
    if variance > 1e-12 and math.sqrt(variance) * 2**12 > abs(mean):
        skewness, kurtosis = float(stats.skew(x)), float(stats.kurtosis(x))
        cubes = float((np.abs(x - mean) ** 3).mean()) / variance**1.5
        found["skewness"] = (skewness, (3 * n + 32) * U * max(1.0, cubes))
        found["kurtosis"] = (kurtosis, (4 * n + 32) * U * (3 + kurtosis))
    elif np.ptp(x) == 0:
        found |= {"mean": (x[0], 0), "variance": (0.0, 0), "skewness": (0.0, 0), "kurtosis": (-3.0, 0)}
    return found


def others(window: Window) -> dict[str, tuple[float, float]]:
    """Values and bounds of the rest."""
    x, y, z = (np.array(window.channel(i), dtype=np.float64) for i in range(3))
    n = len(x)
    size = float(np.abs(x).sum())
    area = float(np.mean(np.abs(x) + np.abs(y) + np.abs(z)))
    spread = float(np.sum(np.abs(x - x.mean()) * np.abs(y - y.mean())))
    off = (
        4
        * U
        * n
        * (abs(x.mean()) * np.abs(y - y.mean()).mean() + abs(y.mean()) * np.abs(x - x.mean()).mean())
    )
    products = float(np.sum((x - x.mean()) * (y - y.mean())))
    found: dict[str, tuple[float, float]] = {
        "low": (float(x.min()), 0),
        "high": (float(x.max()), 0),
        "peak": (float(np.float32(x.max() - x.min())), 0),
        "absolute": (size, n * U * size),
        "area": (area, (n + 4) * U * area + 2.0**-149),
        "products": (products, (n + 4) * U * spread + off + n * 2.0**-149),
    }
    if n > 1:
        steps = np.diff(x)
        length, root = float(np.abs(steps).sum()), float(np.sqrt((steps * steps).mean()))
        found["length"] = (length, n * U * length)
        found["jerk"] = (50 * length / (n - 1), (n + 3) * U * 50 * length / (n - 1) + 50 * 2.0**-149)
        found["jerk_rms"] = (50 * root, (n + 4) * U * 50 * root + 50 * math.sqrt(n * 2.0**-149))
    if x.var() * y.var() == 0:
        found["correlation"] = (0.0, 0.0)
    elif min(x.var(), y.var()) > 1e-12 and off < spread * U:
        found["correlation"] = (products / math.sqrt(x.var() * y.var()) / n, (2 * n + 12) * U)
    wanted = np.percentile(x, [q / 10 for q in PER_MILLE])
    for q, value in zip(PER_MILLE, wanted, strict=True):
        allowed = 3 * U * float(np.abs(x).max()) + 2.0**-149
        found[f"selected{q}"] = found[f"counted{q}"] = (float(value), allowed)
    return found


def compare(window: Window, got: Numbers) -> None:
    x = np.array(window.channel(0), dtype=np.float32)
    for name, (value, allowed) in {**moments(x.astype(np.float64)), **others(window)}.items():
        assert abs(got[name] - value) <= allowed, (name, got[name], value, allowed)
    assert got["crossings"] == np.count_nonzero(np.diff(x < np.float32(window.level)))
    assert got["mean_crossings"] == np.count_nonzero(np.diff(x < np.float32(got["mean"])))
    steps = np.diff(x)
    tall = np.maximum(np.abs(steps[1:]), np.abs(steps[:-1])) > window.threshold
    assert len(x) == 1 or got["turns"] == np.count_nonzero(
        (np.sign(steps[1:]) * np.sign(steps[:-1]) < 0) & tall
    )


@given(st.lists(windows(), min_size=20, max_size=40))
@settings(max_examples=5, phases=(Phase.generate,))
def test_floats_come_close_to_float64(work: Path, chosen: list[Window]) -> None:
    for window, got in zip(chosen, features(chosen, SANITIZED, work), strict=True):
        compare(window, got)


@pytest.mark.parametrize(
    "machine", [OPTIMISED, *(ARM[name] for name in CORES)], ids=lambda machine: machine.name
)
def test_floats_come_close_everywhere(machine: Machine, work: Path) -> None:
    machine.need()
    chosen = []
    for i, kind in enumerate(KINDS):
        frames = np.stack([signal(kind, 100 + i, i), signal("noise", 100 + i, i + 50)], axis=1)
        chosen += [Window(frames, 100 + i), Window(frames, 17, 0.25, 1)]
    for window, got in zip(chosen, features(chosen, machine, work), strict=True):
        compare(window, got)


def test_nan_and_infinity_are_no_crash(work: Path) -> None:
    x = np.arange(40, dtype=np.float32)
    with_nan, infinite = x.copy(), x.copy()
    with_nan[5], infinite[5] = np.nan, np.inf
    odd, higher = features([Window(with_nan[:, None], 20), Window(infinite[:, None], 20)], SANITIZED, work)
    for name in ("mean", "rms", "variance", "std", "skewness", "kurtosis", "absolute", "length", "jerk_rms"):
        assert math.isnan(odd[name]), name
        assert not math.isfinite(higher[name]), name
    assert odd["low"] == 0
    assert math.isnan(odd["high"])
    assert odd["counted0"] == odd["selected0"] == 0
    assert math.isnan(odd["counted1000"])
    assert math.isinf(higher["selected1000"])
    assert higher["selected500"] == higher["counted500"] == np.percentile(infinite, 50)
