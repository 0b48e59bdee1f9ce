"""A cross compiler that compiles nothing twice: objects are kept by what the preprocessor made."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

PREFIX = {"arm": "arm-none-eabi-", "avr": "avr-"}
_STANDARD = {".c": "-std=gnu11", ".cpp": "-std=gnu++14"}
_TIMEOUT_S = 1800.0
# What compilers and linkers say when an array or an image is larger than the part.
_TOO_LARGE = re.compile(
    r"size of array .* is too large|will not fit in region|overflowed by|RAM overflow|is not within region"
    r"|relocation truncated to fit|size of variable .* is too large|total size of local objects too large"
)


class TooLargeError(RuntimeError):
    """Code or data do not fit the part."""


class Compiler:
    """Of one family of processors; objects are shared between runs."""

    def __init__(self, family: str, objects: Path) -> None:
        self.prefix = PREFIX[family]
        self.objects = objects
        self.objects.mkdir(parents=True, exist_ok=True)

    @cached_property
    def version(self) -> str:
        done = subprocess.run([self.prefix + "gcc", "--version"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0]

    def compile(self, source: Path, flags: Sequence[str]) -> Path:
        """The object of a source file.

        Raises:
            TooLargeError: an array is larger than the part's address space.
            RuntimeError: it does not compile; the compiler's words.
        """
        program = self.prefix + ("g++" if source.suffix == ".cpp" else "gcc")
        flags = [*flags, *_language_flags(source)]
        text = self._run([program, *flags, "-E", "-P", str(source)], str(source))
        coding = [flag for flag in flags if not flag.startswith(("-I", "-D"))]
        recipe = "\0".join([self.version, program, *coding, text])
        target = self.objects / f"{hashlib.sha256(recipe.encode()).hexdigest()[:32]}.o"
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=self.objects) as scratch:
                # The object names its source, and the image is compared byte by byte.
                made = Path(scratch) / "made.o"
                self._run([program, *flags, "-c", str(source), "-o", str(made)], str(source))
                made.replace(target)
        return target

    def link(self, objects: Sequence[Path], flags: Sequence[str], image: Path) -> None:
        """Raises TooLargeError when the image is larger than the part."""
        inputs = [str(path) for path in objects]
        self._run([self.prefix + "gcc", *flags, *inputs, "-lm", "-lc", "-o", str(image)], image.parent.name)

    def sizes(self, image: Path) -> tuple[int, int]:
        """Flash and RAM that an image takes: text and data, data and bss."""
        text = self._run([self.prefix + "size", str(image)], str(image))
        code, data, bss = map(int, text.splitlines()[1].split()[:3])
        return code + data, data + bss

    def _run(self, command: Sequence[str], what: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{what}: {command[0]} takes longer than {_TIMEOUT_S:.0f} s") from None
        if done.returncode != 0:
            error = TooLargeError if _TOO_LARGE.search(done.stderr) else RuntimeError
            raise error(f"{what} does not build:\n{done.stderr[-4000:]}")
        return done.stdout


def _language_flags(source: Path) -> list[str]:
    cxx = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"] if source.suffix == ".cpp" else []
    return [_STANDARD[source.suffix], *cxx]
