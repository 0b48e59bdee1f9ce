"""Calls of the kernels of ``<milliwatt/nets.h>``, many in one program, on this PC or an emulated Arm core."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from milliwatt import sdk
from mwtest.batch import SANITIZERS
from mwtest.objects import objects

# Buffers have just the room that nets.h asks for, so that the address sanitizer sees one number too many.
# What spare numbers hold is rubbish, which no answer may depend on.
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/nets.h>

static void *room(size_t size)
{
    uint8_t *block = (uint8_t *) malloc(size);
    for (size_t i = 0; i < size; ++i) {
        block[i] = (uint8_t) (171U * i + 77U);
    }
    return block;
}

static void take(void *block, size_t size)
{
    if (fread(block, 1, size, stdin) != size) {
        exit(9);
    }
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

"""
FAMILY = {8: "u8", 16: "i16"}
C_TYPES = {"u8": "uint8_t", "i16": "int16_t", "f32": "float", "i8": "int8_t", "i32": "int32_t"}
NUMPY = {"u8": np.uint8, "i16": np.int16, "f32": np.float32, "i8": np.int8, "i32": np.int32}


@dataclass(frozen=True)
class Call:
    """One call of a kernel.

    Attributes:
        tables: C that stands before functions; ``@`` in it is the case's own name.
        code: statements: ``@`` likewise; they read with ``take`` and write with ``put``.
        given: what ``take`` gets, all of it in order.
        size: bytes that ``put`` writes.
    """

    tables: str
    code: str
    given: bytes
    size: int


Checked: TypeAlias = tuple[Call, NDArray[Any]]  # and what it has to put out


def call(
    tables: str, invoke: str, x: NDArray[np.generic], out: tuple[str, int], *, spare: tuple[int, int] = (0, 0)
) -> Call:
    """A call with an input and an output buffer, called ``x`` and ``out`` in ``invoke``.

    Args:
        out: family and count of what the kernel writes.
        spare: how many numbers more than are read and written there is room for.
    """
    family = next(key for key, kind in NUMPY.items() if kind == x.dtype)
    kind, n = out
    size = np.dtype(NUMPY[kind]).itemsize
    code = (
        f"    {C_TYPES[family]} *x = ({C_TYPES[family]} *) room({x.nbytes + spare[0] * x.itemsize}U);\n"
        f"    {C_TYPES[kind]} *out = ({C_TYPES[kind]} *) room({(n + spare[1]) * size}U);\n"
        f"    take(x, {x.nbytes}U);\n    {invoke};\n    put(out, {n * size}U);\n"
        "    free(x);\n    free(out);\n"
    )
    return Call(tables, code, np.ascontiguousarray(x).tobytes(), n * size)


def call_in_place(tables: str, invoke: str, x: NDArray[np.generic], n: int, room: int = 0) -> Call:
    """A call that writes ``n`` numbers where its input lies, called ``x``; there is room for ``room``."""
    family = next(key for key, kind in NUMPY.items() if kind == x.dtype)
    code = (
        f"    {C_TYPES[family]} *x = ({C_TYPES[family]} *) room({max(x.size, n, room) * x.itemsize}U);\n"
        f"    take(x, {x.nbytes}U);\n    {invoke};\n    put(x, {n * x.itemsize}U);\n    free(x);\n"
    )
    return Call(tables, code, np.ascontiguousarray(x).tobytes(), n * x.itemsize)


@dataclass(frozen=True)
class Machine:
    """What a program is compiled for and run on; the PC if there is no emulated machine."""

    name: str
    flags: tuple[str, ...]
    machine: str = ""

    def need(self) -> None:
        """Skip the test where this machine is not to be had."""
        for tool in ("arm-none-eabi-gcc", "qemu-system-arm") if self.machine else ():
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")


