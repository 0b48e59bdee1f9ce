"""Instructions, flash and errors of audio features on emulated Arm cores: from a spectrum to MFCC.

    python -m tests.benchmarks.dsp.mel_cost
    python -m tests.benchmarks.dsp.mel_cost --optimize=-Os

One frame of 512 samples at 16 kHz: 257 bins, 40 mel bands, 13 coefficients; the FFT is not counted. With
``-icount`` QEMU's systick timer counts instructions, and a loop of known length tells how many are a tick.
Flash is what a program grows by: code, tables of this size, and what they need of libgcc. Errors are against
float64 on the same input, of the core in the first column; integers are the same on all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.dsp_cases import C_TYPES, snr_db  # noqa: E402
from mwtest.net_cases import ARM, Machine, link_arm, run_arm  # noqa: E402

from milliwatt.signal_cepstrum import cepstrum  # noqa: E402
from milliwatt.signal_mel import mel_bank  # noqa: E402

BANK = mel_bank(16000, 512, 40)
DCT = cepstrum(40, 13)
CORES = (("M4F", "cortex-m4"), ("M3", "cortex-m3"), ("M0", "cortex-m0"))
_HEADERS = ("mel", "cepstrum", "emphasis", "sound_level", "quantize", "logarithm")


@dataclass(frozen=True)
class Row:
    """A kernel: its call, the tables it needs, what it is given, and what would be right."""

    name: str
    call: str
    tables: str
    x: NDArray[Any]
    want: NDArray[np.float64]
    out: str  # type of the output buffer
    unit: float = 1.0  # of the output
    calls: int = 1  # how many the instructions are divided by


def rows() -> list[Row]:
    """All kernels on a frame of noise with formants."""
    rng = np.random.default_rng(1)
    t = np.arange(512) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / (1 + abs(140 * k - 700) / 300) for k in range(1, 40))
    pcm = np.round(6000 * voice / np.abs(voice).max() + 60 * rng.normal(size=512)).astype(np.int16)
    bins = np.fft.rfft(pcm * np.hanning(512))
    narrow = np.round(np.abs(bins / 64) ** 2).astype(np.uint32)
    wide = np.round(np.abs(bins * 64) ** 2).astype(np.uint64)
    power = (np.abs(bins / 32768) ** 2).astype(np.float32)
    weights = np.array(BANK.weights())
    energies = weights @ power.astype(np.float64)
    logarithms = np.log(energies).astype(np.float32)
    decibels = 10 * np.log10(energies)
    q8 = np.round(256 * np.log2(weights @ narrow.astype(np.float64))).astype(np.int16)
    factors = np.array(DCT.rows)
    samples = (pcm / 32768).astype(np.float32)
    last = np.concatenate([[0], samples[:-1].astype(np.float64)])
    floats, integers = BANK.c_float("bank"), BANK.c_integer("bank")
    mel = "(&bank, x, 257U, {}out, 40U)"
    fixed = 256 * np.log2(weights @ narrow.astype(np.float64))
    block = mel.format("0, ")
    return [
        Row("mel, f32", "mw_mel_f32" + mel.format(""), floats, power, energies, "float"),
        Row(
            "log of 40 energies (dB), f32",
            "memcpy(out, x, 160); mw_mel_db_f32(out, 40U, 1e-10f)",
            "",
            energies.astype(np.float32),
            decibels,
            "float",
        ),
        Row(
            "DCT, f32",
            "mw_dct_f32(&dct, x, 40U, out, 13U)",
            DCT.c_float("dct"),
            logarithms,
            factors @ logarithms.astype(np.float64),
            "float",
        ),
        Row(
            "mel and log2, u32", "mw_mel_log2_u32" + block, integers, narrow, fixed / 256, "int16_t", 1 / 256
        ),
        Row(
            "mel and log2, u64",
            "mw_mel_log2_u64" + block,
            integers,
            wide,
            np.log2(weights @ wide.astype(np.float64)),
            "int16_t",
            1 / 256,
        ),
        Row(
            "DCT, i16",
            "mw_dct_i16(&dct, x, 40U, out, 13U)",
            DCT.c_integer("dct"),
            q8,
            factors @ q8,
            "int16_t",
        ),
        Row(
            "pre-emphasis of 512, f32",
            "float b = 0.0f; mw_emphasize_f32(x, 512U, 0.97f, &b, out)",
            "",
            samples,
            samples - 0.97 * last,
            "float",
        ),
        Row(
            "pre-emphasis of 512, q15",
            "int16_t b = 0; mw_emphasize_q15(x, 512U, 31785, &b, out)",
            "",
            pcm,
            pcm - 31785 / 32768 * last * 32768,
            "int16_t",
        ),
        Row(
            "constant part off 512, q15",
            "int32_t m = 0; mw_remove_dc_q15(x, 512U, 8, &m, out)",
            "",
            pcm,
            signal.lfilter([255 / 256, -255 / 256], [1, -255 / 256], pcm),
            "int16_t",
        ),
        Row(
            "level of 512, f32",
            "float m = 0.0f; mw_level_f32(&m, 1.0f / 2000, x, 512U); *out = m",
            "",
            samples,
            np.array([_level(samples)]),
            "float",
        ),
        Row(
            "level of 512, q15",
            "uint64_t m = 0; mw_level_q15(&m, 1U << 24, x, 512U); *out = mw_level_db_q8(m)",
            "",
            pcm,
            10 * np.log10([np.mean((pcm / 32768) ** 2)]),
            "int32_t",
            1 / 256,
        ),
        Row(
            "40 bytes of floats",
            "mw_quantize_i8_f32(x, 40U, 1.0f, 60, (int8_t *) out)",
            "",
            decibels.astype(np.float32),
            np.round(decibels + 60),
            "int8_t",
        ),
        Row(
            "40 bytes of 16 bits",
            "mw_quantize_i8_i16(x, 40U, 2, -60 * 64 + 32, 6, (int8_t *) out)",
            "",
            q8,
            np.floor(q8 * 2 / 64 - 59.5),
            "int8_t",
        ),
        Row(
            "ln of a float",
            _each("mw_log(x[i])"),
            "",
            energies.astype(np.float32),
            np.log(energies.astype(np.float32).astype(np.float64)),
            "float",
            1.0,
            40,
        ),
        Row(
            "log2 of 32 bits, q16",
            _each("mw_log2_q16_u32(x[i])"),
            "",
            narrow[1:41],
            np.log2(narrow[1:41]),
            "int32_t",
            2.0**-16,
            40,
        ),
    ]


def _each(expression: str) -> str:
    return f"for (int i = 0; i < 40; ++i) {{ out[i] = {expression}; }}"


def _level(x: NDArray[np.float32]) -> float:
    mean = 0.0
    for value in x.astype(np.float64):
        mean += (value * value - mean) / 2000
    return mean


_BEFORE_MAIN = """
#include <stdio.h>
#include <string.h>
extern void initialise_monitor_handles(void);
#define SYSTICK ((volatile unsigned *) 0xE000E010)
static unsigned first;
static void show(unsigned long long instructions, unsigned n, const void *from, unsigned size)
{
    printf("%llu ", (instructions + n / 2) / n);
    for (unsigned i = 0; i < size; ++i) {
        printf("%02x", ((const unsigned char *) from)[i]);
    }
    printf("\\n");
}
static unsigned long long ticks(void)
{
    return (first - SYSTICK[2]) & 0xffffffU;
}
"""
_MAIN = """
int main(void)
{
    unsigned long long loop;
    unsigned n = 1000000;
    initialise_monitor_handles();
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    while (SYSTICK[2] == 0) {
    }
    first = SYSTICK[2];
    __asm__ volatile(".syntax unified\\n1:\\n\\tsubs %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    loop = ticks();
"""
_CALLS = """
    first = SYSTICK[2];
    for (n = 0; n < 50; ++n) {{
        run_{index}();
    }}
    show(ticks() * 2000000 / loop, n * {calls}, out_{index}, {size});
"""


def _program(chosen: Sequence[tuple[int, Row]], *, measured: bool) -> str:
    """C that runs rows: either measures them, or only calls them, so that flash can be compared."""
    text = "".join(f"#include <milliwatt/{header}.h>\n" for header in _HEADERS)
    text += _BEFORE_MAIN if measured else ""
    calls = ""
    for index, row in chosen:
        kind = C_TYPES[row.x.dtype.name]
        name = f"_{index}"
        tables = row.tables.replace("bank", "bank" + name).replace("dct", "dct" + name)
        tables = tables.replace("mw_dct" + name, "mw_dct")
        call = row.call.replace("&bank", "&bank" + name).replace("&dct", "&dct" + name)
        text += f"{tables}static {kind} x{name}[{row.x.size}]"
        if measured:
            text += " = {" + ", ".join(_literal(value) for value in row.x.tolist()) + "}"
        text += f";\nstatic {row.out} out{name}[512];\n"
        text += f"__attribute__((noinline)) static void run{name}(void)\n{{\n"
        text += f"    {kind} *x = x{name};\n    {row.out} *out = out{name};\n"
        text += f'    __asm__ volatile("" : "+r"(x), "+r"(out) : : "memory");\n    {call};\n}}\n'
        size = row.want.size * np.dtype(_numpy(row.out)).itemsize
        calls += _CALLS.format(index=index, calls=row.calls, size=size) if measured else f"    run{name}();\n"
    main = _MAIN if measured else "int main(void)\n{\n"
    return f"{text}{main}{calls}    return 0;\n}}\n"


def _literal(value: float | int) -> str:
    return (
        f"{value!r}f"
        if isinstance(value, float)
        else f"{value}{'U' * (value > 2**31)}{'LL' * (value > 2**32)}"
    )


def _numpy(kind: str) -> str:
    return next(name for name, c_type in C_TYPES.items() if c_type == kind)


def _measure(directory: Path, machine: Machine, all_rows: list[Row]) -> list[tuple[int, int, bytes]]:
    """Instructions, flash and output of every row."""
    place = directory / machine.name
    place.mkdir()
    flags = (*machine.flags, "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
    machine = replace(machine, flags=flags)
    whole = _link(place, "all", _program(list(enumerate(all_rows)), measured=True), machine)
    text = run_arm(whole, machine, options=("-icount", "shift=0")).decode()
    empty = _flash(_link(place, "empty", _program([], measured=False), machine))
    found = []
    for index, line in enumerate(text.splitlines()):
        instructions, out = line.split()
        alone = _link(place, f"row{index}", _program([(index, all_rows[index])], measured=False), machine)
        found.append((int(instructions), _flash(alone) - empty, bytes.fromhex(out)))
    return found


def _link(place: Path, name: str, source: str, machine: Machine) -> Path:
    stem = place / name
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    return link_arm(stem, machine, kernels=("mel", "sound"))


def _flash(program: Path) -> int:
    done = subprocess.run(["arm-none-eabi-size", program], capture_output=True, text=True, check=True)
    text, data, *_ = done.stdout.splitlines()[1].split()
    return int(text) + int(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table; 1 if integers differ between cores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--optimize", default="-O2")
    options = parser.parse_args(arguments)
    all_rows = rows()
    columns: dict[str, list[tuple[int, int, bytes]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, core in CORES:
            flags = tuple(flag for flag in ARM[core].flags if not flag.startswith("-O"))
            machine = replace(ARM[core], name=name, flags=(*flags, options.optimize))
            columns[name] = _measure(Path(directory), machine, all_rows)
    print(
        "| kernel |", " | ".join(columns), "|", " | ".join(f"flash {name}" for name in columns), "| SNR, dB |"
    )
    print("|---|" + "--:|" * (2 * len(columns) + 1))
    same = True
    for index, row in enumerate(all_rows):
        cells = [column[index] for column in columns.values()]
        numbers = [np.frombuffer(cell[2], _numpy(row.out)) * row.unit for cell in cells]
        costs = [f"{cell[0]:,}" for cell in cells] + [f"{cell[1]:,}" for cell in cells]
        error = snr_db(row.want, numbers[0])
        print(f"| {row.name} |", " | ".join(costs), f"| {error:.0f} |" if error < 300 else "| exact |")
        same = same and (row.out == "float" or len({cell[2] for cell in cells}) == 1)
    print("\nIntegers are the same on all cores." if same else "\nINTEGERS DIFFER.")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
