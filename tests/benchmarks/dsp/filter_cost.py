"""Filters: instructions a sample on emulated Arm cores, flash and accuracy.

A Butterworth low-pass of order 4 at a tenth of the sample rate (two sections), and 32 taps. Signal to noise
is against scipy in float64, over noise of 90 % of full scale and a sine wave in the pass band.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from dsp_build import arm_flash, machine, snr_db
from dsp_rows import EMLEARN, EMLEARN_IN_SIGHT, MILLIWATT, Row, digest
from mwtest.net_cases import C_TYPES, Machine, link_arm
from mwtest.systick import COUNTER, run_counted
from numpy.typing import NDArray

from milliwatt import filters

BLOCK, N = 64, 1024
SOS = scipy.signal.butter(4, 0.2, output="sos")
TAPS = scipy.signal.firwin(32, 0.2)
SECTIONS, TAPPED = "two sections", "32 taps"
BLOCKS, ALONE = f", blocks of {BLOCK}", ", one a call"
_FULL = {"f32": 1.0, "q15": 32767.0, "q31": 2.0**31 - 1}
_KINDS = {"f32": "f32", "q15": "i16", "q31": "i32"}
_TYPES = {"f32": np.float32, "q15": np.int16, "q31": np.int32}
_HEADERS = "#include <milliwatt/fir.h>\n#include <milliwatt/iir.h>\n"

Signal = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """A filter: its tables and states; C for ``x``, ``out`` and ``n``; ``one``: for one sample a call."""

    name: str
    numbers: str
    tables: str
    reset: str
    run: str
    one: str
    wanted: Callable[[Signal], Signal]
    library: str = MILLIWATT
    headers: str = _HEADERS

    @property
    def c_type(self) -> str:
        return C_TYPES[_KINDS[self.numbers]]

    @property
    def sizes(self) -> tuple[int, ...]:
        return (BLOCK, 1) if self.one else (BLOCK,)

    def kernel(self, size: int) -> str:
        return self.name + (ALONE if size == 1 else BLOCKS)


def rows(core: str, work: Path, built_for: Machine | None = None) -> Iterator[Row]:
    """Ours; ``built_for``: if not as `machine` says."""
    return _measure(core, work, _jobs(), (), ("iir", "fir"), built_for)


def emlearn_rows(core: str, work: Path, include: Path) -> Iterator[Row]:
    """emlearn's cascade of floats, which takes one sample a call."""
    flags = ("-isystem", str(include), "-D_DEFAULT_SOURCE")
    for job in _emlearn():
        yield from _measure(core, work, [job], flags, ())


def _jobs() -> list[Job]:
    found = []
    for kind, made in (("f32", SOS), ("q15", filters.iir_q15(SOS)), ("q31", filters.iir_q31(SOS))):
        state = "float" if kind == "f32" else f"mw_iir_state_{kind}"
        tables = filters.iir_tables(made, f"iir_{kind}")
        tables += f"static {state} state_{kind}[MW_IIR_STATE_{kind.upper()}(2, 1)];\n"
        reset = f"mw_iir_reset_{kind}(&iir_{kind}, state_{kind}, 1)"
        run = f"mw_iir_run_{kind}(&iir_{kind}, state_{kind}, 1, x, out, n)"
        one = f"*out = mw_iir_one_{kind}(&iir_{kind}, state_{kind}, *x)"
        found.append(Job(SECTIONS, kind, tables, reset, run, one, _recursive))
    # Blocks of 16 samples of four numbers each; what is counted is instructions a number.
    tables = filters.iir_tables(filters.iir_q15(SOS), "iir_axes")
    tables += "static mw_iir_state_q15 axes[MW_IIR_STATE_Q15(2, 4)];\n"
    reset, run = "mw_iir_reset_q15(&iir_axes, axes, 4)", "mw_iir_run_q15(&iir_axes, axes, 4, x, out, n / 4)"
    found.append(Job(f"{SECTIONS}, 4 channels", "q15", tables, reset, run, "", _interleaved))
    for kind, taps in (("f32", TAPS), ("q15", filters.fir_q15(TAPS))):
        tables = filters.fir_tables(taps, f"fir_{kind}")
        tables += f"static mw_fir_state_{kind} line_{kind};\n"
        tables += f"static {C_TYPES[_KINDS[kind]]} past_{kind}[MW_FIR_BUFFER(32, {BLOCK})];\n"
        reset = f"mw_fir_reset_{kind}(&fir_{kind}, &line_{kind}, past_{kind}, MW_FIR_BUFFER(32, {BLOCK}))"
        run = f"mw_fir_run_{kind}(&fir_{kind}, &line_{kind}, x, out, n)"
        one = run.replace(", n)", ", 1)")
        found.append(Job(TAPPED, kind, tables, reset, run, one, _finite))
    return found


