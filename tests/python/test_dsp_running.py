"""Running statistics, smoothing, angles and lengths."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.filter_cases import run, shared_directory, signal
from mwtest.net_cases import ARM, C_TYPES, SANITIZED, Call
from numpy.typing import NDArray

MACHINES = [SANITIZED, ARM["cortex-m0"], ARM["cortex-m4"]]
INCLUDE = "#include <milliwatt/running.h>\n"
EDGES = [-(2**31), -(2**31) + 1, -65537, -65536, -1, 0, 1, 2, 3, 7, 255, 32767, 32768, 2**30, 2**31 - 1]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_directory(tmp_path_factory)


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Any:
    request.param.need()
    return request.param


def each(x: NDArray[Any], width: int, out: str, code: str) -> Call:
    """``code`` for every row of ``width`` numbers at ``v``, which writes a number to ``*o``."""
    kind = {"float32": "f32", "int16": "i16", "int32": "i32"}[x.dtype.name]
    rows = x.size // width
    size = np.dtype({"float": np.float32, "int16_t": np.int16, "int32_t": np.int32}[out]).itemsize
    text = (
        f"    {C_TYPES[kind]} *x = ({C_TYPES[kind]} *) room({x.nbytes}U);\n"
        f"    {out} *out = ({out} *) room({rows * size}U);\n    take(x, {x.nbytes}U);\n"
        f"    for (int i = 0; i < {rows}; ++i) {{\n        const {C_TYPES[kind]} *v = x + i * {width};\n"
        f"        {out} *o = out + i;\n        {code}\n    }}\n    put(out, {rows * size}U);\n"
        "    free(x);\n    free(out);\n"
    )
    return Call(INCLUDE, text, np.ascontiguousarray(x).tobytes(), rows * size)


def _floats(n: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n, 3)) * 10.0 ** rng.integers(-37, 38, (n, 1))
    values[:40] = rng.integers(-1, 2, (40, 3))
    values[40:60] = rng.integers(-3, 4, (20, 3)) * 1e-44
    values[60:100] *= 10.0 ** rng.integers(-3, 3, (40, 3))
    return values.astype(np.float32)


def test_angles_of_floats(machine: Any, work: Path) -> None:
    x = _floats(1500)
    found = np.frombuffer(
        run([each(x, 3, "float", "*o = mw_atan2_f32(v[0], v[1]);")], work, machine)[0], "f4"
    )
    want = np.arctan2(x[:, 0].astype(float) + 0.0, x[:, 1].astype(float) + 0.0)
    assert (np.abs(found - want) <= 2.0**-21 * np.abs(want) + 2e-45).all()


def test_lengths_of_floats(machine: Any, work: Path) -> None:
    x = _floats(1500)
    code = "*o = mw_length_f32(v[0], v[1], v[2]);"
    found = np.frombuffer(run([each(x, 3, "float", code)], work, machine)[0], np.float32)
    want = np.sqrt((x.astype(float) ** 2).sum(1))
    assert (np.abs(found - want) <= 2.0**-21 * want + 2e-45).all()


def test_nan_and_infinity(work: Path) -> None:
    rows = [(np.nan, 1, 1), (1, np.nan, 1), (1, 1, np.nan), (np.inf, 1, 1), (1, 1, -np.inf)]
    x = np.array(rows, np.float32)
    lengths, angles = run(
        [
            each(x, 3, "float", "*o = mw_length_f32(v[0], v[1], v[2]);"),
            each(x[:2], 3, "float", "*o = mw_atan2_f32(v[0], v[1]);"),
        ],
        work,
        SANITIZED,
    )
    assert not np.isfinite(np.frombuffer(lengths, np.float32)).any()
    assert np.isnan(np.frombuffer(lengths, np.float32)[:3]).all()
    assert np.isnan(np.frombuffer(angles, np.float32)).all()


def test_angles_of_integers(machine: Any, work: Path) -> None:
    rng = np.random.default_rng(4)
    sizes = 2.0 ** rng.uniform(0, 31, (4000, 1))
    x = np.clip(rng.uniform(-1, 1, (4000, 2)) * sizes, -(2.0**31), 2.0**31 - 1).astype(np.int32)
    x = np.concatenate([x, [(a, b) for a in EDGES for b in EDGES]]).astype(np.int32)
    code = "*o = mw_atan2_i32(v[0], v[1]);"
    found = np.frombuffer(run([each(x, 2, "int16_t", code)], work, machine)[0], np.int16).astype(float)
    want = np.arctan2(x[:, 0].astype(float), x[:, 1].astype(float)) / np.pi * 32768
    off = (found - want + 32768) % 65536 - 32768
    assert np.abs(off).max() <= 2
    assert (found[(x[:, 0] == 0) & (x[:, 1] == 0)] == 0).all()


def test_lengths_of_integers(machine: Any, work: Path) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(-32768, 32768, (2000, 3))
    x[:500] = rng.integers(-20, 21, (500, 3))
    x[500:508] = [(a, b, c) for a in (-32768, 32767) for b in (-32768, 0) for c in (-32768, 1)]
    code = "*o = mw_length_q15(v[0], v[1], v[2]);"
    found = np.frombuffer(run([each(x.astype(np.int16), 3, "int32_t", code)], work, machine)[0], np.int32)
    squares = (x.astype(np.int64) ** 2).sum(1)
    assert (found.astype(np.int64) ** 2 <= squares).all()
    assert ((found.astype(np.int64) + 1) ** 2 > squares).all()


def test_orientation(machine: Any, work: Path) -> None:
    """Both families, smoothed a few times, against the angles of what float64 smooths."""
    rng = np.random.default_rng(6)
    axes = rng.normal(size=(300, 3))
    axes *= 8000 / np.sqrt((axes**2).sum(1, keepdims=True))
    x = np.round(np.repeat(axes, 2, 1).reshape(300, 3, 2).transpose(0, 2, 1)).astype(np.int16)
    x[:, 1] = np.clip(x[:, 1] + rng.integers(-300, 300, (300, 3)), -32768, 32767)
    steps = (
        "mw_gravity_{k} g; mw_gravity_begin_{k}(&g, v[0], v[1], v[2]); "
        "mw_gravity_add_{k}(&g, {a}, v[3], v[4], v[5]); *o = mw_{angle}_{k}(&g);"
    )
    smooth = x[:, 0] + 0.25 * (x[:, 1].astype(float) - x[:, 0])
    roll = np.arctan2(smooth[:, 1], smooth[:, 2])
    level = np.hypot(smooth[:, 1], smooth[:, 2])
    pitch = np.arctan2(-smooth[:, 0], level)
    for angle, want in (("roll", roll), ("pitch", pitch)):
        calls = [
            each(x.astype(np.float32), 6, "float", steps.format(k="f32", a="0.25f", angle=angle)),
            each(x, 6, "int16_t", steps.format(k="q15", a="16384", angle=angle)),
        ]
        floats, integers = run(calls, work, machine)
        assert np.abs(np.frombuffer(floats, np.float32) - want).max() < 1e-5
        off = np.frombuffer(integers, np.int16) - want / np.pi * 32768
        off = np.abs((off + 32768) % 65536 - 32768)
        assert (off <= 3 + (0 if angle == "roll" else 1) * 32768 / np.pi * 2 / np.maximum(level, 1)).all()


@pytest.mark.parametrize("name", ["random", "sine", "step", "full", "low", "zeros", "tiny"])
def test_statistics(name: str, work: Path) -> None:
    """Those of integers are exact: as fractions of Python's integers."""
    x = signal(name, 1000, 32767.0, 7)
    whole = np.round(x).astype(np.int16)
    code = (
        "static mw_running_q15 s; if (i == 0) mw_running_begin_q15(&s); mw_running_add_q15(&s, *v); "
        "*o = {part};"
    )
    parts = ("mw_running_mean_q15(&s)", "(int32_t) mw_running_variance_q15(&s)", "s.low", "s.high")
    calls = [each(whole, 1, "int32_t", code.format(part=part)) for part in parts]
    mean, variance, low, high = (np.frombuffer(got, np.int32) for got in run(calls, work, SANITIZED))
    for n in (1, 2, 3, 17, 256, 1000):
        seen = [int(value) for value in whole[:n]]
        exact = Fraction(sum(seen), n)
        assert mean[n - 1] == exact * 65536 // 1
        assert variance[n - 1] == (Fraction(sum(value * value for value in seen), n) - exact**2) // 1
        assert (low[n - 1], high[n - 1]) == (min(seen), max(seen))
    scaled = (x / 32767 + 1).astype(np.float32)
    code = code.replace("q15", "f32")
    parts = ("s.mean", "mw_running_variance_f32(&s)", "s.low", "s.high")
    calls = [each(scaled, 1, "float", code.format(part=part)) for part in parts]
    mean, variance, low, high = (np.frombuffer(got, np.float32)[-1] for got in run(calls, work, SANITIZED))
    exact_floats = scaled.astype(float)
    assert abs(mean - exact_floats.mean()) <= 2.0**-20
    assert abs(variance - exact_floats.var()) <= 1000 * 2.0**-24 * max(exact_floats.var(), 1e-6)
    assert (low, high) == (scaled.min(), scaled.max())


