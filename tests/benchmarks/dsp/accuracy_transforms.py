"""Fourier transforms, windows, and what is told of spectra, beside numpy and scipy in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.signal
from accuracy_kernels import C_TYPES, CANNOT, FLOAT, Kernel, Numbers

_NUMPY = {"f32": "float32", "i32": "int32", "q15": "int16"}
_WINDOWS = {
    "HANN": "hann",
    "HAMMING": "hamming",
    "BLACKMAN": "blackman",
    "BLACKMAN_HARRIS": "blackmanharris",
    "FLAT_TOP": "flattop",
}
_EDGES = (0, 3, 10, 40, 41, 100, 129)


def kernels() -> list[Kernel]:
    return [*_transforms(), *_windows(), *_powers(), *_bands(), *_shapes(), *_goertzel()]


def _transforms() -> Iterator[Kernel]:
    for n in (256, 4096):
        for numbers in _NUMPY:
            for kind in ("fft", "ifft", "rfft", "irfft"):
                yield _transform(kind, numbers, n)


def _transform(kind: str, numbers: str, n: int) -> Kernel:
    names = {"fft": "complex", "ifft": "complex, inverse", "rfft": "real", "irfft": "real, inverse"}
    size = n + 2 if "r" in kind else 2 * n
    seen = n if kind == "irfft" else size
    exponent = ", &exponent" if numbers == "q15" else ""
    dtype = _NUMPY[numbers]
    # An int16_t buffer has to be aligned to words.
    body = (
        f"static {C_TYPES[dtype]} @_b[{size}] __attribute__((aligned(8)));\n    memcpy(@_b, x, sizeof @_b);\n"
        f"    status = mw_{kind}_{numbers}(@_b, {n}, mw_fft_table_{n}_{numbers}{exponent});\n"
        f"    memcpy(out, @_b, {seen} * sizeof *out)"
    )
    scale = {"fft": 8 * n, "rfft": 4 * n, "ifft": 8, "irfft": 16}[kind] if numbers == "i32" else 1
    return Kernel(
        "Fourier transforms", f"{names[kind]}, of {n}", numbers, body, dtype, size, dtype, seen,
        lambda x: _wanted(kind, x.astype(np.float64), n) / scale, "fft",
        overflow=FLOAT if numbers == "f32" else CANNOT, calls=4,
    )  # fmt: skip


def _wanted(kind: str, x: Numbers, n: int) -> Numbers:
    if kind == "rfft":
        return np.fft.rfft(x[:n]).view(np.float64)
    bins = x.view(np.complex128)
    if kind == "irfft":
        return np.fft.irfft(bins, n)
    return (np.fft.fft(bins) if kind == "fft" else np.fft.ifft(bins)).view(np.float64)


def _windows() -> Iterator[Kernel]:
    for numbers in ("f32", "q15"):
        dtype = _NUMPY[numbers]
        for name, scipys in _WINDOWS.items():
            body = (
                f"{C_TYPES[dtype]} w[256];\n"
                f"    status = mw_window_{numbers}(w, 256, MW_WINDOW_{name}, MW_WINDOW_PERIODIC);\n"
                f"    mw_window_apply_{numbers}(x, w, 256, out)"
            )
            yield Kernel(
                "Windows", f"{name.lower().replace('_', '-')} times 256 samples", numbers, body,
                dtype, 256, dtype, 256, _windowed(scipys), "windows",
                overflow=FLOAT if numbers == "f32" else CANNOT,
            )  # fmt: skip


def _windowed(name: str) -> Callable[[Numbers], Numbers]:
    window = scipy.signal.get_window(name, 256)
    return lambda x: x.astype(np.float64) * window


def _powers() -> Iterator[Kernel]:
    """Of 128 bins."""
    for numbers, out, unit in (("f32", "float32", 1.0), ("q15", "uint32", 1.0), ("i32", "uint32", 2.0**32)):
        dtype, overflow = _NUMPY[numbers], FLOAT if numbers == "f32" else CANNOT
        yield Kernel(
            "Spectra", "power", numbers, f"status = mw_power_{numbers}(x, 128, out)", dtype, 256, out, 128,
            lambda x: np.sum(x.astype(np.float64).reshape(-1, 2) ** 2, axis=1), "spectrum",
            unit=unit, measure="ulp" if numbers == "f32" else "units", overflow=overflow,
        )  # fmt: skip
        yield Kernel(
            "Spectra", "magnitude", numbers, f"status = mw_magnitude_{numbers}(x, 128, out)", dtype, 256,
            "uint16" if numbers == "q15" else out, 128,
            lambda x: np.abs(x.astype(np.float64).view(np.complex128)), "spectrum",
            measure="ulp" if numbers == "f32" else "units", overflow=overflow,
        )  # fmt: skip


def _bands() -> Iterator[Kernel]:
    edges = f"static const uint16_t @_edges[] = {{{', '.join(map(str, _EDGES))}}};\n"
    n = len(_EDGES) - 1
    for numbers, given, out in (("f32", "float32", "float32"), ("u32", "uint32", "uint64")):
        yield Kernel(
            "Spectra", "energies of 6 bands", numbers,
            f"status = mw_bands_{numbers}(x, 129, @_edges, {n}, out)", given, 129, out, n,
            lambda x: np.add.reduceat(np.append(x.astype(np.float64), 0.0), _EDGES[:-1]), "spectrum", edges,
            measure="ulp" if numbers == "f32" else "units", prepare=np.abs,
            overflow=FLOAT if numbers == "f32" else CANNOT,
        )  # fmt: skip


def _shapes() -> Iterator[Kernel]:
    """Of 129 powers; places are integers."""
    for numbers, given in (("f32", "float32"), ("u32", "uint32")):
        floats = numbers == "f32"
        overflow, share = FLOAT if floats else CANNOT, "0.85f" if floats else "55705"
        yield Kernel(
            "Spectra", "centroid" if floats else "centroid, in 1/256", numbers,
            f"*out = mw_centroid_{numbers}(x, 129)", given, 129, "float32" if floats else "uint32", 1,
            _centroid, "spectrum", unit=1.0 if floats else 1 / 256, measure="ulp" if floats else "units",
            prepare=np.abs, overflow=overflow,
        )  # fmt: skip
        for name, body, want in (
            ("place of the peak", f"mw_peak_{numbers}(x, 129)", np.argmax),
            ("rolloff, 85 %", f"mw_rolloff_{numbers}(x, 129, {share})", _rolloff),
        ):
            yield Kernel(
                "Spectra", name, numbers, f"*out = (int32_t) {body}", given, 129, "int32", 1, want,
                "spectrum", measure="units", prepare=np.abs, overflow=overflow,
            )  # fmt: skip


def _centroid(x: Numbers) -> Numbers:
    power = x.astype(np.float64)
    return np.asarray(power @ np.arange(len(power)) / power.sum() if power.any() else 0.0)


def _rolloff(x: Numbers) -> Numbers:
    sums = np.cumsum(x.astype(np.float64))
    share = float(np.float32(0.85)) if x.dtype == np.float32 else 55705 / 65536
    return np.asarray(np.argmax(sums >= share * sums[-1]))


_TURNS = (0.0, 0.01, 0.037, 0.1, 0.25, 0.4, 0.499)


def _goertzel() -> Iterator[Kernel]:
    """Amplitudes, the roots of the powers that the kernel gives."""
    frequencies = [round(turns * 2**32) for turns in _TURNS]
    tables = f"static const uint32_t @_turns[] = {{{', '.join(f'{f}U' for f in frequencies)}}};\n"
    exact = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(256)) / 2**32)
    for numbers, given, out in (("f32", "float32", "float32"), ("q15", "int16", "uint64")):
        begin = "begin_q15(&s, @_turns[i], 256)" if numbers == "q15" else "begin_f32(&s, @_turns[i])"
        body = (
            f"for (int i = 0; i < {len(_TURNS)}; ++i) {{\n        mw_goertzel_{numbers} s;\n"
            f"        mw_goertzel_{begin};\n        mw_goertzel_add_{numbers}(&s, x, 256);\n"
            f"        out[i] = mw_goertzel_power_{numbers}(&s);\n    }}"
        )
        yield Kernel(
            "Spectra", "Goertzel, 7 frequencies, 256 samples", numbers, body, given, 256, out, len(_TURNS),
            lambda x: np.abs(exact @ x.astype(np.float64)) ** 2, "spectrum", tables,
            overflow=FLOAT if numbers == "f32" else CANNOT,
        )  # fmt: skip
