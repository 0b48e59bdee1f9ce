"""Object files of the C library, compiled once for all tests and found again by all that they are made of."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from milliwatt import sdk
from milliwatt.host.compiler import cache_directory


def objects(
    parts: Iterable[str], flags: Iterable[str], compiler: str = "gcc", standard: str = "c99"
) -> list[str]:
    """The paths of the object files of those C files whose names begin with one of ``parts``, ``net_`` say.

    They outlive the run. Two processes that need the same at once each compile in a directory of their own,
    and move the result into place.
    """
    return list(_objects(tuple(parts), (compiler, f"-std={standard}", *flags)))


@cache
def _objects(parts: tuple[str, ...], command: tuple[str, ...]) -> tuple[str, ...]:
    directory = cache_directory().parent / "objects"
    directory.mkdir(parents=True, exist_ok=True)
    start = _start(command)
    found: dict[Path, Path] = {}
    for source in sdk.sources():
        if source.name.startswith(parts):
            digest = hashlib.sha256(start + f"{source}\0".encode() + source.read_bytes()).hexdigest()
            found[source] = directory / f"{source.stem}-{digest[:32]}.o"
    _compile(command, {source: target for source, target in found.items() if not target.exists()}, directory)
    return tuple(map(str, found.values()))


def _compile(command: Sequence[str], wanted: dict[Path, Path], directory: Path) -> None:
    if not wanted:
        return
    with tempfile.TemporaryDirectory(dir=directory) as work:
        include = f"-I{sdk.include_dir()}"
        subprocess.run([*command, include, "-c", *map(str, wanted)], cwd=work, check=True)
        for source, target in wanted.items():
            (Path(work) / f"{source.stem}.o").replace(target)


def _start(command: Sequence[str]) -> bytes:
    """The hash of what all object files depend on: compiler, flags, headers."""
    version = subprocess.run([command[0], "--version"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(version + "\0".join(command).encode())
    folders = [sdk.root() / "src", sdk.include_dir()]
    folders += [Path(word) for word in command[1:] if Path(word).is_dir()]  # of -isystem
    for folder in folders:
        for header in sorted(folder.rglob("*.h")):
            digest.update(f"\0{header}\0".encode() + header.read_bytes())
    return digest.digest()
