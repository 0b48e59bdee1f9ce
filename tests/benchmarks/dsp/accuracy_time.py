"""Features in the time domain, beside numpy and scipy in float64: one window of 128 samples a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.stats
from accuracy_kernels import CANNOT, FLOAT, Kernel, Numbers

_N = 128
_GROUP = "Features in the time domain"
_Q8 = 1 / 256
_VIEWS = "mw_view_{0} v = mw_array_{0}(x, 128, 1), w = mw_array_{0}(x + 128, 128, 1); (void) w; "
_SUMS = "mw_sums_{0} s; mw_sum_{0}(&v, &s); "
_SHAPE = "mw_shape_{0} h; mw_shape_of_{0}(&v, &s, &h); "
_SLOPES = "mw_slopes_{0} d; mw_slopes_of_{0}(&v, &d); "
_ABSOLUTE = "{1} a; mw_absolute_sum_{0}(&v, &a); "
_PAIR = "mw_sums_{0} t; mw_sum_{0}(&w, &t); {2} p; mw_products_{0}(&v, &w, {3}&p); "
_QUARTERS = "const uint16_t q[] = {{250, 500, 750}}; {4} c[128]; "


def kernels() -> list[Kernel]:
    return [*_of_floats(), *_q8(), *_floats_of_integers(), *_exact()]


def _varies(x: Numbers) -> bool:
    return bool(np.ptp(x) > 0)


def _skewness(x: Numbers) -> float:
    return float(scipy.stats.skew(x)) if _varies(x) else 0.0


def _kurtosis(x: Numbers) -> float:
    return float(scipy.stats.kurtosis(x)) if _varies(x) else -3.0


def _rms(x: Numbers) -> float:
    return float(np.sqrt(np.mean(x**2)))


def _jerk_rms(x: Numbers) -> float:
    return float(np.sqrt(np.mean(np.diff(x) ** 2)))


def _quartiles(x: Numbers) -> Numbers:
    return np.percentile(x, [25, 50, 75])


# Name: C before, expression that is the result, reference, least number whose ulp counts.
_Feature = tuple[str, str, Callable[[Numbers], float], float]
_SHARED: dict[str, _Feature] = {
    "mean": (_SUMS, "{5}", lambda x: float(np.mean(x)), 0.5),
    "RMS": (_SUMS, "mw_rms_{0}(&s)", _rms, 0.0),
    "variance": (_SUMS, "mw_variance_{0}(&s, 0)", lambda x: float(np.var(x)), 0.0),
    "standard deviation": (_SUMS, "mw_std_{0}(&s, 0)", lambda x: float(np.std(x)), 0.0),
    "skewness": (_SUMS + _SHAPE, "mw_skewness_{0}(&h)", _skewness, 1.0),
    "kurtosis": (_SUMS + _SHAPE, "mw_kurtosis_{0}(&h)", _kurtosis, 3.0),
    "jerk, RMS": (_SLOPES, "mw_jerk_rms_{0}(&d, 1.0f)", _jerk_rms, 0.0),
}
_WORDS = {
    "f32": ("f32", "float", "float", "&s, &t, ", "int32_t", "s.mean"),
    "i16": ("i16", "uint32_t", "int64_t", "", "int16_t", "mw_mean_i16(&s)"),
}
_Q8_OF: dict[str, tuple[str, str, Callable[[Numbers], float]]] = {
    "mean": (_SUMS, "mw_mean_q8(&s)", lambda x: float(np.mean(x))),
    "RMS": (_SUMS, "(int32_t) mw_rms_q8(&s)", _rms),
    "standard deviation": (_SUMS, "(int32_t) mw_std_q8(&s)", lambda x: float(np.std(x))),
    "skewness": (_SUMS + _SHAPE, "mw_skewness_q8(&h)", _skewness),
    "kurtosis": (_SUMS + _SHAPE, "mw_kurtosis_q8(&h)", _kurtosis),
    "mean absolute value": (
        _ABSOLUTE,
        "(int32_t) mw_per_sample_q8(a, 128)",
        lambda x: float(np.mean(np.abs(x))),
    ),
    "jerk, RMS": (_SLOPES, "(int32_t) mw_root_mean_q8(d.squares, 127)", _jerk_rms),
}


def _kernel(
    name: str, numbers: str, body: str, want: Callable[[Numbers], Numbers], out: str, *,
    n_out: int = 1, unit: float = 1.0, measure: str = "units", floor: float = 0.0,
) -> Kernel:  # fmt: skip
    given = "float32" if numbers == "f32" else "int16"
    text = (_VIEWS + body).format(*_WORDS[numbers])
    overflow = FLOAT if numbers == "f32" else CANNOT
    return Kernel(
        _GROUP, name, numbers, text, given, 2 * _N, out, n_out, want, "time_features", unit=unit,
        measure=measure, overflow=overflow, floor=floor, calls=32, prepare=_offset,
    )  # fmt: skip


def _offset(x: Numbers) -> Numbers:
    """Channels that belong together in part, the second one with a constant."""
    first, second = x[:_N], x[_N:]
    return np.concatenate([first, 0.5 * first + 0.25 * second])


def _first(want: Callable[[Numbers], Any]) -> Callable[[Numbers], Numbers]:
    return lambda x: np.asarray(want(x[:_N].astype(np.float64)))


def _correlation(x: Numbers) -> Numbers:
    a, b = x[:_N].astype(np.float64), x[_N:].astype(np.float64)
    return np.asarray(np.corrcoef(a, b)[0, 1] if _varies(a) and _varies(b) else 0.0)


def _of_floats() -> Iterator[Kernel]:
    for name, (before, result, want, floor) in _SHARED.items():
        body = f"{before}*out = {result}"
        yield _kernel(name, "f32", body, _first(want), "float32", measure="ulp", floor=floor)
    body = f"{_ABSOLUTE}*out = a / 128.0f"
    mean = _first(lambda x: float(np.mean(np.abs(x))))
    yield _kernel("mean absolute value", "f32", body, mean, "float32", measure="ulp")
    body = f"{_SUMS}{_PAIR}*out = mw_correlation_f32(&s, &t, p)"
    yield _kernel("correlation", "f32", body, _correlation, "float32", measure="ulp", floor=1.0)
    body = f"{_QUARTERS}status = mw_quantiles_f32(&v, c, q, 3, out)"
    quartiles = _quartiles
    yield _kernel(
        "quartiles", "f32", body, lambda x: quartiles(x[:_N].astype(np.float64)), "float32", n_out=3,
        measure="ulp",
    )  # fmt: skip


def _q8() -> Iterator[Kernel]:
    """Of 16 bits, in 1/256."""
    for name, (before, result, want) in _Q8_OF.items():
        yield _kernel(f"{name}, in 1/256", "i16", f"{before}*out = {result}", _first(want), "int32", unit=_Q8)
    body = f"{_SUMS}{_PAIR}*out = mw_correlation_q15(&s, &t, p)"
    yield _kernel("correlation, in 2^-15", "i16", body, _correlation, "int16", unit=2.0**-15)
    body = f"{_QUARTERS}status = mw_quantiles_i16(&v, c, q, 3, out)"
    yield _kernel(
        "quartiles, in 1/256", "i16", body, lambda x: _quartiles(x[:_N].astype(np.float64)), "int32", n_out=3,
        unit=_Q8,
    )  # fmt: skip


def _floats_of_integers() -> Iterator[Kernel]:
    for name, (before, result, want, floor) in _SHARED.items():
        body = f"{before}*out = {result}"
        yield _kernel(f"{name}, float", "i16", body, _first(want), "float32", measure="ulp", floor=floor)


def _exact() -> Iterator[Kernel]:
    """What is counted or compared."""
    for name, body, want in (
        ("peak to peak", "mw_range_i16 r; mw_range_of_i16(&v, &r); *out = mw_peak_to_peak_i16(&r)", np.ptp),
        (
            "zero crossings",
            "uint16_t n; mw_crossings_i16(&v, 0, &n); *out = n",
            lambda x: np.count_nonzero(np.diff(x < 0)),
        ),
        (
            "mean crossings",
            _SUMS + "uint16_t n; mw_crossings_i16(&v, mw_mean_level(&s), &n); *out = n",
            lambda x: np.count_nonzero(np.diff(x < np.mean(x))),
        ),
    ):
        yield _kernel(name, "i16", body, _first(want), "int32")
