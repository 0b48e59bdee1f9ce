"""Instructions, flash and accuracy of filters on emulated Arm cores.

    python -m tests.benchmarks.dsp.filter_cost
    python -m tests.benchmarks.dsp.filter_cost --optimize=-Os

A Butterworth low-pass of order 4 at a tenth of the sample rate (two sections), and 32 taps. With ``-icount``
QEMU's systick timer counts instructions; a loop of known length tells how many are a tick. Signal to noise is
of what the emulated core gave, against scipy in float64, over noise of 90 % of full scale and a sine wave in
the pass band. Flash is .text and .rodata of the family's object file, reset and settling included.
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
import scipy.signal
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.net_cases import ARM, C_TYPES, Machine, link_arm, run_arm  # noqa: E402

from milliwatt import filters  # noqa: E402

BLOCK, N = 64, 1024
SOS = scipy.signal.butter(4, 0.2, output="sos")
TAPS = scipy.signal.firwin(32, 0.2)
CORES = (("M4F", "cortex-m4"), ("M3", "cortex-m3"), ("M0", "cortex-m0"))
# Instructions a sample on M4F and on M0 that are to be met, and dB, of noise and of the sine wave.
GOALS = {"iir f32": (24.8, None, 0.0), "iir q15": (27.0, 86.0, 80.0)}


@dataclass(frozen=True)
class Row:
    """What was measured of a filter on a core; dB of noise and of the sine wave."""

    name: str
    core: str
    instructions: float
    alone: float
    flash: int
    db: tuple[float, float]


@dataclass(frozen=True)
class Job:
    """A filter: its tables, states, and calls of it for ``x``, ``out`` and ``n``."""

    name: str
    tables: str
    reset: str
    run: str
    full: float
    wanted: Any  # function of a float64 signal

    @property
    def family(self) -> str:
        return self.name.split()[1].strip(",")

    @property
    def kind(self) -> str:
        return self.family.replace("q31", "i32").replace("q15", "i16")

    @property
    def source(self) -> str:
        return f"{self.name.split()[0]}_{self.family}"


def jobs() -> list[Job]:
    """All filters."""
    found = []
    for kind, made in (("f32", SOS), ("q15", filters.iir_q15(SOS)), ("q31", filters.iir_q31(SOS))):
        state = "float" if kind == "f32" else f"mw_iir_state_{kind}"
        tables = filters.iir_tables(made, f"iir_{kind}")
        tables += f"static {state} state_{kind}[MW_IIR_STATE_{kind.upper()}(2, 1)];\n"
        reset = f"mw_iir_reset_{kind}(&iir_{kind}, state_{kind}, 1)"
        run = f"mw_iir_run_{kind}(&iir_{kind}, state_{kind}, 1, x, out, n)"
        found.append(Job(f"iir {kind}", tables, reset, run, _FULL[kind], _recursive))
    # Blocks of 16 samples of four numbers each; what is counted is instructions a number.
    state = "mw_iir_state_q15 axes[MW_IIR_STATE_Q15(2, 4)];\n"
    reset, run = "mw_iir_reset_q15(&iir_q15, axes, 4)", "mw_iir_run_q15(&iir_q15, axes, 4, x, out, n / 4)"
    found.append(Job("iir q15, 4 channels", f"static {state}", reset, run, _FULL["q15"], _interleaved))
    for kind, taps in (("f32", TAPS), ("q15", filters.fir_q15(TAPS))):
        number = C_TYPES["i16" if kind == "q15" else kind]
        tables = filters.fir_tables(taps, f"fir_{kind}")
        tables += f"static mw_fir_state_{kind} line_{kind};\n"
        tables += f"static {number} past_{kind}[MW_FIR_BUFFER(32, {BLOCK})];\n"
        reset = f"mw_fir_reset_{kind}(&fir_{kind}, &line_{kind}, past_{kind}, MW_FIR_BUFFER(32, {BLOCK}))"
        run = f"mw_fir_run_{kind}(&fir_{kind}, &line_{kind}, x, out, n)"
        found.append(Job(f"fir {kind}", tables, reset, run, _FULL[kind], _finite))
    return found


_FULL = {"f32": 1.0, "q15": 32767.0, "q31": 2.0**31 - 1}
_TYPES = {"f32": np.float32, "i16": np.int16, "i32": np.int32}


def _recursive(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scipy.signal.sosfilt(SOS, x))


def _interleaved(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scipy.signal.sosfilt(SOS, x.reshape(-1, 4), axis=0)).reshape(-1)


def _finite(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scipy.signal.lfilter(TAPS, 1, x))


_BEFORE_MAIN = """
#include <stdio.h>
#include <milliwatt/fir.h>
#include <milliwatt/iir.h>
extern void initialise_monitor_handles(void);
#define SYSTICK ((volatile unsigned *) 0xE000E010)
static unsigned first;
static void begin(void)
{
    first = SYSTICK[2];
}
static unsigned long long ticks(void)
{
    return (first - SYSTICK[2]) & 0xffffffU;
}
#define LENGTH 1024
#define JOB(NAME, TYPE, RESET, RUN)                                                                     \\
    static TYPE in_##NAME[LENGTH], got_##NAME[LENGTH];                                                  \\
    static void job_##NAME(unsigned long long loop)                                                     \\
    {                                                                                                   \\
        const unsigned sizes[2] = {64, 1};                                                              \\
        for (int signal = 0; signal < 2; ++signal) {                                                    \\
            fread(in_##NAME, sizeof(TYPE), LENGTH, stdin);                                              \\
            for (int i = 0; i < 2; ++i) {                                                               \\
                unsigned long long spent;                                                               \\
                const unsigned n = sizes[i];                                                            \\
                RESET;                                                                                  \\
                begin();                                                                                \\
                for (unsigned at = 0; at < LENGTH; at += n) {                                           \\
                    const TYPE *x = in_##NAME + at;                                                     \\
                    TYPE *out = got_##NAME + at;                                                        \\
                    RUN;                                                                                \\
                }                                                                                       \\
                spent = ticks() * 2000000;                                                              \\
                fwrite(&spent, 1, sizeof spent, stdout);                                                \\
                fwrite(&loop, 1, sizeof loop, stdout);                                                  \\
                fwrite(got_##NAME, sizeof(TYPE), LENGTH, stdout);                                       \\
            }                                                                                           \\
        }                                                                                               \\
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
    begin();
    __asm__ volatile(".syntax unified\\n1:\\n\\tsubs %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    loop = ticks();
"""


def signals(job: Job) -> list[NDArray[Any]]:
    """Noise and a sine wave, as the filter takes them."""
    rng = np.random.default_rng(6)
    chosen = (rng.uniform(-0.9, 0.9, N), 0.9 * np.sin(2 * np.pi * 0.037 * np.arange(N)))
    whole = [values * job.full if job.kind == "f32" else np.round(values * job.full) for values in chosen]
    return [values.astype(_TYPES[job.kind]) for values in whole]


def measure(directory: Path, core: str, machine: Machine) -> list[Row]:
    """All filters on one core."""
    todo = jobs()
    text = _BEFORE_MAIN
    for index, job in enumerate(todo):
        text += f"{job.tables}JOB({index}, {C_TYPES[job.kind]}, {job.reset}, {job.run})\n"
    calls = "".join(f"    job_{index}(loop);\n" for index in range(len(todo)))
    place = directory / core
    place.mkdir()
    stem = place / "filters"
    stem.with_suffix(".c").write_text(f"{text}{_MAIN}{calls}    return 0;\n}}\n", encoding="utf-8")
    program = link_arm(stem, machine, kernels=("iir", "fir"))
    sizes = {job.name: _size(place / f"{job.source}-{machine.name}.o") for job in todo}
    given = b"".join(x.tobytes() for job in todo for x in signals(job))
    answer = run_arm(program, machine, given, ("-icount", "shift=0"))
    rows, at = [], 0
    for job in todo:
        spent, db = [], []
        for x in signals(job):
            want = job.wanted(x.astype(np.float64))
            for _ in range(2):
                ticks, loop = np.frombuffer(answer, np.uint64, 2, at)
                got = np.frombuffer(answer, x.dtype, N, at + 16).astype(np.float64)
                at += 16 + x.nbytes
                spent.append(float(ticks) / float(loop) / N)
            db.append(float(10 * np.log10(np.sum(want**2) / np.sum((got - want) ** 2))))
        rows.append(Row(job.name, core, spent[0], spent[1], sizes[job.name], (db[0], db[1])))
    assert at == len(answer)
    return rows


def _size(target: Path) -> int:
    """.text and .rodata of an object file."""
    size = subprocess.run(["arm-none-eabi-size", str(target)], check=True, capture_output=True, text=True)
    return int(size.stdout.splitlines()[1].split()[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--optimize", default="-O2")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as directory:
        for core, name in CORES:
            flags = tuple(flag for flag in ARM[name].flags if not flag.startswith("-O"))
            machine = replace(ARM[name], name=core, flags=(*flags, options.optimize))
            rows += measure(Path(directory), core, machine)
    print("| filter | core | instructions a sample, blocks of 64 | alone | bytes | dB, noise | dB, sine |")
    print("|---|---|--:|--:|--:|--:|--:|")
    missed: list[str] = []
    for row in sorted(rows, key=lambda row: (row.name, row.core != "M4F", row.core)):
        alone = "–" if "channels" in row.name else f"{row.alone:.0f}"
        print(
            f"| {row.name} | {row.core} | {row.instructions:.1f} | {alone} | {row.flash} | "
            f"{row.db[0]:.1f} | {row.db[1]:.1f} |"
        )
        missed += [f"{row.name} on {row.core}: {what}" for what in _missed(row)]
    print("\nGoals that are missed:" if missed else "\nAll goals are met.")
    for line in missed:
        print(f"- {line}")
    return 1 if missed else 0


def _missed(row: Row) -> list[str]:
    m4, m0, least = GOALS.get(row.name, (None, None, 0.0))
    most = {"M4F": m4, "M0": m0}.get(row.core)
    found = []
    if most is not None and row.instructions > most:
        found.append(f"{row.instructions:.1f} instructions, not {most}")
    for name, db in zip(("noise", "the sine wave"), row.db, strict=True):
        if db < least:
            found.append(f"{db:.1f} dB of {name}, not {least:g}")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
