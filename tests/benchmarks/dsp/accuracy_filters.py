"""Filters and running figures, beside scipy in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.signal
from accuracy_kernels import C_TYPES, CANNOT, FLOAT, SATURATES, Kernel, Numbers

from milliwatt import filters

_NUMPY = {"f32": "float32", "q31": "int32", "q15": "int16"}
_N = 512
SECTIONS = {
    "low-pass of order 4 at 0.1": scipy.signal.butter(4, 0.2, output="sos"),
    "high-pass of order 2 at 0.01": scipy.signal.butter(2, 0.02, "highpass", output="sos"),
    "band-pass of order 4, 0.05 to 0.15": scipy.signal.butter(2, (0.1, 0.3), "bandpass", output="sos"),
}
TAPS = scipy.signal.firwin(32, 0.2)


def kernels() -> list[Kernel]:
    return [*_recursive(), *_finite(), *_before_spectra(), *_smoothing(), *_running()]


def _recursive() -> Iterator[Kernel]:
    for name, sos in SECTIONS.items():
        for numbers, made in (("f32", sos), ("q31", filters.iir_q31(sos)), ("q15", filters.iir_q15(sos))):
            state = "float" if numbers == "f32" else f"mw_iir_state_{numbers}"
            body = (
                f"{state} s[MW_IIR_STATE_{numbers.upper()}({len(sos)}, 1)];\n"
                f"    mw_iir_reset_{numbers}(&@, s, 1);\n"
                f"    status = mw_iir_run_{numbers}(&@, s, 1, x, out, {_N})"
            )
            yield Kernel(
                "Filters", name, numbers, body, _NUMPY[numbers], _N, _NUMPY[numbers], _N, _filtered(sos),
                "iir", filters.iir_tables(made, "@"), overflow=FLOAT if numbers == "f32" else SATURATES,
            )  # fmt: skip


def _filtered(sos: Numbers) -> Callable[[Numbers], Numbers]:
    return lambda x: np.asarray(scipy.signal.sosfilt(sos, x.astype(np.float64)))


def _finite() -> Iterator[Kernel]:
    for every, name in ((1, "32 taps"), (4, "32 taps, every fourth result")):
        n_out = -(-_N // every)
        for numbers in ("f32", "q15"):
            fixed = numbers == "q15"
            made = filters.fir_q15(TAPS, decimation=every) if fixed else TAPS
            tables = filters.fir_tables(made, "@") if fixed else filters.fir_tables(made, "@", every)
            dtype = _NUMPY[numbers]
            body = (
                f"mw_fir_state_{numbers} s;\n    {C_TYPES[dtype]} past[MW_FIR_BUFFER(32, {_N})];\n"
                f"    mw_fir_reset_{numbers}(&@, &s, past, MW_FIR_BUFFER(32, {_N}));\n"
                f"    status = mw_fir_run_{numbers}(&@, &s, x, out, {_N}) - {n_out}"
            )
            yield Kernel(
                "Filters", name, numbers, body, dtype, _N, dtype, n_out, _tapped(every), "fir", tables,
                overflow=SATURATES if fixed else FLOAT,
            )  # fmt: skip


def _tapped(every: int) -> Callable[[Numbers], Numbers]:
    return lambda x: np.asarray(scipy.signal.lfilter(TAPS, 1, x.astype(np.float64)))[::every]


def _before_spectra() -> Iterator[Kernel]:
    factor, share = 31785 / 32768, 2.0**-8
    emphasis = {
        "f32": f"float b = 0.0f; mw_emphasize_f32(x, {_N}, {factor!r}f, &b, out)",
        "q15": f"int16_t b = 0; mw_emphasize_q15(x, {_N}, 31785, &b, out)",
    }
    removal = {
        "f32": f"float m = 0.0f; mw_remove_dc_f32(x, {_N}, {share!r}f, &m, out)",
        "q15": f"int32_t m = 0; mw_remove_dc_q15(x, {_N}, 8, &m, out)",
    }

    def emphasized(x: Numbers) -> Numbers:
        return np.asarray(scipy.signal.lfilter([1, -factor], 1, x.astype(np.float64)))

    def removed(x: Numbers) -> Numbers:
        kept = 1 - share
        return np.asarray(scipy.signal.lfilter([kept, -kept], [1, -kept], x.astype(np.float64)))

    for name, bodies, want in (
        ("pre-emphasis", emphasis, emphasized),
        ("removal of a constant", removal, removed),
    ):
        for numbers, body in bodies.items():
            dtype, overflow = _NUMPY[numbers], SATURATES if numbers == "q15" else FLOAT
            yield Kernel(
                "Filters", name, numbers, body, dtype, _N, dtype, _N, want, "emphasis", overflow=overflow
            )


def _running() -> Iterator[Kernel]:
    """Of all samples so far, at the end; integers are exact sums, rounded down."""
    for name, numbers, out, result, want, unit in (
        ("running mean", "f32", "float32", "s.mean", np.mean, 1.0),
        ("running variance", "f32", "float32", "mw_running_variance_f32(&s)", np.var, 1.0),
        ("running mean, in 2^-16", "q15", "int32", "mw_running_mean_q15(&s)", np.mean, 2.0**-16),
        ("running variance", "q15", "uint32", "mw_running_variance_q15(&s)", np.var, 1.0),
    ):
        body = (
            f"mw_running_{numbers} s; mw_running_begin_{numbers}(&s); "
            f"for (int i = 0; i < {_N}; ++i) {{ mw_running_add_{numbers}(&s, x[i]); }} *out = {result}"
        )
        yield Kernel(
            "Filters", name, numbers, body, _NUMPY[numbers], _N, out, 1, _of_all(want), "running", unit=unit,
            measure="ulp" if numbers == "f32" else "units", floor=0.5,
            overflow=FLOAT if numbers == "f32" else CANNOT,
        )  # fmt: skip


def _of_all(function: Callable[[Numbers], Any]) -> Callable[[Numbers], Numbers]:
    return lambda x: np.asarray(function(x.astype(np.float64)))


def _smoothing() -> Iterator[Kernel]:
    """Begun with the first sample; `y` of integers has 16 bits more than the sample."""
    alpha = 3277

    def smooth(x: Numbers) -> Numbers:
        wide, share = x.astype(np.float64), alpha / 65536
        begun = [(1 - share) * wide[0]]
        return np.asarray(scipy.signal.lfilter([share], [1, share - 1], wide, zi=begun)[0])

    float_loop = (
        f"float y = x[0]; for (int i = 0; i < {_N}; ++i) "
        f"{{ out[i] = y = mw_smooth_f32(y, {alpha / 65536!r}f, x[i]); }}"
    )
    fixed_loop = (
        f"int32_t y = mw_smooth_begin_q15(x[0]); for (int i = 0; i < {_N}; ++i) "
        f"{{ out[i] = y = mw_smooth_q15(y, {alpha}, x[i]); }}"
    )
    name = "exponential mean, 0.05"
    yield Kernel("Filters", name, "f32", float_loop, "float32", _N, "float32", _N, smooth, "running")
    yield Kernel(
        "Filters", name, "q15", fixed_loop, "int16", _N, "int32", _N, smooth, "running", unit=2.0**-16,
        overflow=CANNOT,
    )  # fmt: skip
