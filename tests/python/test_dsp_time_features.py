"""Features of integers: exact sums, and results as numpy and scipy have them; the same bits on every CPU."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest.dsp_programs import AVR, run_program
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Machine
from mwtest.time_programs import PER_MILLE, Numbers, Window, features
from numpy.typing import NDArray
from scipy import stats

LOW, HIGH = -32768, 32767
KINDS = (
    "random",
    "small",
    "ones",
    "constant",
    "sine",
    "step",
    "impulse",
    "full scale",
    "alternating",
    "one off",
)

CORES = ("cortex-m0", "cortex-m3", "cortex-m4")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("time")


def signal(kind: str, n: int, seed: int) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    at = int(rng.integers(LOW, HIGH + 1))
    x = np.full(n, at)
    if kind == "random":
        x = rng.integers(LOW, HIGH + 1, n)
    elif kind == "small":
        x = at + rng.integers(-20, 20, n)
    elif kind == "ones":
        x = at + rng.integers(0, 2, n)
    elif kind == "sine":
        x = np.rint(rng.uniform(1, 40000) * np.sin(rng.uniform(0, 3) * np.arange(n)) + at / 4).astype(int)
    elif kind == "step":
        x = np.where(np.arange(n) < n // 2, at, int(rng.integers(LOW, HIGH + 1)))
    elif kind == "impulse":
        x[n // 3] = HIGH if at < 0 else LOW
    elif kind == "full scale":
        x = rng.choice([LOW, HIGH], n)
    elif kind == "alternating":
        x = np.where(np.arange(n) % 2, LOW, HIGH)
    elif kind == "one off":
        x[n // 2] += 1
    return np.clip(x, LOW, HIGH).astype(np.int16)


@st.composite
def windows(draw: st.DrawFn, longest: int = 300) -> Window:
    n, channels = draw(st.integers(1, longest)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    frames = np.stack([signal(draw(st.sampled_from(KINDS)), n, seed + i) for i in range(channels)], axis=1)
    if channels > 1 and draw(st.booleans()):  # two that belong together
        frames[:, 1] = np.clip(
            frames[:, 0] // 2 * draw(st.sampled_from([-1, 1])) + frames[:, 1] // 7, LOW, HIGH
        )
    threshold = draw(st.sampled_from([0, 5, 300, 65535]))
    return Window(frames, draw(st.integers(0, n)), draw(st.sampled_from([0, 0, 100, -32768])), threshold)


def floor_sqrt(x: Fraction) -> float:
    """The root of a fraction to 2^-40."""
    return math.isqrt(x.numerator * 2**80 // x.denominator) / 2**40


def exact(window: Window) -> dict[str, int]:
    """What is an integer, in Python's."""
    x, y, z = (window.channel(i) for i in range(3))
    n, total = len(x), sum(x)
    steps = [b - a for a, b in itertools.pairwise(x)]
    squares = sum(a * a for a in x)
    third = sum((n * a - total) ** 3 for a in x) // n % 2**128
    fourth = sum((n * a - total) ** 4 for a in x) // n % 2**128
    turns = sum(a * b < 0 and max(abs(a), abs(b)) > window.threshold for a, b in itertools.pairwise(steps))
    products = sum(a * b for a, b in zip(x, y, strict=True))
    found = {
        "sum": total,
        "squares": squares,
        "scatter": n * squares - total**2,
        "mean_q8": (512 * total + n) // (2 * n),
        "level": -(-total // n),
        "low": min(x),
        "high": max(x),
        "peak": max(x) - min(x),
        "absolute": sum(map(abs, x)),
        "absolute_q8": (512 * sum(map(abs, x)) + n) // (2 * n),
        "area_q8": (512 * sum(map(abs, x + y + z)) + n) // (2 * n),
        "crossings": sum((a < window.level) != (b < window.level) for a, b in itertools.pairwise(x)),
        "mean_crossings": sum((n * a < total) != (n * b < total) for a, b in itertools.pairwise(x)),
        "length": sum(map(abs, steps)),
        "slope_squares": sum(a * a for a in steps),
        "turns": turns,
        "products": products,
        "coscatter": n * products - total * sum(y),
    }
    for i in range(4):
        found[f"third{i}"] = third >> 32 * i & 0xFFFFFFFF
        found[f"fourth{i}"] = fourth >> 32 * i & 0xFFFFFFFF
    return found


def close_integers(window: Window) -> dict[str, tuple[float, float]]:
    """Value in the unit of the result, and how far off it may be."""
    x, y = window.channel(0), window.channel(1)
    n, total = len(x), sum(x)
    squares = sum(a * a for a in x)
    scatter = n * squares - total**2
    steps = [b - a for a, b in itertools.pairwise(x)] or [0]
    third = Fraction(sum((n * a - total) ** 3 for a in x), n)
    fourth = Fraction(sum((n * a - total) ** 4 for a in x), n)
    found = {
        "rms_q8": (256 * floor_sqrt(Fraction(squares, n)), 0.6),
        "std_q8": (256 * floor_sqrt(Fraction(scatter, n * n)), 0.6),
        "skewness_q8": (256 * float(third) / scatter**1.5 if scatter else 0, 0.6),
        "kurtosis_q8": (float(256 * fourth / scatter**2 - 768 if scatter else -768), 0.6),
        "jerk_q8": (256 * sum(map(abs, steps)) / len(steps), 0.5001),
        "jerk_rms_q8": (
            256 * floor_sqrt(Fraction(sum(a * a for a in steps), len(steps))),
            0.6,
        ),
    }
    y_scatter = n * sum(a * a for a in y) - sum(y) ** 2
    both = n * sum(a * b for a, b in zip(x, y, strict=True)) - total * sum(y)
    wanted = 32768 * both / math.sqrt(scatter) / math.sqrt(y_scatter) if scatter and y_scatter else 0
    found["correlation_q15"] = (max(-32767, min(32767, wanted)), 0.6)
    wanted_percentiles = np.percentile(x, [q / 10 for q in PER_MILLE]) * 256
    for q, value in zip(PER_MILLE, wanted_percentiles, strict=True):
        found[f"selected{q}"] = found[f"counted{q}"] = (float(value), 0.502)
    return found


def close_floats(window: Window) -> dict[str, tuple[float, float]]:
    """numpy's and scipy's value, and how far off the float may be."""
    x = np.array(window.channel(0), dtype=np.float64)
    y = np.array(window.channel(1), dtype=np.float64)
    varies, both_vary = np.ptp(x) > 0, np.ptp(x) > 0 and np.ptp(y) > 0
    kurtosis = float(stats.kurtosis(x)) if varies else -3.0
    steps = np.diff(x) if len(x) > 1 else np.zeros(1)
    values: dict[str, Any] = {
        "mean": x.mean(),
        "rms": np.sqrt((x * x).mean()),
        "energy": (x * x).sum(),
        "variance": x.var(),
        "variance1": x.var(ddof=1) if len(x) > 1 else 0,
        "std": x.std(),
        "std1": x.std(ddof=1) if len(x) > 1 else 0,
        "jerk": np.abs(steps).mean() * 50,
        "jerk_rms": np.sqrt((steps * steps).mean()) * 50,
    }
    found = {name: (float(value), 2**-21 * abs(float(value)) + 1e-30) for name, value in values.items()}
    found["kurtosis"] = (kurtosis, 2**-21 * (3 + kurtosis) + 1e-9)
    found["skewness"] = (float(stats.skew(x)) if varies else 0.0, 2**-21 * 16)
    covariance = float(np.cov(x, y)[0, 1]) if len(x) > 1 else 0.0
    found["covariance"] = (covariance, 2**-21 * abs(covariance) + 1e-6)
    found["correlation"] = (float(np.corrcoef(x, y)[0, 1]) if both_vary else 0.0, 1e-6)
    return found


def compare(window: Window, got: Numbers) -> None:
    for name, want in exact(window).items():
        if len(window.frames) > 1 or name not in ("length", "slope_squares"):
            assert got[name] == want, (name, got[name], want)
    for name, (value, allowed) in {**close_integers(window), **close_floats(window)}.items():
        assert abs(got[name] - value) <= allowed, (name, got[name], value, allowed)


@given(st.lists(windows(), min_size=20, max_size=40))
@settings(max_examples=5, phases=(Phase.generate,))
def test_integers_are_what_python_computes(work: Path, chosen: list[Window]) -> None:
    for window, got in zip(chosen, features(chosen, SANITIZED, work), strict=True):
        compare(window, got)


def fixed_windows() -> list[Window]:
    """Each kind of signal, once whole and once broken off; and the greatest windows."""
    found = []
    for i, kind in enumerate(KINDS):
        frames = np.stack([signal(kind, 97 + i, i), signal("random", 97 + i, 50 + i)], axis=1)
        found += [Window(frames, 97 + i), Window(frames, 31, 100, 5)]
    for kind in ("full scale", "alternating", "random"):
        found.append(Window(signal(kind, 65535, 3)[:, None], 40000))
    found.append(Window(np.full((65535, 1), LOW, dtype=np.int16), 1))
    found.append(Window(np.where(np.arange(65535) == 7, HIGH, LOW).astype(np.int16)[:, None], 65535))
    return found


@pytest.fixture(scope="module")
def fixed(work: Path) -> list[tuple[Window, Numbers]]:
    """The windows, and what they give here, which is right."""
    chosen = fixed_windows()
    found = list(zip(chosen, features(chosen, SANITIZED, work), strict=True))
    for window, got in found:
        compare(window, got)
    return found


def same_integers(got: Numbers, here: Numbers) -> None:
    for name, value in here.items():
        if isinstance(value, int):
            assert got[name] == value, name
        else:
            assert abs(got[name] - value) <= 2**-20 * max(1, abs(value)), name


@pytest.mark.parametrize(
    "machine", [OPTIMISED, *(ARM[name] for name in CORES)], ids=lambda machine: machine.name
)
def test_the_same_integers_everywhere(
    machine: Machine, fixed: list[tuple[Window, Numbers]], work: Path
) -> None:
    """Full scale too: with 65535 samples no sum overflows."""
    machine.need()
    for got, (_, here) in zip(features([window for window, _ in fixed], machine, work), fixed, strict=True):
        same_integers(got, here)


def test_the_same_integers_on_avr(fixed: list[tuple[Window, Numbers]], work: Path) -> None:
    """Where an int has 16 bits."""
    short = [(window, here) for window, here in fixed if len(window.frames) < 200]
    assert len(short) == 2 * len(KINDS)
    for got, (_, here) in zip(features([window for window, _ in short], AVR, work), short, strict=True):
        same_integers(got, here)


_REFUSED = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/time_features.h>

int main(void)
{
    static const int16_t values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const float floats[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const mw_view_i16 whole = mw_array_i16(values, 8, 1), none = mw_array_i16(values, 0, 1);
    const mw_view_i16 missing = mw_array_i16(NULL, 4, 1), parts = {values, values + 4, 4, 4, 1};
    const mw_view_i16 too_many = {values, values, 65535, 1, 1};
    const mw_view_f32 real = mw_array_f32(floats, 8, 1), no_reals = mw_array_f32(floats, 0, 1);
    const uint16_t beyond = 1001;
    mw_sums_i16 sums = {0, 0, 7};
    mw_sums_f32 real_sums = {0, 0, 0, 7};
    mw_shape_i16 shape;
    mw_shape_f32 real_shape;
    mw_range_i16 range;
    int64_t products;
    int32_t quantile;
    uint32_t sum;
    uint16_t count;
    float real_quantile;
    int16_t scratch[8];
    const int answers[] = {
        mw_sum_i16(&none, &sums), mw_sum_i16(&missing, &sums), mw_sum_i16(&too_many, &sums),
        mw_shape_of_i16(&whole, &sums, &shape), mw_range_of_i16(&none, &range),
        mw_absolute_sum_i16(&missing, &sum), mw_crossings_i16(&none, 0, &count),
        mw_products_i16(&whole, &parts, &products), mw_products_i16(&whole, &missing, &products),
        mw_quantiles_i16(&whole, scratch, &beyond, 1, &quantile),
        mw_count_quantiles_i16(&none, &beyond, 0, &quantile),
        mw_sum_f32(&no_reals, &real_sums), mw_shape_of_f32(&real, &real_sums, &real_shape),
        mw_count_quantiles_f32(&real, &beyond, 1, &real_quantile)};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; ++i) {
        printf("%d ", answers[i]);
    }
    return sums.n == 7 && real_sums.n == 7 ? 0 : 1;
}
"""


def test_what_cannot_be_is_refused(work: Path) -> None:
    found = run_program(_REFUSED, ("time_", "roots"), b"", SANITIZED, work).split()
    assert list(map(int, found)) == [-2, -1, -2, -2, -2, -1, -2, -2, -1, -2, -2, -2, -2, -2]
