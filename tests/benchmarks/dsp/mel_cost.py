"""Audio features from a spectrum on: instructions on emulated Arm cores, flash and errors.

One frame of 512 samples at 16 kHz: 257 bins, 40 mel bands, 13 coefficients; the Fourier transform is not
counted. Flash includes tables of this size. Errors are against float64 on the same input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from dsp_build import arm_flash, machine, snr_db
from dsp_rows import Row, digest
from mwtest.dsp_cases import C_TYPES
from mwtest.net_cases import link_arm
from mwtest.systick import COUNTER, run_counted
from numpy.typing import NDArray
from scipy import signal

from milliwatt.signal_cepstrum import cepstrum
from milliwatt.signal_mel import mel_bank

BANK = mel_bank(16000, 512, 40)
DCT = cepstrum(40, 13)
WEIGHTS = np.array(BANK.weights())
_MEL, _DCT = "(&bank, x, 257U, {}out, 40U)", "mw_dct_f32(&dct, x, 40U, out, 13U)"
_F, _I16, _Q8 = "float", "int16_t", 1 / 256
_HEADERS = ("mel", "cepstrum", "emphasis", "sound_level", "quantize", "logarithm")


@dataclass(frozen=True)
class Kernel:
    """A kernel: its call, the tables it needs, what it is given, and what would be right."""

    name: str
    numbers: str
    call: str
    tables: str
    x: NDArray[Any]
    want: NDArray[np.float64]
    out: str  # type of the output buffer
    unit: float = 1.0  # of the output
    calls: int = 1  # how many the instructions are divided by


@dataclass(frozen=True)
class _Frame:
    """A frame of noise with formants, at every stage of the way to coefficients."""

    pcm: NDArray[np.int16]
    bins: NDArray[np.complex128]

    @property
    def samples(self) -> NDArray[np.float32]:
        return (self.pcm / 32768).astype(np.float32)

    @property
    def before(self) -> NDArray[np.float64]:
        """For each sample the one before it."""
        return np.concatenate([[0.0], self.pcm[:-1]])

    @property
    def power(self) -> NDArray[np.float32]:
        return np.asarray(np.abs(self.bins / 32768) ** 2, np.float32)

    @property
    def energies(self) -> NDArray[np.float64]:
        return np.asarray(WEIGHTS @ self.power.astype(np.float64))

    @property
    def narrow(self) -> NDArray[np.uint32]:
        return np.round(np.abs(self.bins / 64) ** 2).astype(np.uint32)

    @property
    def wide(self) -> NDArray[np.uint64]:
        return np.round(np.abs(self.bins * 64) ** 2).astype(np.uint64)


@cache
def kernels() -> list[Kernel]:
    """All of them, on one frame."""
    rng, t = np.random.default_rng(1), np.arange(512) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / (1 + abs(140 * k - 700) / 300) for k in range(1, 40))
    pcm = np.round(6000 * voice / np.abs(voice).max() + 60 * rng.normal(size=512)).astype(np.int16)
    frame = _Frame(pcm, np.fft.rfft(pcm * np.hanning(512)))
    return [*_floats(frame), *_integers(frame)]


def _floats(frame: _Frame) -> list[Kernel]:
    energies, samples = frame.energies.astype(np.float32), frame.samples
    logarithms = np.log(frame.energies).astype(np.float32)
    decibels, bank = 10 * np.log10(frame.energies), BANK.c_float("bank")
    emphasize = "float b = 0.0f; mw_emphasize_f32(x, 512U, 0.97f, &b, out)"
    level = "float m = 0.0f; mw_level_f32(&m, 1.0f / 2000, x, 512U); *out = m"
    quantize = "mw_quantize_i8_f32(x, 40U, 1.0f, 60, (int8_t *) out)"
    in_db = "memcpy(out, x, 160); mw_mel_db_f32(out, 40U, 1e-10f)"
    emphasized = samples - 0.97 * frame.before / 32768
    logs = np.log(energies.astype(np.float64))
    return [
        Kernel("40 mel bands", "f32", f"mw_mel_f32{_MEL.format('')}", bank, frame.power, frame.energies, _F),
        Kernel("decibels of 40 energies", "f32", in_db, "", energies, decibels, _F),
        Kernel("13 coefficients", "f32", _DCT, DCT.c_float("dct"), logarithms, _dct(logarithms), _F),
        Kernel("pre-emphasis of 512", "f32", emphasize, "", samples, emphasized, _F),
        Kernel("level of 512", "f32", level, "", samples, np.array([_level(samples)]), _F),
        Kernel(
            "40 features as bytes",
            "f32",
            quantize,
            "",
            decibels.astype(np.float32),
            np.round(decibels + 60),
            "int8_t",
        ),
        Kernel("natural logarithm", "f32", _each("mw_log(x[i])"), "", energies, logs, _F, 1.0, 40),
    ]


def _integers(frame: _Frame) -> list[Kernel]:
    narrow, wide, pcm, bank = frame.narrow, frame.wide, frame.pcm, BANK.c_integer("bank")
    q8 = np.round(256 * np.log2(WEIGHTS @ narrow.astype(np.float64))).astype(np.int16)
    few, log2 = narrow[1:41], _each("mw_log2_q16_u32(x[i])")
    logs, mel, dct = "40 mel bands, logarithms", _MEL.format("0, "), _DCT.replace("f32", "i16")
    emphasize = "int16_t b = 0; mw_emphasize_q15(x, 512U, 31785, &b, out)"
    remove = "int32_t m = 0; mw_remove_dc_q15(x, 512U, 8, &m, out)"
    level = "uint64_t m = 0; mw_level_q15(&m, 1U << 24, x, 512U); *out = mw_level_db_q8(m)"
    quantize = "mw_quantize_i8_i16(x, 40U, 2, -60 * 64 + 32, 6, (int8_t *) out)"
    loudness = 10 * np.log10([np.mean((pcm / 32768) ** 2)])
    high = signal.lfilter([255 / 256, -255 / 256], [1, -255 / 256], pcm)
    return [
        Kernel(logs, "u32", f"mw_mel_log2_u32{mel}", bank, narrow, _log2(narrow), _I16, _Q8),
        Kernel(logs, "u64", f"mw_mel_log2_u64{mel}", bank, wide, _log2(wide), _I16, _Q8),
        Kernel("13 coefficients", "i16", dct, DCT.c_integer("dct"), q8, _dct(q8), _I16),
        Kernel("pre-emphasis of 512", "q15", emphasize, "", pcm, pcm - 31785 / 32768 * frame.before, _I16),
        Kernel("constant part off 512", "q15", remove, "", pcm, high, _I16),
        Kernel("level of 512, in dB", "q15", level, "", pcm, loudness, "int32_t", _Q8),
        Kernel("40 features as bytes", "i16", quantize, "", q8, np.floor(q8 * 2 / 64 - 59.5), "int8_t"),
        Kernel("binary logarithm", "u32", log2, "", few, np.log2(few), "int32_t", 2.0**-16, 40),
    ]


def _log2(bins: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.log2(WEIGHTS @ bins.astype(np.float64)))


def _dct(x: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.array(DCT.rows) @ x.astype(np.float64))


def _each(expression: str) -> str:
    return f"for (int i = 0; i < 40; ++i) {{ out[i] = {expression}; }}"


def _level(x: NDArray[np.float32]) -> float:
    mean = 0.0
    for value in x.astype(np.float64):
        mean += (value * value - mean) / 2000
    return mean


_SHOW = """
#include <string.h>
static void show(unsigned long long spent, unsigned n, const void *from, unsigned size)
{
    printf("%llu ", (spent + n / 2) / n);
    for (unsigned i = 0; i < size; ++i) {
        printf("%02x", ((const unsigned char *) from)[i]);
    }
    printf("\\n");
}
"""
_CALLS = """
    begin();
    for (unsigned n = 0; n < 50; ++n) {{
        run_{index}();
    }}
    show(instructions(), 50 * {calls}, out_{index}, {size});
