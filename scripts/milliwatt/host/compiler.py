"""C sources to a shared library, compiled once per content."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from milliwatt.errors import MilliwattError, ToolMissingError

_FLAGS = ("-std=c99", "-O1", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off")


def shared_library(files: Mapping[str, str], sources: Sequence[Path], include: Path) -> Path:
    """Compile generated files together with library sources; the result is cached by content.

    The library's own object files are kept too, so that they are compiled once, not once a model.

    Two processes that need the same library at once both end up with a whole one: each compiles
    into a directory of its own and moves the result into place.
    """
    compiler = find_compiler()
    target = cache_directory() / f"{_digest(files, sources, include, compiler)}{_suffix()}"
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _compile(files, sources, include, compiler, target)
    except OSError as error:
        raise MilliwattError(
            f"compiled models cannot be kept here: {error.strerror or error}",
            file=target.parent,
            cure="set XDG_CACHE_HOME to a directory that can be written",
        ) from None


def _compile(
    files: Mapping[str, str], sources: Sequence[Path], include: Path, compiler: Sequence[str], target: Path
) -> Path:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as work:
        for name, text in files.items():
            (Path(work) / name).write_text(text, encoding="utf-8")
        generated = [str(Path(work) / name) for name in files if name.endswith(".c")]
        objects = _objects(sources, include, compiler, Path(work)) if sources else []
        built = Path(work) / f"model{_suffix()}"
        _run(compiler, ["-shared", f"-I{include}", f"-I{work}", *generated, *objects, "-o", str(built)])
        built.replace(target)
    return target


def _objects(sources: Sequence[Path], include: Path, compiler: Sequence[str], work: Path) -> list[str]:
    """Object files of library sources; only those that are not kept yet are compiled."""
    kept = {source: cache_directory() / f"{_digest({}, [source], include, compiler)}.o" for source in sources}
    for source, target in kept.items():
        if not target.exists():
            built = work / f"{source.stem}.o"
            _run(compiler, [f"-I{include}", "-c", str(source), "-o", str(built)])
            built.replace(target)
    return [str(target) for target in kept.values()]


def _run(compiler: Sequence[str], arguments: Sequence[str]) -> None:
    command = [*compiler, *_FLAGS, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode != 0:
        raise MilliwattError(
            f"the C compiler refused generated code:\n{result.stderr.strip()}",
            option=shlex.join(compiler),
            cure="set CC to another compiler; if that does not help, this is a bug in Milliwatt",
        )


@cache
def _find_compiler(requested: str, path: str | None) -> tuple[str, ...]:
    try:
        candidates = [shlex.split(requested)] if requested else [["cc"], ["gcc"], ["clang"]]
    except ValueError:
        candidates = []
    for candidate in candidates:
        if shutil.which(candidate[0], path=path):
            return tuple(candidate)
    if requested:
        raise ToolMissingError(
            f"CC={requested!r} is not to be found", cure="unset CC or name an installed compiler"
        )
    raise ToolMissingError(
        "no C compiler found: predictions run the emitted C, compiled for this PC",
        cure="install one: `apt install gcc` (Debian), `xcode-select --install` (macOS), or set CC",
    )


def find_compiler() -> tuple[str, ...]:
    """The host compiler's command: ``$CC``, else cc, gcc or clang."""
    return _find_compiler(os.environ.get("CC", "").strip(), os.environ.get("PATH"))


def cache_directory() -> Path:
    """Where compiled models are kept: ``$XDG_CACHE_HOME/milliwatt/host`` or the platform's like."""
    base = os.environ.get("XDG_CACHE_HOME")
    if not base and sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    return Path(base or Path.home() / ".cache") / "milliwatt" / "host"


def _suffix() -> str:
    return ".dll" if sys.platform == "win32" else ".so"


@cache
def _compiler_version(compiler: tuple[str, ...]) -> str:
    return subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False).stdout


def _digest(files: Mapping[str, str], sources: Sequence[Path], include: Path, compiler: Sequence[str]) -> str:
    digest = hashlib.sha256()
    head = [*compiler, _compiler_version(tuple(compiler)), *_FLAGS, platform.machine()]
    for part in head:
        digest.update(part.encode() + b"\0")
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name].encode() + b"\0")
    headers = [*include.rglob("*.h"), *{path for source in sources for path in source.parent.rglob("*.h")}]
    for path in sorted({*sources, *headers}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
