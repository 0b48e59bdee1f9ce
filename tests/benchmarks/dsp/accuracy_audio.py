"""Mel bands, coefficients, logarithms, roots, angles and sound levels, beside numpy and scipy in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft
import scipy.signal
from accuracy_kernels import CANNOT, FLOAT, SATURATES, Kernel, Numbers
from mwtest.audio_oracle import deltas_want, mel_filters

from milliwatt.signal_cepstrum import cepstrum
from milliwatt.signal_mel import mel_bank

_BINS, _MELS, _OUT, _N = 257, 40, 13, 512
_Q8 = 1 / 256


def kernels() -> list[Kernel]:
    groups = (_mel, _coefficients, _changes, _levels, _bytes, _logarithms, _integer_logarithms, _roots)
    return [one for group in groups for one in group()]


def _mel() -> Iterator[Kernel]:
    """Filters by the literature, not by the tables that the kernels get."""
    for scale, norm in (("slaney", "slaney"), ("htk", "none")):
        bank = mel_bank(16_000, 512, _MELS, scale=scale, norm=norm)
        shapes = {"htk": scale == "htk", "area": False}
        peaked = mel_filters(16_000, 512, _MELS, 0, 8_000, **shapes)
        scaled = mel_filters(16_000, 512, _MELS, 0, 8_000, htk=scale == "htk", area=norm == "slaney")
        name = f"40 mel bands, {'Slaney' if scale == 'slaney' else 'HTK'}"
        yield Kernel(
            "Audio", name, "f32", f"status = mw_mel_f32(&@, x, {_BINS}, out, {_MELS})", "float32", _BINS,
            "float32", _MELS, _times(scaled), "mel", bank.c_float("@"), prepare=np.abs,
        )  # fmt: skip
        for numbers in ("u32", "u64"):
            yield Kernel(
                "Audio", f"{name}, log2", numbers,
                f"status = mw_mel_log2_{numbers}(&@, x, {_BINS}, 0, out, {_MELS})",
                f"uint{numbers[1:]}", _BINS, "int16", _MELS, _log2_of(peaked, scaled), "mel",
                bank.c_integer("@"), unit=_Q8, measure="units", overflow=SATURATES,
            )  # fmt: skip


def _times(matrix: Numbers) -> Callable[[Numbers], Numbers]:
    return lambda x: np.asarray(matrix @ x.astype(np.float64))


def _log2_of(peaked: Numbers, scaled: Numbers) -> Callable[[Numbers], Numbers]:
    """A band without energy counts as 2^-17 of the spectrum's unit, or 2^-49 of the largest bin if more."""
    scales = scaled.max(axis=1) / peaked.max(axis=1)

    def want(x: Numbers) -> Numbers:
        least = 2.0 ** (max(0, int(x.max()).bit_length() - 32) - 17)
        return np.asarray(np.log2(np.maximum(peaked @ x.astype(np.float64), least)) + np.log2(scales))

    return want


def _coefficients() -> Iterator[Kernel]:
    def want(x: Numbers) -> Numbers:
        return np.asarray(scipy.fft.dct(x.astype(np.float64), norm="ortho"))[:_OUT]

    dct = cepstrum(_MELS, _OUT)
    for numbers, dtype, tables in (
        ("f32", "float32", dct.c_float("@")),
        ("i16", "int16", dct.c_integer("@")),
    ):
        body = f"status = mw_dct_{numbers}(&@, x, {_MELS}, out, {_OUT})"
        yield Kernel(
            "Audio", "13 coefficients of 40 bands (DCT-II, MFCC)", numbers, body, dtype, _MELS, dtype, _OUT,
            want, "cepstrum", tables, overflow=SATURATES if numbers == "i16" else FLOAT,
        )  # fmt: skip


