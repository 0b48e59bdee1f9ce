"""Compilers: which there are, and how strictly they are asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from milliwatt import sdk

STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror")


@dataclass(frozen=True)
class Toolchain:
    """A C and C++ compiler and the flags that choose a CPU."""

    name: str
    c: str
    cxx: str
    flags: tuple[str, ...] = ()

    @property
    def nm(self) -> str:
        return self.c.removesuffix("gcc") + "nm" if self.c.endswith("-gcc") else "nm"

    def need(self) -> None:
        """Skip the test where this compiler is not installed."""
        if shutil.which(self.c) is None:
            pytest.skip(f"{self.c} is not installed")


TOOLCHAINS = {
    chain.name: chain
    for chain in (
        # Position-independent code would have the linker fill in pointers, in writable memory.
        Toolchain("gcc", "gcc", "g++", ("-fno-pie",)),
        Toolchain("clang", "clang", "clang++", ("-fno-pie",)),
        Toolchain("avr", "avr-gcc", "avr-g++", ("-mmcu=atmega328p",)),
        Toolchain("cortex-m0", "arm-none-eabi-gcc", "arm-none-eabi-g++", ("-mcpu=cortex-m0", "-mthumb")),
        Toolchain(
            "cortex-m4",
            "arm-none-eabi-gcc",
            "arm-none-eabi-g++",
            ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
        ),
        Toolchain(
            "riscv32",
            "riscv64-unknown-elf-gcc",
            "riscv64-unknown-elf-g++",
            ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
        ),
    )
}


def compile_to_objects(
    chain: Toolchain,
    sources: Sequence[Path],
    directory: Path,
    standard: str,
    *flags: str,
) -> list[Path]:
    """Object files of the sources, compiled strictly; fails the test with the compiler's words."""
    compiler = chain.cxx if "++" in standard else chain.c
    language = ["-x", "c++"] if "++" in standard else []
    where = f"-I{sdk.include_dir()}"
    command = [compiler, *chain.flags, f"-std={standard}", *STRICT, "-Os", *flags, where, *language]
    result = subprocess.run(
        [*command, "-c", *map(str, sources)], cwd=directory, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stderr}"
    assert result.stderr == ""
    return [directory / f"{source.stem}.o" for source in sources]