def test_long_statistics_do_not_overflow(work: Path) -> None:
    """A state as after 2^32 - 2 samples of the lowest number: one more, and then none."""
    n = 2**32 - 2
    begin = (
        f"mw_running_q15 s; s.n = {n}U; s.sum = -32768LL * {n}; s.squares = 1073741824ULL * {n}U; "
        "s.low = s.high = -32768; mw_running_add_q15(&s, v[0]); mw_running_add_q15(&s, v[0]); "
    )
    x = np.array([-32768, 32767], np.int16)
    parts = ("mw_running_mean_q15(&s)", "(int32_t) mw_running_variance_q15(&s)", "(int32_t) (s.n + 1)")
    calls = [each(x, 1, "int32_t", f"{begin}*o = {part};") for part in parts]
    found = [np.frombuffer(got, np.int32).tolist() for got in run(calls, work, SANITIZED)]
    assert found == [[-(2**31), -(2**31)], [0, 0], [0, 0]]


def test_nan_in_statistics(work: Path) -> None:
    x = np.array([np.nan, 2.0, -1.0], np.float32)
    code = (
        "static mw_running_f32 s; if (i == 0) mw_running_begin_f32(&s); mw_running_add_f32(&s, *v); *o = {};"
    )
    calls = [each(x, 1, "float", code.format(part)) for part in ("s.low", "s.high", "s.mean")]
    low, high, mean = (np.frombuffer(got, np.float32) for got in run(calls, work, SANITIZED))
    assert (low[1:].tolist(), high[1:].tolist()) == ([2.0, -1.0], [2.0, 2.0])
    assert np.isnan(mean).all()