"""


def rows(core: str, work: Path) -> Iterator[Row]:
    """All kernels on one core."""
    built_for = machine(core)
    chosen = list(enumerate(kernels()))
    stem = work / "audio"
    stem.with_suffix(".c").write_text(_program(chosen, measured=True), encoding="utf-8")
    program = link_arm(stem, built_for, kernels=("mel", "sound"))
    lines = run_counted(program, built_for).decode().splitlines()
    flash = arm_flash(built_for, ("mel", "sound"), work)
    for (index, one), line in zip(chosen, lines, strict=True):
        cost, out = line.split()
        data = bytes.fromhex(out)
        got = np.frombuffer(data, _numpy(one.out)).astype(np.float64) * one.unit
        yield Row(
            "audio",
            one.name,
            one.numbers,
            core,
            cost=int(cost),
            flash_bytes=flash.added_by(_program([(index, one)], measured=False)),
            snr_db={"frame": snr_db(one.want, got)},
            digest="" if one.out == "float" else digest(data),
        )


def _program(chosen: Sequence[tuple[int, Kernel]], *, measured: bool) -> str:
    """C that runs kernels: either measures them, or only calls them, so that flash can be compared."""
    text = "".join(f"#include <milliwatt/{header}.h>\n" for header in _HEADERS)
    text += COUNTER + _SHOW if measured else "#include <string.h>\n"
    calls = "    start_counting();\n" if measured else ""
    for index, one in chosen:
        text += _function(index, one, measured=measured)
        size = one.want.size * np.dtype(_numpy(one.out)).itemsize
        calls += (
            _CALLS.format(index=index, calls=one.calls, size=size) if measured else f"    run_{index}();\n"
        )
    return f"{text}int main(void)\n{{\n{calls}    return 0;\n}}\n"


def _function(index: int, one: Kernel, *, measured: bool) -> str:
    kind, name = C_TYPES[one.x.dtype.name], f"_{index}"
    tables = one.tables.replace("bank", "bank" + name).replace("dct", "dct" + name)
    tables = tables.replace("mw_dct" + name, "mw_dct")
    call = one.call.replace("&bank", "&bank" + name).replace("&dct", "&dct" + name)
    given = " = {" + ", ".join(_literal(value) for value in one.x.tolist()) + "}" if measured else ""
    return (
        f"{tables}static {kind} x{name}[{one.x.size}]{given};\nstatic {one.out} out{name}[512];\n"
        f"__attribute__((noinline)) static void run{name}(void)\n{{\n"
        f"    {kind} *x = x{name};\n    {one.out} *out = out{name};\n"
        f'    __asm__ volatile("" : "+r"(x), "+r"(out) : : "memory");\n    {call};\n}}\n'
    )


def _literal(value: float | int) -> str:
    if isinstance(value, float):
        return f"{value!r}f"
    return f"{value}{'U' * (value > 2**31)}{'LL' * (value > 2**32)}"


def _numpy(kind: str) -> str:
    return next(name for name, c_type in C_TYPES.items() if c_type == kind)
