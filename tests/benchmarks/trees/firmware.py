"""Builds benchmark firmware with the boards' own support code and flags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from compiler import Compiler, TooLargeError

ROOT = Path(__file__).resolve().parents[3]
SKELETON = Path(__file__).resolve().parent / "firmware"
BOARDS = ROOT / "boards" / "virtual"
SUPPORT = BOARDS / "support"

_COMMON = ["-ffunction-sections", "-fdata-sections", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
_SUPPORT_PARTS = ("board", "stack", "startup", "heap", "process", "port")


@dataclass(frozen=True)
class Target:
    """A board and an optimisation level."""

    board: str
    optimize: str

    @property
    def label(self) -> str:
        return f"{self.board} {self.optimize}"


@dataclass(frozen=True)
class RowType:
    """What a row of features is in C, and how many classes there are."""

    c_type: str
    n_features: int
    n_classes: int


@dataclass(frozen=True)
class Image:
    """A linked firmware and its sizes."""

    path: Path
    flash: int
    ram: int


class Builder:
    """Compiles for one target.

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
        self.compiler = Compiler(self.family, directory / "objects")

    @property
    def machine_flags(self) -> list[str]:
        specs = ["--specs=nano.specs"] if self.family == "arm" else []
        return [*self.virtual["flags"], *specs]

    @property
    def flags(self) -> list[str]:
        """Flags of the measured code."""
        return [*self.machine_flags, self.target.optimize, *_COMMON]

    def build(
        self, name: str, sources: Sequence[Path], includes: Sequence[Path], row: RowType
    ) -> Image | None:
        """Link sources with the skeleton; None when the image is larger than the part."""
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        defines = [
            f"-DBENCH_FEATURE={row.c_type}",
            f"-DBENCH_N_FEATURES={row.n_features}",
            f"-DBENCH_N_CLASSES={row.n_classes}",
        ]
        paths = [
            f"-I{p}" for p in (SKELETON, SKELETON / "shims", SUPPORT / "include", ROOT / "include", *includes)
        ]
        flags = [*self.flags, *defines, *paths]
        image = directory / "firmware.elf"
        try:
            own = [self.compiler.compile(source, flags) for source in (SKELETON / "main.c", *sources)]
            linking = [*self.machine_flags, self.target.optimize, *self._link_flags()]
            self.compiler.link([*own, *self._library, *self._support], linking, image)
        except TooLargeError:
            return None
        except RuntimeError as error:
            raise RuntimeError(f"{self.target.label}: {name}: {error}") from None
        return Image(image, *self.compiler.sizes(image))

    @cached_property
    def _library(self) -> list[Path]:
        flags = [*self.flags, f"-I{ROOT / 'include'}"]
        return [self.compiler.compile(source, flags) for source in sorted((ROOT / "src").glob("*.c"))]

    @cached_property
    def _support(self) -> list[Path]:
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
        flags = [*self.machine_flags, "-Os", *_COMMON, *defines, *paths]
        sources = [*(SUPPORT / "common").glob("*.c"), *(SUPPORT / self.family).glob("*.c")]
        # stdio.c would bring printf in; the skeleton does without.
        wanted = [s for s in sources if s.stem in (port, *_SUPPORT_PARTS)]
        return [self.compiler.compile(source, flags) for source in sorted(wanted)]

    def prepare(self) -> None:
        """Compile what all firmware shares, before several threads want it."""
        _ = self._library, self._support

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
