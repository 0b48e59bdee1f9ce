"""Builds benchmark firmware with the boards' own support code and flags, and measures it."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SKELETON = Path(__file__).resolve().parent / "firmware"
BOARDS = ROOT / "boards" / "virtual"
SUPPORT = BOARDS / "support"

_PREFIX = {"arm": "arm-none-eabi-", "avr": "avr-"}
_COMMON = ["-ffunction-sections", "-fdata-sections", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
_SUPPORT_PARTS = ("board", "stack", "startup", "heap", "process", "port")
# What compilers and linkers say when an array or an image is larger than the part.
_TOO_LARGE = re.compile(
    r"size of array .* is too large|will not fit in region|overflowed by|RAM overflow|is not within region"
)
_ANSWER = struct.Struct("<Ih")
_TIMEOUT_S = 60.0  # for one row


@dataclass(frozen=True)
class Target:
    """A board and an optimisation level."""

    board: str
    optimize: str

    @property
    def label(self) -> str:
        return f"{self.board} {self.optimize}"


class TooLargeError(RuntimeError):
    """Code or data do not fit the part."""


@dataclass(frozen=True)
class RowType:
    """What a row of features is in C."""

    c_type: str
    n_features: int


@dataclass(frozen=True)
class Image:
    """A linked firmware and its sizes."""

    path: Path
    flash: int
    ram: int


@dataclass(frozen=True)
class Answers:
    """One cost and one class index a row."""

    cost: list[int]
    classes: list[int]


@cache
def _board_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("milliwatt_board_runner", BOARDS / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Builder:
    """Compiles for one target; what all firmware shares is compiled once.

    The flags are those of ``boards/virtual/builder/main.py``, the project's part of them with the
    target's optimisation level.
    """

    def __init__(self, target: Target, directory: Path) -> None:
        self.target = target
        self.directory = directory / target.board / target.optimize.strip("-")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.board: dict[str, Any] = json.loads((BOARDS / "boards" / f"{target.board}.json").read_text())
        self.virtual: dict[str, Any] = self.board["virtual"]
        self.family: str = self.virtual["family"]
        self.compiler = _PREFIX[self.family] + "gcc"
        self._support = self._compile_support()
        self._library = self._compile_library()

    @property
    def machine_flags(self) -> list[str]:
        specs = ["--specs=nano.specs"] if self.family == "arm" else []
        return [*self.virtual["flags"], *specs]

    @property
    def flags(self) -> list[str]:
        """Flags of the measured code."""
        return [*self.machine_flags, self.target.optimize, "-std=gnu11", *_COMMON]

    def version(self) -> str:
        done = subprocess.run([self.compiler, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0]

    def build(
        self, name: str, sources: Sequence[Path], includes: Sequence[Path], row: RowType
    ) -> Image | None:
        """Link sources with the skeleton; None when the image is larger than the part."""
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        defines = [f"-DBENCH_FEATURE={row.c_type}", f"-DBENCH_N_FEATURES={row.n_features}"]
        paths = [f"-I{path}" for path in (SKELETON, SUPPORT / "include", ROOT / "include", *includes)]
        image = directory / "firmware.elf"
        flags = [*self.machine_flags, self.target.optimize, *self._link_flags()]
        try:
            objects = [
                self._compile(source, directory, [*self.flags, *defines, *paths])
                for source in (SKELETON / "main.c", *sources)
            ]
            inputs = [str(path) for path in (*objects, *self._library, *self._support)]
            self._run([*flags, *inputs, "-lm", "-lc", "-o", str(image)], name)
        except TooLargeError:
            return None
        return self._sized(image)

    def _run(self, arguments: Sequence[str], what: str) -> None:
        """The compiler, once."""
        done = subprocess.run([self.compiler, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            error = TooLargeError if _TOO_LARGE.search(done.stderr) else RuntimeError
            raise error(f"{self.target.label}: {what} does not build:\n{done.stderr}")

    def _sized(self, image: Path) -> Image:
        tool = _PREFIX[self.family] + "size"
        done = subprocess.run([tool, str(image)], capture_output=True, text=True, check=True)
        text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
        return Image(image, flash=text + data, ram=data + bss)

    def _compile(self, source: Path, directory: Path, flags: Sequence[str]) -> Path:
        target = directory / f"{source.stem}.o"
        self._run([*flags, "-c", str(source), "-o", str(target)], str(source))
        return target

    def _compile_library(self) -> list[Path]:
        directory = self.directory / "milliwatt"
        directory.mkdir(exist_ok=True)
        flags = [*self.flags, f"-I{ROOT / 'include'}"]
        return [self._compile(source, directory, flags) for source in sorted((ROOT / "src").glob("*.c"))]

    def _compile_support(self) -> list[Path]:
        virtual = self.virtual
        port = f"machine_{virtual.get('port', '')}"
        defines = [
            f'-DMW_BOARD_NAME="{self.target.board}"',
            f'-DMW_COUNTER_UNIT="{virtual["counter_unit"]}"',
            f"-DMW_ICOUNT_SHIFT={virtual.get('icount_shift', 0)}u",
            f"-DMW_TICK_HALF_NS={virtual.get('tick_half_ns', 1)}u",
            f"-DF_CPU={self.board['build']['f_cpu']}",
            *(f"-D{key}={value}" for key, value in virtual["defines"].items()),
        ]
        paths = [f"-I{SUPPORT / part}" for part in ("include", "common", self.family)]
        flags = [*self.machine_flags, "-Os", "-std=gnu11", *_COMMON, *defines, *paths]
        directory = self.directory / "board"
        directory.mkdir(exist_ok=True)
        sources = [*(SUPPORT / "common").glob("*.c"), *(SUPPORT / self.family).glob("*.c")]
        # stdio.c would bring printf in; the skeleton does without.
        wanted = [s for s in sources if s.stem in (port, *_SUPPORT_PARTS)]
        return [self._compile(source, directory, flags) for source in sorted(wanted)]

    def _link_flags(self) -> list[str]:
        upload = self.board["upload"]
        symbols = {
            "MW_FLASH_ORIGIN": self.virtual.get("flash_origin"),
            "MW_FLASH_SIZE": upload["maximum_size"],
            "MW_RAM_ORIGIN": self.virtual.get("ram_origin"),
            "MW_RAM_SIZE": upload["maximum_ram_size"],
            "MW_MIN_STACK": self.virtual["min_stack"],
        }
        flags = ["-Wl,--gc-sections", *(f"-Wl,--defsym={k}={v}" for k, v in symbols.items() if v is not None)]
        if self.family == "avr":
            return [*flags, str(SUPPORT / "avr" / "minimum_stack.ld")]
        script = str(SUPPORT / "arm" / "cortex_m.ld")
        return [*flags, "-nostartfiles", "-T", script, "-Wl,--no-warn-rwx-segments"]


def run(target: Target, image: Path, rows: Sequence[bytes]) -> Answers:
    """Send every row to the emulated board; what it answered and what that cost."""
    answers = Answers([], [])
    with (
        _board_runner().start(target.board, image, stderr=subprocess.DEVNULL) as emulator,
        socket.create_connection(("127.0.0.1", emulator.port), timeout=_TIMEOUT_S) as link,
    ):
        _receive(link, 1)  # the board is ready
        for row in rows:
            link.sendall(row)
            cost, answer = _ANSWER.unpack(_receive(link, _ANSWER.size))
            answers.cost.append(cost)
            answers.classes.append(answer)
    return answers


def _receive(link: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        part = link.recv(n - len(data))
        if not part:
            raise RuntimeError("the board ended in the middle of an answer")
        data += part
    return data
