"""C programs around single kernels of signals, run on this PC, an emulated Arm core or an ATmega328P."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mwtest.avr_programs import run_avr
from mwtest.net_cases import Machine, link_arm, link_here, run_arm

AVR = Machine("atmega328p", ())


def run_program(source: str, parts: Sequence[str], given: bytes, machine: Machine, directory: Path) -> bytes:
    """What a program writes that is given some bytes; built once a machine.

    Args:
        source: C with a ``main()``.
        parts: how the names of the library's files that it needs begin, as ``time_``.
        given: what it reads.
    """
    if machine is AVR:
        return run_avr(source, parts, given, directory)
    program = _built(source, tuple(parts), machine, directory)
    if machine.machine:
        return run_arm(program, machine, given)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(
        [str(program)], input=given, capture_output=True, env=env, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    return result.stdout


@cache
def _built(source: str, parts: tuple[str, ...], machine: Machine, directory: Path) -> Path:
    machine.need()
    digest = hashlib.sha256((source + machine.name).encode()).hexdigest()[:16]
    stem = directory / f"program-{digest}"
    if not machine.machine:
        stem.with_suffix(".c").write_text(source, encoding="utf-8")
        link_here(stem, machine, kernels=parts)
        return stem
    start = "extern void initialise_monitor_handles(void);\n"
    source = start + source.replace(
        "int main(void)\n{", "int main(void)\n{\n    initialise_monitor_handles();", 1
    )
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    return link_arm(stem, machine, kernels=parts)