def _changes() -> Iterator[Kernel]:
    """Of 16 frames of 8 numbers, over two frames on either side."""
    for order, name in ((1, "first"), (2, "second")):
        body = (
            f"float h[MW_DELTAS_SIZE(8, 2)], *to = out; mw_deltas s; "
            f"status = mw_deltas_begin(&s, h, MW_DELTAS_SIZE(8, 2), 8, 2, {order});\n"
            "    for (int i = 0; i < 18; ++i) {\n"
            "        if (mw_deltas_push(&s, x + 8 * (i < 16 ? i : 15), 8, to) == 1) { to += 8; }\n    }"
        )
        yield Kernel(
            "Audio", f"{name} changes over frames (deltas)", "f32", body, "float32", 128, "float32", 128,
            _deltas(order), "cepstrum",
        )  # fmt: skip


def _deltas(order: int) -> Callable[[Numbers], Numbers]:
    return lambda x: deltas_want(x.reshape(16, 8), 2, order)


def _bytes() -> Iterator[Kernel]:
    """With a scale that fills the bytes and more."""
    for numbers, dtype, body, factor in (
        ("f32", "float32", f"mw_quantize_i8_f32(x, {_N}, 150.0f, 10, out)", 150.0),
        ("i16", "int16", f"mw_quantize_i8_i16(x, {_N}, 150, (10 << 15) + 16384, 15, out)", 150 / 32768),
    ):
        yield Kernel(
            "Audio", "features as bytes", numbers, body, dtype, _N, "int8", _N, _quantized(factor),
            "quantize", measure="units", overflow=SATURATES,
        )  # fmt: skip


def _quantized(factor: float) -> Callable[[Numbers], Numbers]:
    return lambda x: np.floor(x.astype(np.float64) * factor + 0.5) + 10


def _each(expression: str, n: int = _N) -> str:
    return f"for (int i = 0; i < {n}; ++i) {{ out[i] = {expression}; }}"


def _wide(x: Numbers) -> Numbers:
    """Of numbers of -1 to 1 positive ones from 2^-60 to 2^60."""
    return np.exp2(60.0 * x)


_LOGARITHMS: dict[str, tuple[str, Callable[[Numbers], Numbers]]] = {
    "log": ("natural logarithm", np.log),
    "log2": ("binary logarithm", np.log2),
    "log10": ("common logarithm", np.log10),
    "log1p": ("log1p", np.log1p),
    "db_of_power": ("decibels of a power", lambda x: 10 * np.log10(x)),
}


def _logarithms() -> Iterator[Kernel]:
    for function, (name, want) in _LOGARITHMS.items():
        yield Kernel(
            "Logarithms, roots, angles", name, "f32", _each(f"mw_{function}(x[i])"), "float32", _N, "float32",
            _N, _widened(want), "logarithm", measure="ulp", prepare=_wide,
        )  # fmt: skip


def _widened(function: Callable[[Numbers], Numbers]) -> Callable[[Numbers], Numbers]:
    return lambda x: function(x.astype(np.float64))


def _integer_logarithms() -> Iterator[Kernel]:
    """0 counts as 1/2."""
    for bits in (32, 64):
        yield Kernel(
            "Logarithms, roots, angles", "binary logarithm in 2^-16", f"u{bits}",
            _each(f"mw_log2_q16_u{bits}(x[i])"), f"uint{bits}", _N, "int32", _N,
            _widened(lambda x: np.log2(np.maximum(x, 0.5))), "logarithm", unit=2.0**-16, measure="units",
            overflow=CANNOT,
        )  # fmt: skip
    yield Kernel(
        "Logarithms, roots, angles", "decibels in 1/256", "u32",
        _each("mw_db_q8_of_log2(mw_log2_q16_u32(x[i]))"), "uint32", _N, "int32", _N,
        _widened(lambda x: 10 * np.log10(np.maximum(x, 0.5))), "logarithm", unit=_Q8, measure="units",
        overflow=CANNOT,
    )  # fmt: skip


