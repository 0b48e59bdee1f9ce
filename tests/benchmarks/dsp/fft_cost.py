"""Instructions, bytes of flash and accuracy of Fourier transforms on emulated Arm cores.

    python -m tests.benchmarks.dsp.fft_cost              a table, goals beside it; 1 if one is missed
    python -m tests.benchmarks.dsp.fft_cost --n 64 1024  … of these lengths, without goals

With ``-icount`` QEMU's systick timer counts instructions; a loop of known length tells how many are a tick.
Flash is what a firmware that calls the one function links of code and tables, libgcc's included. The input is
seeded noise at half scale.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.net_cases import ARM, Machine, link_arm, run_arm  # noqa: E402

CORES = {"M4F": "cortex-m4", "M3": "cortex-m3", "M0": "cortex-m0"}
FAMILIES = {"f32": np.float32, "i32": np.int32, "q15": np.int16}
C_TYPES = {"f32": "float", "i32": "int32_t", "q15": "int16_t"}
KINDS = ("fft", "ifft", "rfft", "irfft")


@dataclass(frozen=True)
class Goal:
    """What is asked for at n = 256."""

    instructions: int
    flash: int | None = None
    snr: float | None = None


GOALS = {
    ("fft", "f32", "M4F"): Goal(17_800, flash=2457),
    ("rfft", "f32", "M4F"): Goal(11_300),
    ("fft", "i32", "M3"): Goal(25_800, snr=96),
    ("fft", "i32", "M0"): Goal(47_600, snr=96),
}


# CMSIS-DSP of component 1.17.1 at n = 256, built and measured in the same way, for comparison.
QUOTED = {
    ("fft", "f32", "M4F"): "17,800, 6.4 KB, 142 dB",
    ("fft", "f32", "M3"): "383,000",
    ("fft", "f32", "M0"): "641,000",
    ("rfft", "f32", "M4F"): "11,300",
    ("fft", "i32", "M4F"): "21,900, 4.9 KB, 147 dB",
    ("fft", "i32", "M3"): "21,300, 4.8 KB, 147 dB",
    ("fft", "i32", "M0"): "139,000, 147 dB",
    ("fft", "q15", "M4F"): "12,500, 3.3 KB, 55 dB",
    ("fft", "q15", "M3"): "27,600, 4.6 KB, 53 dB",
    ("fft", "q15", "M0"): "47,400, 5.0 KB, 53 dB",
    ("rfft", "q15", "M4F"): "9,900, 36 KB",
    ("rfft", "q15", "M3"): "18,200, 36 KB",
    ("rfft", "q15", "M0"): "31,800, 38 KB",
}


@dataclass(frozen=True)
class Cost:
    """One transform of one length on one core."""

    kind: str
    family: str
    core: str
    n: int
    instructions: int
    flash: int
    snr: float

    @property
    def goal(self) -> Goal | None:
        return GOALS.get((self.kind, self.family, self.core)) if self.n == 256 else None

    @property
    def met(self) -> bool:
        goal = self.goal
        return goal is None or (
            self.instructions <= goal.instructions
            and (goal.flash is None or self.flash <= goal.flash)
            and (goal.snr is None or self.snr >= goal.snr)
        )


_PROGRAM = """
#include <stdio.h>
#include <string.h>
#include <milliwatt/fft.h>
extern void initialise_monitor_handles(void);
#define SYSTICK ((volatile unsigned *) 0xE000E010)
static const TYPE given[COUNT] = {GIVEN};
static TYPE x[COUNT] __attribute__((aligned(8)));
int main(void)
{
    unsigned n = 1000000, before, loop;
    int exponent = 0, status;
    initialise_monitor_handles();
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    while (SYSTICK[2] == 0) {
    }
    before = SYSTICK[2];
    __asm__ volatile(".syntax unified\\n1:\\n\\tsubs %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    loop = (before - SYSTICK[2]) & 0xffffffU;
    before = 0;
    for (unsigned i = 0; i < 16; ++i) {
        memcpy(x, given, sizeof x);
        const unsigned start = SYSTICK[2];
        __asm__ volatile("" : : : "memory");
        status = CALL;
        __asm__ volatile("" : : : "memory");
        before += (start - SYSTICK[2]) & 0xffffffU;
    }
    printf("%d %d %llu\\n", status, exponent, before * 2000000ULL / loop / 16);
    fwrite(x, sizeof x, 1, stdout);
    return status;
}
"""


def measure(kind: str, family: str, core: str, n: int, directory: Path) -> Cost:
    """Runs one transform and compares it with numpy's; ``directory`` keeps the library's object files."""
    machine = ARM[CORES[core]]
    flags = (*(flag for flag in machine.flags if not flag.startswith("-O")), "-O2")
    machine = replace(machine, name=f"{machine.name}-O2", flags=flags)
    x = _signal(kind, family, n)
    table = f"mw_fft_table_{n}_{family}"
    call = f"mw_{kind}_{family}(x, {n}, {table}{', &exponent' if family == 'q15' else ''})"
    text = _PROGRAM.replace("TYPE", C_TYPES[family]).replace("COUNT", str(x.size)).replace("CALL", call)
    text = text.replace("GIVEN", ", ".join(_literal(value) for value in x))
    stem = directory / "cost"
    stem.with_suffix(".c").write_text(text, encoding="utf-8")
    program = link_arm(stem, machine, kernels=("fft", "sine"))
    line, _, rest = run_arm(program, machine, options=("-icount", "shift=0")).partition(b"\n")
    status, exponent, instructions = map(int, line.split())
    assert status == 0
    flash = _flash(directory, machine, f"mw_{kind}_{family}", table, _sources(family, n))
    found = np.frombuffer(rest, FAMILIES[family]).astype(np.float64) * 2.0**exponent
    return Cost(kind, family, core, n, instructions, flash, _snr(_wanted(kind, family, x, n), found))


def _signal(kind: str, family: str, n: int) -> NDArray[np.generic]:
    """Uniform noise at half scale; for inverse transforms too, bins 0 and n/2 being real."""
    random = np.random.default_rng(n)
    size = n + 2 if kind in ("rfft", "irfft") else 2 * n
    x = random.uniform(-0.5, 0.5, size)
    if kind == "irfft":
        x[[1, n + 1]] = 0
    return (x * {"f32": 1.0, "i32": 2.0**31, "q15": 2.0**15}[family]).astype(FAMILIES[family])


def _wanted(kind: str, family: str, x: NDArray[np.generic], n: int) -> NDArray[np.float64]:
    exact = x.astype(np.float64)
    if kind == "rfft":
        return np.fft.rfft(exact[:n]).view(np.float64) / (4 * n if family == "i32" else 1)
    bins = exact.view(np.complex128)
    if kind == "irfft":
        return np.fft.irfft(bins, n) / (16 if family == "i32" else 1)
    if kind == "fft":
        return np.fft.fft(bins).view(np.float64) / (8 * n if family == "i32" else 1)
    return np.fft.ifft(bins).view(np.float64) / (8 if family == "i32" else 1)


def _snr(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    error = found[: wanted.size] - wanted
    return float(10 * np.log10(np.sum(wanted**2) / max(float(np.sum(error**2)), 1e-300)))


def _literal(value: np.generic) -> str:
    return f"{float(value):.9e}f" if value.dtype == np.float32 else str(value)


def _sources(family: str, n: int) -> list[Path]:
    found = [path for path in (ROOT / "src").glob("fft_*.c") if "table" not in path.name]
    return sorted([*found, ROOT / "src" / f"fft_table_{n}_{family}.c"])


def _flash(directory: Path, machine: Machine, function: str, table: str, sources: list[Path]) -> int:
    """Bytes of a program that is nothing but this function and its table."""
    target = directory / "flash.elf"
    link = [
        "-nostartfiles",
        "--specs=nosys.specs",
        "--specs=nano.specs",
        "-ffunction-sections",
        "-fdata-sections",
    ]
    link += ["-Wl,--gc-sections", f"-Wl,-e,{function}", f"-Wl,-u,{table}", "-Wl,--no-warn-rwx-segments"]
    command = ["arm-none-eabi-gcc", "-std=c99", *machine.flags, f"-I{ROOT / 'include'}", *link]
    subprocess.run([*command, *map(str, sources), "-o", str(target)], check=True)
    output = subprocess.run(
        ["arm-none-eabi-size", "-A", str(target)], check=True, capture_output=True, text=True
    )
    kept = (".text", ".rodata", ".ARM.exidx", ".data")
    rows = (line.split() for line in output.stdout.splitlines())
    return sum(int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(kept))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, nargs="+", default=[256])
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--core", nargs="+", choices=CORES, default=list(CORES))
    options = parser.parse_args(arguments)
    print("| transform | n | core | instructions | flash | SNR dB | goal | CMSIS-DSP |")
    print("|---|--:|---|--:|--:|--:|---|---|")
    met = True
    with tempfile.TemporaryDirectory() as name:
        for family in options.family:
            for kind in options.kind:
                for n in options.n:
                    for core in options.core:
                        met &= _print(measure(kind, family, core, n, Path(name)))
    return 0 if met else 1


def _print(cost: Cost) -> bool:
    goal = cost.goal
    text = ""
    if goal is not None:
        wanted = [f"{goal.instructions:,}"]
        wanted += [f"{goal.flash:,} bytes"] if goal.flash else []
        wanted += [f"{goal.snr:.0f} dB"] if goal.snr else []
        text = f"{', '.join(wanted)}: {'met' if cost.met else 'MISSED'}"
    row = (f"{cost.kind} {cost.family}", str(cost.n), cost.core, f"{cost.instructions:,}", f"{cost.flash:,}")
    quoted = QUOTED.get((cost.kind, cost.family, cost.core), "") if cost.n == 256 else ""
    print("|", " | ".join((*row, f"{cost.snr:.1f}", text, quoted)), "|", flush=True)
    return cost.met


if __name__ == "__main__":
    raise SystemExit(main())