SANITIZED = Machine("pc-sanitized", ("-O1", *SANITIZERS))
OPTIMISED = Machine("pc-O3", ("-O3", "-Wall", "-Wextra", "-Wconversion", "-Werror"))
_HARD = ("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
# Code for a Cortex-M0 runs on a Cortex-M3 too, whose board has more memory.
ARM = {
    machine.name: machine
    for machine in (
        Machine("cortex-m0", ("-mcpu=cortex-m0", "-mthumb", "-O2"), "mps2-an385"),
        Machine("cortex-m3", ("-mcpu=cortex-m3", "-mthumb", "-Os"), "mps2-an385"),
        Machine("cortex-m4", ("-mcpu=cortex-m4", "-mthumb", *_HARD, "-O2"), "mps2-an386"),
        Machine("cortex-m4-Os", ("-mcpu=cortex-m4", "-mthumb", *_HARD, "-Os"), "mps2-an386"),
        Machine("cortex-m55", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-O2"), "mps3-an547"),
        Machine("cortex-m55-Os", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-Os"), "mps3-an547"),
    )
}


def run(
    calls: Sequence[Call], directory: Path, machine: Machine, kernels: Sequence[str] = ("net",)
) -> list[bytes]:
    """What every call put out; ``kernels``: beginnings of names of the C files that are linked."""
    source = _DRIVER
    for index, case in enumerate(calls):
        body = f"{case.tables}static void run_@(void)\n{{\n{case.code}}}\n\n"
        source += body.replace("@", f"c{index}")
    start = "    initialise_monitor_handles();\n" if machine.machine else ""
    source += "extern void initialise_monitor_handles(void);\n" if machine.machine else ""
    calls_text = "".join(f"    run_c{index}();\n" for index in range(len(calls)))
    source += f"int main(void)\n{{\n{start}{calls_text}    return 0;\n}}\n"
    digest = hashlib.sha256((source + machine.name).encode()).hexdigest()[:16]
    stem = directory / f"calls-{digest}"
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    given = b"".join(case.given for case in calls)
    run_program = _run_arm if machine.machine else _run_here
    answer = run_program(stem, given, machine, kernels)
    found, at = [], 0
    for case in calls:
        found.append(answer[at : at + case.size])
        at += case.size
    assert at == len(answer)
    return found


def check(cases: Sequence[Checked], work: Path, machine: Machine, kernels: Sequence[str] = ("net",)) -> None:
    """Runs all calls in one program and compares every bit."""
    found = run([made for made, _ in cases], work, machine, kernels)
    for (made, want), got in zip(cases, found, strict=True):
        np.testing.assert_array_equal(
            np.frombuffer(got, want.dtype), want.reshape(-1), made.tables + made.code
        )


def _run_here(stem: Path, given: bytes, machine: Machine, kernels: Sequence[str]) -> bytes:
    link_here(stem, machine, kernels=kernels)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([str(stem)], input=given, capture_output=True, env=env, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    return result.stdout


def link_here(stem: Path, machine: Machine, *, kernels: Sequence[str] = ("net",)) -> None:
    """Compiles ``stem``.c for this PC and links it with the kernels."""
    command = ["gcc", "-std=c99", *machine.flags, f"-I{sdk.include_dir()}", f"{stem}.c"]
    subprocess.run([*command, *objects(kernels, machine.flags), "-o", str(stem)], check=True)


def _run_arm(stem: Path, given: bytes, machine: Machine, kernels: Sequence[str]) -> bytes:
    return run_arm(link_arm(stem, machine, kernels=kernels), machine, given)


def link_arm(
    stem: Path, machine: Machine, extra: Sequence[str] = (), *, kernels: Sequence[str] = ("net",)
) -> Path:
    """Compiles ``stem``.c, with ``extra`` arguments, and links it with the kernels."""
    script = stem.parent / f"{machine.machine}.ld"
    script.write_text(_LINKER_SCRIPT % _MEMORY[machine.machine], encoding="utf-8")
    start = stem.parent / "start.c"
    start.write_text(_START, encoding="utf-8")
    command = ["arm-none-eabi-gcc", "-std=c99", *machine.flags, f"-I{sdk.include_dir()}", f"{stem}.c", *extra]
    link = ["-nostartfiles", "--specs=rdimon.specs", "-T", str(script), "-Wl,--no-warn-rwx-segments"]
    target = Path(f"{stem}.elf")
    subprocess.run(
        [*command, str(start), *_arm_objects(stem.parent, machine, kernels), *link, "-o", str(target)],
        check=True,
    )
    return target


def run_arm(program: Path, machine: Machine, given: bytes = b"", options: Sequence[str] = ()) -> bytes:
    """What a program of `link_arm` writes, being given ``given``; ``options`` are QEMU's."""
    emulator = ["qemu-system-arm", "-M", machine.machine, "-nographic", "-monitor", "none", "-serial", "none"]
    emulator += ["-semihosting-config", "enable=on,target=native", *options, "-kernel", str(program)]
    result = subprocess.run(emulator, input=given, capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
    return result.stdout


def _arm_objects(directory: Path, machine: Machine, kernels: Sequence[str]) -> list[str]:
    """The kernels' object files, which lie in the directory too, named after C file and machine."""
    found = objects(kernels, machine.flags, "arm-none-eabi-gcc")
    for path in map(Path, found):
        name = directory / f"{path.stem.rpartition('-')[0]}-{machine.name}.o"
        name.unlink(missing_ok=True)
        name.symlink_to(path)
    return found


_MEMORY = {
    "mps2-an385": ("4M", "0x20000000", "4M"),
    "mps2-an386": ("4M", "0x20000000", "4M"),
    "mps3-an547": ("512K", "0x21000000", "2M"),
}  # size of code memory, origin and size of that for data
# The board's code memory holds everything; newlib's semihosting does the rest.
_LINKER_SCRIPT = """
MEMORY { code (rx) : ORIGIN = 0, LENGTH = %s  data (rwx) : ORIGIN = %s, LENGTH = %s }
ENTRY(reset)
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text* .rodata*) *(.init .fini) } > code
    .ARM.exidx : { *(.ARM.exidx*) } > code
    .data : { *(.data*) } > data AT > data
    .bss : { __bss_start__ = .; *(.bss* COMMON) . = ALIGN(8); __bss_end__ = .; end = .; __end__ = .; } > data
    __stack = ORIGIN(data) + LENGTH(data);
    PROVIDE(__heap_limit = __stack - 0x10000);
}
"""
_START = """
#include <stdlib.h>
extern char __stack;
int main(void);
void _init(void);
void _fini(void);
void reset(void);
void _init(void)
{
}
void _fini(void)
{
}
void reset(void)
{
#if defined(__ARM_FP)
    *(volatile unsigned *) 0xE000ED88U |= 0xfU << 20; /* the FPU on */
    __asm__ volatile("dsb\\n\\tisb");
#endif
    exit(main());
}
static void fault(void)
{
    _Exit(7);
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &__stack, (void *) reset, (void *) fault, (void *) fault, (void *) fault, (void *) fault};
"""