def _roots() -> Iterator[Kernel]:
    group = "Logarithms, roots, angles"
    yield Kernel(
        group, "square root", "f32", _each("mw_root_f32(x[i])"), "float32", _N, "float32", _N,
        _widened(np.sqrt), "roots", measure="ulp", prepare=_wide,
    )  # fmt: skip
    for bits, out in ((32, "uint16"), (64, "uint32")):
        yield Kernel(
            group, "square root, rounded down", f"u{bits}", _each(f"mw_root_u{bits}(x[i])"), f"uint{bits}",
            _N, out, _N, _widened(np.sqrt), "roots", measure="units", overflow=CANNOT,
        )  # fmt: skip
    for numbers, dtype, out in (("f32", "float32", "float32"), ("i32", "int32", "int16")):
        floats = numbers == "f32"
        yield Kernel(
            group, "angle (atan2)", numbers, _each(f"mw_atan2_{numbers}(x[2 * i + 1], x[2 * i])", 256), dtype,
            _N, out, 256, _angle, "running", unit=1.0 if floats else np.pi / 32768,
            measure="ulp" if floats else "units", overflow=FLOAT if floats else CANNOT,
        )  # fmt: skip
    for numbers, dtype, out in (("f32", "float32", "float32"), ("q15", "int16", "uint16")):
        yield Kernel(
            group, "length of a vector", numbers,
            _each(f"mw_length_{numbers}(x[3 * i], x[3 * i + 1], x[3 * i + 2])", 128), dtype, 384, out, 128,
            lambda x: np.linalg.norm(x.astype(np.float64).reshape(-1, 3), axis=1), "running",
            measure="ulp" if numbers == "f32" else "units", overflow=FLOAT if numbers == "f32" else CANNOT,
        )  # fmt: skip


def _angle(x: Numbers) -> Numbers:
    """-π and π are one angle, which integers write as -π."""
    angle = np.arctan2(x[1::2].astype(np.float64), x[::2])
    return np.where((angle == np.pi) & (x.dtype == np.int32), -np.pi, angle)


def _levels() -> Iterator[Kernel]:
    share = 1 / 2000
    yield Kernel(
        "Audio", "exponential mean of squares, 512 samples", "f32",
        f"float m = 0.0f; mw_level_f32(&m, {share!r}f, x, {_N}); *out = m", "float32", _N, "float32", 1,
        lambda x: scipy.signal.lfilter([share], [1, share - 1], x.astype(np.float64) ** 2)[-1],
        "sound_level", measure="ulp",
    )  # fmt: skip
    yield Kernel(
        "Audio", "mean of squares, 512 samples", "f32",
        f"mw_leq_float m = {{0.0f, 0}}; mw_leq_f32(&m, x, {_N}); *out = m.mean", "float32", _N, "float32", 1,
        lambda x: np.asarray(np.mean(x.astype(np.float64) ** 2)), "sound_level", measure="ulp",
    )  # fmt: skip
    for name, body, silence in (
        (
            "sound level of a block, dB in 1/256",
            f"uint64_t m = 0; mw_level_q15(&m, 1U << 24, x, {_N}); *out = mw_level_db_q8(m)",
            2.0**-47,
        ),
        (
            "equivalent sound level, dB in 1/256",
            f"mw_leq_integer m = {{0, 0}}; mw_leq_q15(&m, x, {_N}); *out = mw_leq_db_q8(&m)",
            2.0**-31 / _N,
        ),
    ):
        yield Kernel(
            "Audio", name, "q15", body, "int16", _N, "int32", 1, _level_db(silence), "sound_level", unit=_Q8,
            measure="units", overflow=CANNOT,
        )  # fmt: skip


def _level_db(silence: float) -> Callable[[Numbers], Numbers]:
    """Silence counts as the least that there can be."""
    return lambda x: np.asarray(10 * np.log10(np.maximum(np.mean((x / 32768.0) ** 2), silence)))
