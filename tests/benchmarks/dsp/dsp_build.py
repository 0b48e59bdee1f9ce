"""Cores, programs for them, and what a function adds to a firmware's flash."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from dsp_rows import M0, M3, M4F, M55
from mwtest.net_cases import ARM, Machine
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
CORES = {M4F: "cortex-m4", M3: "cortex-m3", M0: "cortex-m0", M55: "cortex-m55"}
# What build systems for boards ask for. Multiplication and addition may then become one instruction.
_DIALECT = "-std=gnu11"
_SPLIT = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")


def machine(core: str, optimize: str = "-O2") -> Machine:
    """That of the tests, with its level of optimisation."""
    base = ARM[CORES[core]]
    flags = tuple(flag for flag in base.flags if not flag.startswith("-O"))
    return replace(base, name=f"{base.name}{optimize}", flags=(*flags, optimize, _DIALECT, *_SPLIT))


@dataclass(frozen=True)
class Chain:
    """A compiler, its flags, and how a program is linked that has nothing but what it calls."""

    prefix: str
    flags: tuple[str, ...]
    link: tuple[str, ...] = ()


AVR_CHAIN = Chain("avr-", ("-mmcu=atmega328p", "-Os", _DIALECT, *_SPLIT))


def arm_chain(built_for: Machine) -> Chain:
    link = ("-nostartfiles", "-Wl,-emain", "-Wl,--no-warn-rwx-segments", "-lm", "-lc", "-lgcc", "-lnosys")
    return Chain("arm-none-eabi-", (*built_for.flags, "--specs=nano.specs"), link)


class Flash:
    """Measures what programs add to one that does nothing; keeps objects of the library."""

    def __init__(self, chain: Chain, sources: Sequence[Path], directory: Path) -> None:
        self.chain = chain
        self.directory = directory
        self._command = [f"{chain.prefix}gcc", "-std=c99", *chain.flags, f"-I{ROOT / 'include'}"]
        directory.mkdir(parents=True, exist_ok=True)
        self._objects = [self._compile(source) for source in sources]
        self._empty = self._size("int main(void)\n{\n    return 0;\n}\n", ())

    def added_by(self, program: str, flags: Sequence[str] = ()) -> int:
        """Bytes of code and constants."""
        return self._size(program, flags) - self._empty

    def _compile(self, source: Path) -> str:
        target = self.directory / f"{source.stem}.o"
        subprocess.run([*self._command, "-c", str(source), "-o", str(target)], check=True)
        return str(target)

    def _size(self, program: str, flags: Sequence[str]) -> int:
        stem = self.directory / "flash"
        stem.with_suffix(".c").write_text(program, encoding="utf-8")
        files = [f"{stem}.c", *self._objects, *self.chain.link, "-o", str(stem)]
        subprocess.run([*self._command, *flags, *files], check=True)
        size = [f"{self.chain.prefix}size", "-A", str(stem)]
        listed = subprocess.run(size, check=True, capture_output=True, text=True).stdout
        found = re.findall(r"^\.(?:text|rodata|ARM)\S*\s+(\d+)", listed, re.MULTILINE)
        return sum(map(int, found))


@cache
def arm_flash(built_for: Machine, beginnings: tuple[str, ...], work: Path) -> Flash:
    """With the library's files that begin like this, compiled once."""
    directory = work / f"flash-{built_for.name}-{'-'.join(beginnings)}"
    return Flash(arm_chain(built_for), sources(*beginnings) if beginnings else (), directory)


def sources(*beginnings: str) -> list[Path]:
    """Files of the library whose names begin like this."""
    return sorted(path for path in (ROOT / "src").glob("*.c") if path.name.startswith(beginnings))


def snr_db(want: NDArray[np.float64], got: NDArray[Any]) -> float | None:
    """Signal to noise; None where nothing differs."""
    noise = float(np.sum((got - want) ** 2))
    return None if noise == 0 else float(10 * np.log10(np.sum(want**2) / noise))
