"""Features in the time domain, sliding windows, decisions: instructions or cycles, and flash.

For a window of 128 samples of 3 axes, in a ring that breaks off within the window: instructions on emulated
Arm cores, cycles on an emulated ATmega328P (simavr). Rows named after a struct are the passes over the
samples; rows that begin with ``=`` make features of the struct.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dsp_build import AVR_CHAIN, Flash, arm_flash, machine, sources
from dsp_rows import AVR, Row
from mwtest.avr_programs import AVR_CYCLES, run_avr
from mwtest.net_cases import link_arm
from mwtest.systick import COUNTER, run_counted
from time_work import BEFORE, PREPARE, ROWS, Work, function, functions

_PARTS = ("time_", "stream_", "decisions", "roots")
_ARM_CALL = """
    begin();
    for (int n = 0; n < 20; ++n) {{
        row_{index}();
    }}
    printf("%llu\\n", (instructions() + 10) / 20);
"""
_AVR_MAIN = """
int main(void)
{
    TIMSK1 = 1;
    sei();
    prepare();
"""


def rows(core: str, work: Path) -> Iterator[Row]:
    """All kernels on one core, the ATmega328P among them."""
    chosen = {index: row for index, row in enumerate(ROWS) if core != AVR or row.family != "f32"}
    costs = _cycles(chosen, work) if core == AVR else _instructions(core, chosen, work)
    flash = _avr_flash(work) if core == AVR else arm_flash(machine(core), _PARTS, work)
    for (index, row), cost in zip(chosen.items(), costs, strict=True):
        program = f"{BEFORE}{function(row, index)}int main(void)\n{{\n    row_{index}();\n    return 0;\n}}\n"
        numbers = "f32" if row.family == "f32" else "i16"
        name = row.name.removeprefix("float: ")
        yield Row("time", name, numbers, core, cost=cost, flash_bytes=flash.added_by(program))


@cache
def _avr_flash(work: Path) -> Flash:
    return Flash(AVR_CHAIN, sources(*_PARTS), work / "flash-avr")


def _instructions(core: str, chosen: dict[int, Work], work: Path) -> list[int]:
    built_for = machine(core)
    calls = "".join(_ARM_CALL.format(index=index) for index in chosen)
    main = f"int main(void)\n{{\n    start_counting();\n    prepare();\n{calls}    return 0;\n}}\n"
    stem = work / "time"
    text = f"{COUNTER}{BEFORE}{PREPARE}{functions(chosen)}{main}"
    stem.with_suffix(".c").write_text(text, encoding="utf-8")
    program = link_arm(stem, built_for, [str(path) for path in sources(*_PARTS)], kernels=())
    return [int(line) for line in run_counted(program, built_for).split()]


def _cycles(chosen: dict[int, Work], work: Path) -> list[int]:
    calls = "".join(f"    begin();\n    row_{index}();\n    end();\n" for index in chosen)
    text = f"{BEFORE}{PREPARE}{functions(chosen)}{AVR_CYCLES}{_AVR_MAIN}{calls}    return 0;\n}}\n"
    return [int(line) for line in run_avr(text, _PARTS, b"", work).split()]
