"""Filters for tests: designs, signals, integer oracles, and calls of the kernels in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt import filters
from milliwatt.filters import Fir, IirQ15, IirQ31
from mwtest import net_cases
from mwtest.net_cases import NUMPY, Call, call, call_in_place

Signal = NDArray[Any]
KERNELS = ("iir", "fir", "roots", "running")
run = partial(net_cases.run, kernels=KERNELS)
check = partial(net_cases.check, kernels=KERNELS)
KINDS = {"f32": "f32", "q15": "i16", "q31": "i32"}
FULL = {"f32": 1.0, "q15": 32767.0, "q31": 2.0**31 - 1}


def shared_directory(factory: pytest.TempPathFactory) -> Path:
    """Where all tests of filters compile, so that the library is compiled once for each machine."""
    directory = factory.getbasetemp() / "filters"
    directory.mkdir(exist_ok=True)
    return directory


@dataclass(frozen=True)
class Design:
    """A filter of scipy's: ``order`` is the number of poles, doubled for bands; frequencies of Nyquist 1."""

    shape: str
    order: int
    kind: str
    low: float
    width: float

    @property
    def sos(self) -> NDArray[np.float64]:
        band: Any = self.low
        if self.kind in ("bandpass", "bandstop"):
            band = (self.low, min(0.97, self.low + self.width))
        if self.shape == "butter":
            return np.asarray(scipy.signal.butter(self.order, band, self.kind, output="sos"))
        if self.shape == "cheby1":
            return np.asarray(scipy.signal.cheby1(self.order, 1.0, band, self.kind, output="sos"))
        return np.asarray(scipy.signal.ellip(self.order, 0.5, 50.0, band, self.kind, output="sos"))


@st.composite
def designs(draw: st.DrawFn) -> Design:
    return Design(
        draw(st.sampled_from(("butter", "cheby1", "ellip"))),
        draw(st.integers(1, 5)),
        draw(st.sampled_from(("lowpass", "highpass", "bandpass", "bandstop"))),
        draw(st.floats(0.03, 0.85)),
        draw(st.floats(0.08, 0.5)),
    )


def signal(name: str, n: int, full: float, seed: int = 1) -> Signal:
    """One of the inputs every kernel gets, in float64."""
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    return {
        "random": rng.uniform(-1, 1, n) * full,
        "sine": np.sin(2 * np.pi * 0.031 * at) * full,
        "step": np.where(at >= n // 4, full, 0.0),
        "impulse": np.where(at == 1, full, 0.0),
        "full": np.where(rng.integers(0, 2, n) == 1, full, -full),
        "low": np.full(n, -full - (full > 1)),
        "zeros": np.zeros(n),
        "tiny": rng.integers(-2, 3, n) * (1e-41 if full == 1 else 1.0),
    }[name]


SIGNALS = ("random", "sine", "step", "impulse", "full", "low", "zeros", "tiny")


def db(want: Signal, got: Signal) -> float:
    """Signal to noise."""
    noise = float(np.sum((got - want) ** 2))
    return float("inf") if noise == 0 else 10 * np.log10(float(np.sum(want**2)) / noise)


def _fits(value: int, bits: int) -> int:
    assert -(1 << (bits - 1)) <= value < 1 << (bits - 1), "overflow"
    return value


def _saturated(value: int, bits: int) -> int:
    return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, value))


def oracle_q15(made: IirQ15, x: Sequence[int], settled: int | None = None) -> list[int]:
    """<milliwatt/iir.h> in Python's integers; asserts that no sum has more bits than there are."""
    x, before = [int(value) for value in x], settled
    for index, s in enumerate(made.sections):
        shift = made.out_shift if index + 1 == len(made.sections) else 16
        x1 = x2 = y1 = y2 = 0
        if before is not None:
            x1 = x2 = before
            y1 = y2 = s.gain * before + (1 << (shift - 1))
            before = y1 >> 16
        out = []
        for x0 in x:
            total = _fits(s.b[0] * x0 + s.b[1] * x1 + s.b[2] * x2 + s.bias, 32)
            total = _fits((total >> s.b_shift) + s.d[0] * (y1 >> 16) + s.d[1] * (y2 >> 16), 32)
            seen = y2 >> 16 << 16 if s.cut else y2
            y = _fits((total >> s.d_shift) + s.k[0] * y1 + s.k[1] * seen, 32)
            x2, x1, y2, y1 = x1, x0, y1, y
            out.append(_saturated(y >> shift, 16) if shift != 16 or s is made.sections[-1] else y >> 16)
        x = out
    return x


