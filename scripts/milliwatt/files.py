"""Writing files whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from milliwatt.errors import MilliwattError


def write_text(path: Path, text: str) -> None:
    """Write one UTF-8 file through a temporary beside it; on failure the old file stays."""
    write_files(path.parent, {path.name: text})


def write_bytes(path: Path, data: bytes) -> None:
    """Write one file of bytes likewise."""
    write_files(path.parent, {path.name: data})


def write_files(directory: Path, texts: Mapping[str, str | bytes]) -> list[Path]:
    """Write several files into a directory, text as UTF-8: all are complete before the first one appears."""
    staged: list[tuple[Path, Path]] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if (directory / name).is_dir():
                raise MilliwattError("cannot be written: a directory has this name", file=directory / name)
            staged.append((_stage(directory, text), directory / name))
        for temporary, target in staged:
            temporary.replace(target)
    except OSError as error:
        raise MilliwattError(
            f"cannot be written: {error.strerror or error}",
            file=directory / next(iter(texts)) if len(texts) == 1 else directory,
            cure="check that the directory can be written and that its disk has room",
        ) from None
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    return [target for _, target in staged]


def _stage(directory: Path, text: str | bytes) -> Path:
    """A new file beside the target, with the permissions any new file would get."""
    path = directory / f".milliwatt-{os.getpid()}-{secrets.token_hex(6)}"
    try:
        with open(path, "xb") as file:
            file.write(text.encode("utf-8") if isinstance(text, str) else text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
