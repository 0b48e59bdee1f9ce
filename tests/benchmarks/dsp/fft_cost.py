"""Fourier transforms: instructions on emulated Arm cores, bytes of flash, accuracy.

The input is seeded uniform noise at half scale; for inverse transforms too, bins 0 and n/2 being real.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from dsp_build import arm_flash, machine, snr_db
from dsp_rows import EMLEARN, Row, digest
from mwtest.net_cases import Machine, link_arm
from mwtest.systick import COUNTER, run_counted
from numpy.typing import NDArray

NUMPY = {"f32": np.float32, "i32": np.int32, "q15": np.int16}
C_TYPES = {"f32": "float", "i32": "int32_t", "q15": "int16_t"}
KINDS = {
    "fft": "complex transform",
    "rfft": "real transform",
    "ifft": "inverse complex transform",
    "irfft": "inverse real transform",
}
LENGTHS = {"fft": (64, 256, 1024), "rfft": (64, 256, 1024), "ifft": (256,), "irfft": (256,)}
_REPEATS = 16

_PROGRAM = """
#include <string.h>
static const TYPE given[COUNT] = {GIVEN};
static TYPE x[COUNT] __attribute__((aligned(8)));
int main(void)
{
    unsigned long long spent = 0;
    int exponent = 0, status = 0;
    start_counting();
    PREPARE;
    for (unsigned i = 0; i < REPEATS; ++i) {
        RESTORE;
        begin();
        __asm__ volatile("" : : : "memory");
        status |= (int) CALL;
        __asm__ volatile("" : : : "memory");
        spent += ticks();
    }
    printf("%d %d %llu\\n", status, exponent, spent * 2000000 / ticks_of_loop / REPEATS);
    GATHER;
    fwrite(x, sizeof x, 1, stdout);
    return status;
}
"""


def kernel(kind: str, n: int) -> str:
    return f"{KINDS[kind]} of {n}"


@dataclass(frozen=True)
class _Code:
    """What is put in for the words in capitals of the program, and the same without measuring."""

    before: str
    call: str
    flash: str
    prepare: str = "(void) 0"
    restore: str = "memcpy(x, given, sizeof x)"
    gather: str = "(void) 0"


def rows(core: str, work: Path) -> Iterator[Row]:
    """Ours."""
    for numbers in NUMPY:
        for kind, lengths in LENGTHS.items():
            for n in lengths:
                yield ours(kind, numbers, n, core, work)


def emlearn_rows(core: str, work: Path, include: Path) -> Iterator[Row]:
    """emlearn's: complex, forward, float; its tables of sines are made at run time, which is not counted."""
    flags = ("-isystem", str(include), "-D_DEFAULT_SOURCE")
    for n in LENGTHS["fft"]:
        tables = (
            f"#include <eml_fft.h>\nstatic float sines[{n // 2}], cosines[{n // 2}], re[{n}], im[{n}];\n"
            f"static const EmlFFT table = {{{n // 2}, sines, cosines}};\n"
        )
        call, fill = f"eml_fft_forward(table, re, im, {n})", f"eml_fft_fill(table, {n})"
        each = f"for (int j = 0; j < {n}; ++j) "
        code = _Code(
            before=tables,
            call=call,
            flash=f"{tables}int main(void)\n{{\n    return (int) {fill} + (int) {call};\n}}\n",
            prepare=f"status = (int) {fill}",
            restore=f"{each}{{ re[j] = given[2 * j]; im[j] = given[2 * j + 1]; }}",
            gather=f"{each}{{ x[2 * j] = re[j]; x[2 * j + 1] = im[j]; }}",
        )
        row = Row("transforms", kernel("fft", n), "f32", core, EMLEARN)
        yield _measured(row, "fft", n, code, work, flags, ())


def ours(kind: str, numbers: str, n: int, core: str, work: Path, built_for: Machine | None = None) -> Row:
    """One of ours; ``built_for``: if not as `machine` says."""
    exponent = ", &exponent" if numbers == "q15" else ""
    call = f"mw_{kind}_{numbers}(x, {n}, mw_fft_table_{n}_{numbers}{exponent})"
    size = _signal(kind, numbers, n).size
    header = "#include <milliwatt/fft.h>\n"
    flash = f"{header}static {C_TYPES[numbers]} x[{size}];\nint main(void)\n{{\n"
    flash += f"    int exponent = 0;\n    (void) exponent;\n    return {call};\n}}\n"
    row = Row("transforms", kernel(kind, n), numbers, core)
    code = _Code(header, call, flash)
    return _measured(row, kind, n, code, work, (), ("fft", "sine"), built_for)


def _measured(
    row: Row, kind: str, n: int, code: _Code, work: Path, flags: tuple[str, ...], kernels: tuple[str, ...],
    built_for: Machine | None = None,
) -> Row:  # fmt: skip
    built_for = built_for or machine(row.core)
    x = _signal(kind, row.numbers, n)
    text = _PROGRAM
    for word, value in {
        "TYPE": C_TYPES[row.numbers],
        "COUNT": str(x.size),
        "GIVEN": ", ".join(map(_literal, x)),
        "PREPARE": code.prepare,
        "RESTORE": code.restore,
        "CALL": code.call,
        "GATHER": code.gather,
        "REPEATS": str(_REPEATS),
    }.items():
        text = text.replace(word, value)
    stem = work / "cost"
    stem.with_suffix(".c").write_text(COUNTER + code.before + text, encoding="utf-8")
    program = link_arm(stem, built_for, (*flags, "-lm"), kernels=kernels)
    line, _, rest = run_counted(program, built_for).partition(b"\n")
    status, exponent, cost = map(int, line.split())
    if status != 0:
        raise RuntimeError(f"{row.library}: {row.kernel} {row.numbers} answers {status}")
    found = np.frombuffer(rest, NUMPY[row.numbers])
    want = _wanted(kind, row.numbers, x, n)
    flash = arm_flash(built_for, kernels, work)
    return replace(
        row,
        cost=cost,
        flash_bytes=flash.added_by(code.flash, flags),
        snr_db={"noise": snr_db(want, found.astype(np.float64)[: want.size] * 2.0**exponent)},
        digest="" if row.numbers == "f32" else digest(b"%d " % exponent + rest),
    )


def _signal(kind: str, numbers: str, n: int) -> NDArray[np.generic]:
    random = np.random.default_rng(n)
    size = n + 2 if kind in ("rfft", "irfft") else 2 * n
    x = random.uniform(-0.5, 0.5, size)
    if kind == "irfft":
        x[[1, n + 1]] = 0
    return (x * {"f32": 1.0, "i32": 2.0**31, "q15": 2.0**15}[numbers]).astype(NUMPY[numbers])


def _wanted(kind: str, numbers: str, x: NDArray[np.generic], n: int) -> NDArray[np.float64]:
    """What numpy says; transforms of 32 bits are scaled."""
    exact = x.astype(np.float64)
    fixed = numbers == "i32"
    if kind == "rfft":
        return np.fft.rfft(exact[:n]).view(np.float64) / (4 * n if fixed else 1)
    bins = exact.view(np.complex128)
    if kind == "irfft":
        return np.fft.irfft(bins, n) / (16 if fixed else 1)
    if kind == "fft":
        return np.fft.fft(bins).view(np.float64) / (8 * n if fixed else 1)
    return np.fft.ifft(bins).view(np.float64) / (8 if fixed else 1)


def _literal(value: np.generic) -> str:
    return f"{float(value):.9e}f" if value.dtype == np.float32 else str(value)