def _emlearn() -> list[Job]:
    """Its filter through a pointer that the compiler cannot follow (another file may own it), and in sight.

    In the second case its numbers become part of the code.
    """
    numbers = ", ".join(f"{value!r}f" for value in np.float32(SOS).reshape(-1).tolist())
    tables = (
        f"static const float eml_sos[12] = {{{numbers}}};\nstatic float eml_states[8];\n"
        "static EmlIIR eml_made = {2, eml_states, 8, eml_sos, 12};\n"
    )
    pointer = "EmlIIR *volatile eml_filter = &eml_made;\n"
    reset = "memset(eml_states, 0, sizeof eml_states)"
    headers = "#include <string.h>\n#include <eml_iir.h>\n"
    each = "for (unsigned i = 0; i < n; ++i) out[i] = eml_iir_filter"
    known = f"{each}(eml_made, x[i])"
    unknown = f"{{ const EmlIIR filter = *eml_filter; {each}(filter, x[i]); }}"
    one_known, one_unknown = "*out = eml_iir_filter(eml_made, *x)", "*out = eml_iir_filter(*eml_filter, *x)"
    return [
        Job(SECTIONS, "f32", tables + pointer, reset, unknown, one_unknown, _recursive, EMLEARN, headers),
        Job(SECTIONS, "f32", tables, reset, known, one_known, _recursive, EMLEARN_IN_SIGHT, headers),
    ]


def _recursive(x: Signal) -> Signal:
    return np.asarray(scipy.signal.sosfilt(SOS, x))


def _interleaved(x: Signal) -> Signal:
    return np.asarray(scipy.signal.sosfilt(SOS, x.reshape(-1, 4), axis=0)).reshape(-1)


def _finite(x: Signal) -> Signal:
    return np.asarray(scipy.signal.lfilter(TAPS, 1, x))


_JOB = """
static TYPE in_NAME[LENGTH], got_NAME[LENGTH];
static void job_NAME(void)
{
    for (int signal = 0; signal < 2; ++signal) {
        fread(in_NAME, sizeof(TYPE), LENGTH, stdin);
EACH    }
}
"""
_EACH = """        {
            unsigned long long spent;
            const unsigned n = SIZE;
            (void) n;
            RESET;
            begin();
            for (unsigned at = 0; at < LENGTH; at += SIZE) {
                const TYPE *x = in_NAME + at;
                TYPE *out = got_NAME + at;
                RUN;
            }
            spent = ticks() * 2000000;
            fwrite(&spent, 1, sizeof spent, stdout);
            fwrite(&ticks_of_loop, 1, sizeof ticks_of_loop, stdout);
            fwrite(got_NAME, sizeof(TYPE), LENGTH, stdout);
        }
"""


def signals(numbers: str) -> dict[str, Signal]:
    """Noise and a sine wave, as the filter takes them."""
    full = _FULL[numbers]
    chosen = {
        "noise": np.random.default_rng(6).uniform(-0.9, 0.9, N) * full,
        "sine": 0.9 * np.sin(2 * np.pi * 0.037 * np.arange(N)) * full,
    }
    return {
        name: (x if numbers == "f32" else np.round(x)).astype(_TYPES[numbers]) for name, x in chosen.items()
    }


def _measure(
    core: str, work: Path, jobs: Sequence[Job], flags: tuple[str, ...], kernels: tuple[str, ...],
    built_for: Machine | None = None,
) -> Iterator[Row]:  # fmt: skip
    built_for = built_for or machine(core)
    text, calls = COUNTER, ""
    for index, job in enumerate(jobs):
        text += f"{job.headers}{job.tables}{_filled(job, index)}"
        calls += f"    job_{index}();\n"
    stem = work / "filters"
    stem.with_suffix(".c").write_text(
        f"{text}int main(void)\n{{\n    start_counting();\n{calls}    return 0;\n}}\n", encoding="utf-8"
    )
    program = link_arm(stem, built_for, flags, kernels=kernels)
    given = b"".join(x.tobytes() for job in jobs for x in signals(job.numbers).values())
    answer = run_counted(program, built_for, given)
    flash = arm_flash(built_for, kernels, work)
    for job in jobs:
        size = sum((16 + x.nbytes) * len(job.sizes) for x in signals(job.numbers).values())
        added = flash.added_by(_alone(job), flags)
        yield from _rows_of(job, core, answer[:size], added)
        answer = answer[size:]
    assert not answer


def _filled(job: Job, index: int) -> str:
    each = "".join(
        _EACH.replace("SIZE", str(size)).replace("RUN", job.one if size == 1 else job.run)
        for size in job.sizes
    )
    text = _JOB.replace("EACH", each)
    for word, value in {
        "NAME": str(index),
        "TYPE": job.c_type,
        "LENGTH": str(N),
        "RESET": job.reset,
    }.items():
        text = text.replace(word, value)
    return text


def _alone(job: Job) -> str:
    """A program with this filter and nothing else."""
    return (
        f"#include <stddef.h>\n{job.headers}{job.tables}{job.c_type} x[{BLOCK}], out[{BLOCK}];\n"
        f"volatile size_t n = {BLOCK};\n"
        f"int main(void)\n{{\n    {job.reset};\n    {job.run};\n    return 0;\n}}\n"
    )


def _rows_of(job: Job, core: str, answer: bytes, flash: int) -> Iterator[Row]:
    costs: dict[int, float] = {}
    db: dict[str, float | None] = {}
    results, at = b"", 0
    for name, x in signals(job.numbers).items():
        for size in job.sizes:
            spent, loop = np.frombuffer(answer, np.uint64, 2, at)
            got = answer[at + 16 : at + 16 + x.nbytes]
            at += 16 + x.nbytes
            if name == "noise":
                costs[size] = round(float(spent) / float(loop) / N, 1)
        db[name] = snr_db(job.wanted(x.astype(np.float64)), np.frombuffer(got, x.dtype).astype(np.float64))
        results += got
    same = "" if job.numbers == "f32" else digest(results)
    for size, cost in costs.items():
        yield Row("filters", job.kernel(size), job.numbers, core, job.library, cost, flash, db, same)