@pytest.mark.parametrize("alpha", [1, 655, 16384, 65535])
def test_smoothing(alpha: int, machine: Any, work: Path) -> None:
    """Integers are Python's, within the range of the samples, and as close to float64 as the header says."""
    x = np.concatenate([signal(name, 300, 32767.0, 8) for name in ("random", "full", "low", "step", "sine")])
    short = np.round(x).astype(np.int16)
    long = np.round(x * 65536).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
    q15 = "static int32_t y; y = i == 0 ? mw_smooth_begin_q15(*v) : mw_smooth_q15(y, {a}, *v); *o = y;"
    q31 = (
        "static int64_t y; y = i == 0 ? mw_smooth_begin_q31(*v) : mw_smooth_q31(y, {a}, *v); "
        "*o = mw_smoothed_q31(y);"
    )
    calls = [each(short, 1, "int32_t", q15.format(a=alpha)), each(long, 1, "int32_t", q31.format(a=alpha))]
    got_15, got_31 = (np.frombuffer(got, np.int32).astype(np.int64) for got in run(calls, work, machine))
    y_15, y_31, y = int(short[0]) << 16, int(long[0]) << 16, float(short[0])
    for at in range(len(x)):
        if at:
            half = (int(short[at]) << 15) - (y_15 >> 1)
            y_15 += (half >> 16) * alpha * 2 + ((half & 0xFFFF) * alpha >> 15)
            y_31 += (((int(long[at]) << 16) - y_31) * alpha) >> 16
            y += alpha / 65536 * (short[at] - y)
        assert got_15[at] == y_15
        assert got_31[at] == (y_31 + 32768) >> 16
        assert -(2**31) <= y_15 <= 32767 << 16
        assert abs(y_15 / 65536 - y) <= (65536 / alpha + 2) * 2 / 65536