def oracle_q31(made: IirQ31, x: Sequence[int], settled: int | None = None) -> list[int]:
    """As above, of 32 bits."""
    x, before = [int(value) for value in x], settled
    for index, s in enumerate(made.sections):
        x1 = x2 = y1 = y2 = rest = in_rest = 0
        if before is not None:
            x1 = x2 = before
            before = y1 = y2 = (s.gain * before + (1 << 29)) >> 30
        out = []
        for x0 in x:
            ahead = _fits(s.b[0] * x0 + s.b[1] * x1 + s.b[2] * x2 + in_rest, 64)
            in_rest = ahead & 0xFFFFFFFF
            total = _fits((ahead >> 32 << s.b_shift) + s.a[0] * y1 + s.a[1] * y2 + rest, 64)
            y = _fits(total >> 30, 32)
            rest = total & ((1 << 30) - 1)
            x2, x1, y2, y1 = x1, x0, y1, y
            out.append(_saturated(total >> made.out_shift, 32) if index + 1 == len(made.sections) else y)
        x = out
    return x


def oracle_fir(made: Fir, x: Sequence[int]) -> list[int]:
    out = []
    for at in range(0, len(x), made.decimation):
        total = made.bias
        for i, tap in enumerate(made.taps[: at + 1]):
            total = _fits(total + tap * int(x[at - i]), 32)
        out.append(_saturated(total >> made.shift, 16))
    return out


def worst_input(sos: Any, n: int, full: float) -> Signal:
    """Of all inputs the one that drives results highest: signs of the impulse response, turned round."""
    pulse = np.zeros(n)
    pulse[0] = 1
    return np.where(scipy.signal.sosfilt(sos, pulse)[::-1] < 0, -full - (full > 1), full)


def iir_call(
    kind: str,
    made: Any,
    x: Signal,
    *,
    blocks: Sequence[int] = (),
    in_place: bool = False,
    settled: Sequence[float] | None = None,
) -> Call:
    """A call of ``mw_iir_run_*``; ``x`` has a column for each channel. 1 in ``blocks`` is one by one."""
    n, channels = x.shape
    sections = len(made) if kind == "f32" else len(made.sections)
    number = {"f32": "float", "q15": "mw_iir_state_q15", "q31": "mw_iir_state_q31"}[kind]
    given = x.astype(NUMPY[KINDS[kind]])
    assert kind == "f32" or (given == x).all()
    code = f"{number} s[MW_IIR_STATE_{kind.upper()}({sections}, {channels})];\n    size_t at = 0;\n    "
    if settled is None:
        code += f"if (mw_iir_reset_{kind}(&@, s, {channels}) != 0) exit(3)"
    else:
        code += f"if (mw_iir_settle_{kind}(&@, s, {channels}, @_first) != 0) exit(3)"
    for size in (*blocks, n - sum(blocks)):
        step = f"mw_iir_run_{kind}(&@, s, {channels}, x + at, out + at, {size})"
        if size == 1 and channels == 1:
            step = f"(out[at] = mw_iir_one_{kind}(&@, s, x[at]), 0)"
        code += f";\n    if ({step} != 0) exit(4);\n    at += {size * channels}"
    tables = "#include <milliwatt/iir.h>\n" + filters.iir_tables(made, "@")
    if settled is not None:
        c_type = {"f32": "float", "q15": "int16_t", "q31": "int32_t"}[kind]
        tables += f"static const {c_type} @_first[] = {{{', '.join(map(str, settled))}}};\n"
    if in_place:
        return call_in_place(tables, code.replace("out", "x"), given, given.size)
    return call(tables, code, given, (KINDS[kind], given.size))


def fir_call(
    kind: str, made: Any, x: Signal, decimation: int, blocks: Sequence[int], room: int, in_place: bool
) -> Call:
    """A call of ``mw_fir_run_*`` with a buffer of ``room`` numbers more than it takes."""
    n_taps = len(made.taps) if kind == "q15" else len(made)
    c_type = "int16_t" if kind == "q15" else "float"
    given = x.astype(NUMPY[KINDS[kind]])
    n_out = -(-len(x) // decimation)
    code = (
        f"const size_t size = MW_FIR_BUFFER({n_taps}, {1 + room});\n    mw_fir_state_{kind} s;\n"
        f"    {c_type} *buffer = ({c_type} *) room(size * sizeof *buffer);\n    size_t at = 0, got = 0;\n"
        f"    if (mw_fir_reset_{kind}(&@, &s, buffer, size) != 0) exit(3)"
    )
    for size in (*blocks, len(x) - sum(blocks)):
        code += (
            f";\n    got += (size_t) mw_fir_run_{kind}(&@, &s, x + at, out + got, {size});\n    at += {size}"
        )
    code += f";\n    if (got != {n_out}) exit(5);\n    free(buffer)"
    tables = "#include <milliwatt/fir.h>\n"
    tables += filters.fir_tables(made, "@") if kind == "q15" else filters.fir_tables(made, "@", decimation)
    if in_place:
        return call_in_place(tables, code.replace("out", "x"), given, n_out)
    return call(tables, code, given, (KINDS[kind], n_out))
