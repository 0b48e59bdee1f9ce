"""Windows, what is told of spectra, Goertzel, square roots: beside scipy and numpy, on the PC and on Arm."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.fft_cases import run, shared
from mwtest.net_cases import ARM, SANITIZED, Call, Machine
from numpy.typing import NDArray
from scipy.signal import windows

MACHINES = (SANITIZED, ARM["cortex-m0"], ARM["cortex-m4"])
TYPES = {"float32": "float", **{f"{u}int{b}": f"{u}int{b}_t" for u in ("", "u") for b in (16, 32, 64)}}
WINDOWS = {
    "RECTANGULAR": windows.boxcar,
    "HANN": windows.hann,
    "HAMMING": windows.hamming,
    "BLACKMAN": windows.blackman,
    "BLACKMAN_HARRIS": windows.blackmanharris,
    "FLAT_TOP": windows.flattop,
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory)


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Machine:
    request.param.need()
    return request.param


def made(header: str, invoke: str, x: NDArray[Any], out: Any, n: int, more: str = "") -> Call:
    """A call with ``x`` and ``out``; it puts out what ``status`` is, then ``out``."""
    kind, width = TYPES[np.dtype(out).name], np.dtype(out).itemsize
    code = (
        f"    {TYPES[x.dtype.name]} *x = ({TYPES[x.dtype.name]} *) room({x.nbytes + 1}U);\n"
        f"    {kind} *out = ({kind} *) room({n * width}U);\n    int32_t status;\n    take(x, {x.nbytes}U);\n"
        f"{more}    status = {invoke};\n    put(&status, 4);\n    put(out, {n * width}U);\n"
        "    free(x);\n    free(out);\n"
    )
    return Call(f"#include <milliwatt/{header}.h>\n", code, x.tobytes(), 4 + n * width)


def numbers(output: bytes, kind: Any, status: int = 0) -> NDArray[Any]:
    assert np.frombuffer(output, np.int32, 1)[0] == status
    return np.frombuffer(output, kind, offset=4)


# -- windows ----------------------------------------------------------------------------------------


def test_windows_are_scipys(work: Path, machine: Machine) -> None:
    cases = [
        (name, n, symmetric, kind)
        for name in WINDOWS
        for n in (1, 2, 3, 8, 25, 256)
        for symmetric in (False, True)
        for kind in (np.float32, np.int16)
    ]
    empty = np.zeros(0, np.float32)
    calls = []
    for name, n, symmetric, kind in cases:
        family = "f32" if kind is np.float32 else "q15"
        ends = "SYMMETRIC" if symmetric else "PERIODIC"
        invoke = f"mw_window_{family}(out, {n}, MW_WINDOW_{name}, MW_WINDOW_{ends})"
        calls.append(made("windows", invoke, empty, kind, n))
    for (name, n, symmetric, kind), output in zip(cases, run(calls, work, machine), strict=True):
        want = WINDOWS[name](n, sym=symmetric)
        got = numbers(output, kind).astype(np.float64)
        if kind is np.float32:
            assert np.abs(got - want).max() <= 2.0**-24, (name, n, symmetric)
        else:
            assert np.abs(got - np.minimum(want * 32768, 32767)).max() <= 0.51, (name, n, symmetric)


def test_windows_are_multiplied(work: Path, machine: Machine) -> None:
    random = np.random.default_rng(1)
    x = np.concatenate([random.integers(-32768, 32768, 40), [-32768, 32767, -32768]]).astype(np.int16)
    window = np.concatenate([random.integers(-500, 32768, 40), [32767, 32767, -32768]]).astype(np.int16)
    floats = random.uniform(-2, 2, 86).astype(np.float32)
    both = np.concatenate([x, window])
    calls = [
        made("windows", "mw_window_apply_q15(x, x + 43, 43, out)", both, np.int16, 43),
        made("windows", "mw_window_apply_q15(x, x + 43, 43, x);\n    memcpy(out, x, 86)", both, np.int16, 43),
        made("windows", "mw_window_apply_f32(x, x + 43, 43, out)", floats, np.float32, 43),
    ]
    first, in_place, third = run(calls, work, machine)
    want = np.minimum((x.astype(np.int32) * window + 0x4000) >> 15, 32767)
    np.testing.assert_array_equal(numbers(first, np.int16), want)
    np.testing.assert_array_equal(numbers(in_place, np.int16), want)
    np.testing.assert_array_equal(numbers(third, np.float32), floats[:43] * floats[43:])


# -- power and magnitude ----------------------------------------------------------------------------


def _bins(kind: Any) -> NDArray[Any]:
    random = np.random.default_rng(2)
    if kind is np.float32:
        return (random.standard_normal(60) * 10.0 ** random.integers(-12, 12, 60)).astype(np.float32)
    limits = np.iinfo(kind)
    edge = [limits.min, limits.min, limits.max, limits.max, 0, 0, 1, 0, limits.min, 0]
    return np.concatenate([random.integers(limits.min, limits.max, 50), edge]).astype(kind)


def test_power_and_magnitude(work: Path, machine: Machine) -> None:
    floats, halves, words = _bins(np.float32), _bins(np.int16), _bins(np.int32)
    calls = [
        made("spectrum", "mw_power_f32(x, 30, out)", floats, np.float32, 30),
        made("spectrum", "mw_power_f32(x, 30, x);\n    memcpy(out, x, 120)", floats, np.float32, 30),
        made("spectrum", "mw_magnitude_f32(x, 30, out)", floats, np.float32, 30),
        made("spectrum", "mw_power_q15(x, 30, out)", halves, np.uint32, 30),
        made("spectrum", "mw_magnitude_q15(x, 30, out)", halves, np.uint16, 30),
        made("spectrum", "mw_power_i32(x, 30, out)", words, np.uint32, 30),
        made("spectrum", "mw_magnitude_i32(x, 30, out)", words, np.uint32, 30),
    ]
    power, in_place, magnitude, *integers = run(calls, work, machine)
    want = np.sum(floats.astype(np.float64).reshape(-1, 2) ** 2, 1)
    assert power == in_place
    np.testing.assert_allclose(numbers(power, np.float32), want, rtol=2.0**-22)
    np.testing.assert_allclose(numbers(magnitude, np.float32), np.sqrt(want), rtol=2.0**-22)
    for x, outputs, shift in ((halves, integers[:2], 0), (words, integers[2:], 32)):
        squares = [int(re) ** 2 + int(im) ** 2 for re, im in x.reshape(-1, 2)]
        assert numbers(outputs[0], np.uint32).tolist() == [square >> shift for square in squares]
        roots = numbers(outputs[1], np.uint16 if shift == 0 else np.uint32)
        assert roots.tolist() == [math.isqrt(square) for square in squares]


# -- bands, peak, centroid, rolloff -----------------------------------------------------------------

_EDGES = "    static const uint16_t edges[5] = {0, 3, 3, 20, 33};\n"
_SHAPE = """{{
        size_t peak = mw_peak_{f}(x, 33);
        size_t rolloff = mw_rolloff_{f}(x, 33, {share});
        out[0] = ({t}) peak;
        out[1] = ({t}) rolloff;
        out[2] = ({t}) mw_centroid_{f}(x, 33);
        out[3] = ({t}) mw_peak_{f}(x + 5, 1);
    }}
    status = 0"""


def test_powers_in_a_unit_of_their_own(work: Path, machine: Machine) -> None:
    """The largest gets 29 to 32 bits, from the least numbers to the greatest; out of place and in it."""
    given = [
        _bins(np.int32),
        _bins(np.int32) >> 7,
        np.array([3, -1, 0, 2, -4, 0]),
        np.zeros(4),
        _bins(np.int32),
    ]
    given[-1][:] = -(2**31)
    calls = []
    for x in given:
        n = len(x) // 2
        call = (
            f"mw_power_block_i32(x, {n}, out + 1, &e);\n    out[0] = (uint32_t) e;\n"
            f"    status |= mw_power_block_i32(x, {n}, (uint32_t *) x, &e);\n"
            f"    memcpy(out + {n + 1}, x, {4 * n})"
        )
        calls.append(made("spectrum", call, x.astype(np.int32), np.uint32, 2 * n + 1, "    int e = 7;\n"))
    for x, output in zip(given, run(calls, work, machine), strict=True):
        exponent, *powers = numbers(output, np.uint32).tolist()
        exponent -= 2**32 if exponent >= 2**31 else 0
        first, second = powers[: len(x) // 2], powers[len(x) // 2 :]
        exact = [int(re) ** 2 + int(im) ** 2 for re, im in x.reshape(-1, 2)]
        wide = [value * 2**-exponent if exponent <= 0 else value >> exponent for value in exact]
        assert first == second == [min(value, 2**32 - 1) for value in wide]
        assert max(first) >= 2**29 or not any(exact)


@pytest.mark.parametrize("name", ["noise", "one", "zero", "full"])
def test_shape(work: Path, machine: Machine, name: str) -> None:
    random = np.random.default_rng(3)
    power = {
        "noise": random.integers(0, 2**32, 33),
        "one": np.eye(33, dtype=np.int64)[7] * 99,
        "zero": np.zeros(33, np.int64),
        "full": np.full(33, 2**32 - 1),
    }[name].astype(np.uint32)
    floats = power.astype(np.float32)
    calls = [
        made("spectrum", "mw_bands_u32(x, 33, edges, 4, out)", power, np.uint64, 4, _EDGES),
        made("spectrum", "mw_bands_f32(x, 33, edges, 4, out)", floats, np.float32, 4, _EDGES),
        made("spectrum", f"0;\n    {_SHAPE.format(f='u32', t='uint32_t', share=52428)}", power, np.uint32, 4),
        made("spectrum", f"0;\n    {_SHAPE.format(f='f32', t='float', share='0.8f')}", floats, np.float32, 4),
    ]
    bands, float_bands, shape, float_shape = run(calls, work, machine)
    want = [int(power[a:b].sum(dtype=np.uint64)) for a, b in ((0, 3), (3, 3), (3, 20), (20, 33))]
    assert numbers(bands, np.uint64).tolist() == want
    np.testing.assert_allclose(numbers(float_bands, np.float32), want, rtol=2e-6)
    total = int(power.sum(dtype=np.uint64))
    moment = sum(int(value) * k for k, value in enumerate(power))
    sums = np.cumsum(power.astype(object))
    rolloff = next(k for k in range(33) if sums[k] * 65536 >= total * 52428)
    centroid = moment * 256 // total if total else 0
    assert numbers(shape, np.uint32).tolist() == [int(np.argmax(power)), rolloff, centroid, 0]
    got = numbers(float_shape, np.float32)
    assert got[:2].tolist() == [int(np.argmax(floats)), rolloff]
    assert abs(got[2] - centroid / 256) <= 0.005


def test_refusals(work: Path) -> None:
    down = "    static const uint16_t edges[5] = {0, 3, 2, 20, 33};\n"
    x = np.zeros(34, np.float32)
    cases = [
        ("spectrum", "mw_bands_f32(x, 32, edges, 4, out)", _EDGES, -2),
        ("spectrum", "mw_bands_f32(x, 33, edges, 4, out)", down, -2),
        ("spectrum", "mw_bands_f32(x, 33, edges, 0, out)", _EDGES, -2),
        ("spectrum", "mw_bands_f32(x, 33, NULL, 4, out)", "", -1),
        ("spectrum", "mw_power_f32(x, 0, out)", "", -2),
        ("spectrum", "mw_magnitude_f32(x, 3, NULL)", "", -1),
        ("windows", "mw_window_f32(out, 0, MW_WINDOW_HANN, MW_WINDOW_PERIODIC)", "", -2),
        ("windows", "mw_window_f32(out, 32769, MW_WINDOW_HANN, MW_WINDOW_PERIODIC)", "", -2),
        ("windows", "mw_window_f32(NULL, 8, MW_WINDOW_HANN, MW_WINDOW_PERIODIC)", "", -1),
        ("windows", "mw_window_f32(out, 4, (mw_window_kind) 6, MW_WINDOW_PERIODIC)", "", -1),
        ("windows", "mw_window_apply_f32(x, x, 0, out)", "", -2),
        ("windows", "mw_window_apply_f32(x, NULL, 1, out)", "", -1),
        ("spectrum", "mw_goertzel_begin_q15(&state, 5, 0)", "    mw_goertzel_q15 state;\n", -2),
        ("spectrum", "mw_goertzel_begin_q15(&state, 5, 16385)", "    mw_goertzel_q15 state;\n", -2),
        ("spectrum", "mw_goertzel_begin_q15(NULL, 5, 5)", "", -1),
    ]
    calls = [made(header, invoke, x, np.float32, 4, more) for header, invoke, more, _ in cases]
    for (_, invoke, _, status), output in zip(cases, run(calls, work, SANITIZED), strict=True):
        assert np.frombuffer(output, np.int32, 1)[0] == status, invoke
    peak = "0;\n    out[0] = (float) mw_peak_f32(x, 3)"
    (output,) = run(
        [made("spectrum", peak, np.array([np.nan, 1, np.nan], np.float32), np.float32, 1)], work, SANITIZED
    )
    assert numbers(output, np.float32)[0] == 1


# -- Goertzel ---------------------------------------------------------------------------------------


def _goertzel(family: str, frequency: int, x: NDArray[Any], out: Any) -> Call:
    n = x.size
    length = f", {n}" if family == "q15" else ""
    more = f"    mw_goertzel_{family} state;\n    mw_goertzel_begin_{family}(&state, {frequency}U{length});\n"
    parts = "".join(
        f"    mw_goertzel_add_{family}(&state, x + {a}, {b - a});\n" for a, b in ((0, n // 3), (n // 3, n))
    )
    too_many = "mw_goertzel_add_q15(&state, x, 1) + 2" if family == "q15" else "0"
    invoke = f"{too_many};\n    out[0] = mw_goertzel_power_{family}(&state)"
    return made("spectrum", invoke, x, out, 1, more + parts)


def _blocks(n: int) -> dict[str, NDArray[np.float64]]:
    t = np.arange(n)
    random = np.random.default_rng(n)
    return {
        "noise": random.uniform(-1, 1, n),
        "sine": np.sin(0.7 * t),
        "most": np.ones(n),
        "least": -np.ones(n),
        "signs": np.where(t % 2, -1.0, 1.0),
        "zero": np.zeros(n),
    }


def test_goertzel(work: Path, machine: Machine) -> None:
    cases, calls = [], []
    for n in (7, 256, 2048):
        for x in _blocks(n).values():
            for part in (0, 0.001, 1 / 16, 0.2499, 0.25, 0.2501, 0.43, 0.4999, 0.5, 0.9):
                frequency = round(part * 2**32) & 0xFFFFFFFF
                floats = x.astype(np.float32)
                halves = np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16)
                for family, samples in (("f32", floats), ("q15", halves)):
                    cases.append((family, frequency, samples))
                    calls.append(
                        _goertzel(family, frequency, samples, np.float32 if family == "f32" else np.uint64)
                    )
    for (family, frequency, x), output in zip(cases, run(calls, work, machine), strict=True):
        power = float(numbers(output, np.float32 if family == "f32" else np.uint64)[0])
        exact = x.astype(np.float64)
        angle = -2j * np.pi * ((np.arange(x.size) * frequency) % 2**32) / 2**32
        want = abs(np.sum(exact * np.exp(angle)))
        # Off by a part of what a tone as strong would give.
        most = float(np.sqrt(np.sum(exact**2) * x.size))
        allowed = most * (1e-5 if family == "f32" else 1e-4) * max(1.0, x.size / 256)
        allowed += 0 if family == "f32" else 1.0 + x.size**1.5 / 2**14 * (x.size > 256)
        assert abs(math.sqrt(power) - want) <= allowed, (family, frequency / 2**32, x[:4], power, want)


# -- square roots -----------------------------------------------------------------------------------

_ROOTS = """0;
    for (unsigned i = 0; i < {n}; ++i) {{
        out[i] = ({t}) {name}(x[i]);
    }}"""


def test_roots_of_integers(work: Path, machine: Machine) -> None:
    random = np.random.default_rng(5)
    squares = np.array([k * k + d for k in (1, 2, 255, 256, 46340, 65535) for d in (-1, 0, 1)])
    words = np.concatenate([squares, [0, 2**32 - 1, 2**31], random.integers(0, 2**32, 80)]).astype(np.uint32)
    long_squares = [k * k + d for k in (65536, 2**31, 2**32 - 1, 3037000500) for d in (-1, 0, 1)]
    longs = np.array(
        [*long_squares, 2**64 - 1, *(int(v) << int(s) for v, s in zip(words[-32:], range(32), strict=True))],
        np.uint64,
    )
    calls = [
        made(
            "roots",
            _ROOTS.format(n=words.size, t="uint32_t", name="mw_root_u32"),
            words,
            np.uint32,
            words.size,
        ),
        made(
            "roots",
            _ROOTS.format(n=longs.size, t="uint32_t", name="mw_root_u64"),
            longs,
            np.uint32,
            longs.size,
        ),
    ]
    for x, output in zip((words, longs), run(calls, work, machine), strict=True):
        assert numbers(output, np.uint32).tolist() == [math.isqrt(int(value)) for value in x]


def test_roots_of_floats(work: Path, machine: Machine) -> None:
    """The bits of IEEE 754; those of NaN may have a sign on the PC, whose numpy gives it one."""
    random = np.random.default_rng(6)
    bits = np.concatenate([np.arange(40), 0x7F7FFFFF - np.arange(40), 0x3F800000 + np.arange(-40, 40)])
    bits = np.concatenate([bits, random.integers(0, 0x7F800000, 4000), [0x80000000, 0x7F800000]])
    x = bits.astype(np.uint32).view(np.float32)
    odd = np.array([0xFF800000, 0x80000001, 0xBF800000, 0x7FC00001, 0x7F800001, 0xFFC01234], np.uint32)
    calls = [
        made("roots", _ROOTS.format(n=x.size, t="float", name=f"mw_root_{soft}f32"), x, np.float32, x.size)
        for soft in ("", "soft_")
    ]
    floats = odd.view(np.float32)
    calls += [
        made("roots", _ROOTS.format(n=6, t="float", name=f"mw_root_{soft}f32"), floats, np.float32, 6)
        for soft in ("", "soft_")
    ]
    *plain, special, soft_special = run(calls, work, machine)
    for output in plain:
        np.testing.assert_array_equal(numbers(output, np.uint32), np.sqrt(x).view(np.uint32))
    want = [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00001, 0x7FC00001, 0xFFC01234]
    assert numbers(soft_special, np.uint32).tolist() == want
    assert np.isnan(numbers(special, np.float32)).all()
