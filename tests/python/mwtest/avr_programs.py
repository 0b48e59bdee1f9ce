"""C programs on an emulated ATmega328P: bytes in, bytes out, as the board's serial line has them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from milliwatt import sdk
from mwtest.emulated import ROOT, boards
from mwtest.objects import objects

BOARD = "simavr_atmega328p"
_BOARDS = ROOT / "boards" / "virtual"
_FLAGS = ("-mmcu=atmega328p", "-DF_CPU=16000000UL", "-Os", "-ffunction-sections", "-fdata-sections",
          '-DMW_BOARD_NAME="avr"', '-DMW_COUNTER_UNIT="cycles"')  # fmt: skip


def run_avr(source: str, parts: Sequence[str], given: bytes, directory: Path) -> bytes:
    """What a program writes that is given some bytes; see `run_program`. Skips where a tool is missing."""
    if shutil.which("avr-gcc") is None or not Path("/usr/include/simavr/sim_avr.h").exists():
        pytest.skip("avr-gcc or simavr is not installed")
    program = _built(source, tuple(parts), directory)
    runner = boards.simavr_runner(BOARD)
    command = [runner, "--mcu", "atmega328p", "--frequency", "16000000", program]
    result = subprocess.run(command, input=given, capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, (result.returncode, result.stderr.decode(errors="replace")[-4000:])
    return result.stdout


@cache
def _built(source: str, parts: tuple[str, ...], directory: Path) -> Path:
    support = _BOARDS / "support"
    files = sorted([*(support / "avr").glob("*.c"), *(support / "common").glob("*.c")])
    library = objects(parts, _FLAGS, "avr-gcc", "gnu99")
    stem = directory / f"avr-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    include = [f"-I{support / 'include'}", f"-I{support / 'common'}", f"-I{sdk.include_dir()}"]
    command = ["avr-gcc", "-std=gnu99", *_FLAGS, "-Wl,--gc-sections", *include, f"{stem}.c", *map(str, files)]
    subprocess.run([*command, *library, "-o", f"{stem}.elf"], check=True)
    return stem.with_suffix(".elf")
