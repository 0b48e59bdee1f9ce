"""Has anything changed that decides what is generated? Asked of contents, never of dates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent

# What models do not pass through on their way to C.
_IRRELEVANT = ("cli.py", "__main__.py", "rig", "report")


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """SHA-256 of the converter's sources and these parts; no two lists of parts read the same."""
    digest = hashlib.sha256(converter_digest())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


@cache
def converter_digest() -> bytes:
    """SHA-256 of every source file of this package that a model passes through."""
    return source_digest(_PACKAGE)


def source_digest(package: Path) -> bytes:
    """SHA-256 of a package's relevant ``*.py``: names and contents, line ends as ``\\n``."""
    digest = hashlib.sha256()
    for path in relevant_sources(package):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(package).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    return digest.digest()


def relevant_sources(package: Path = _PACKAGE) -> list[Path]:
    """Every ``*.py`` of a package that a model passes through on its way to C, in a fixed order."""
    paths = sorted(package.rglob("*.py"), key=lambda p: p.relative_to(package).parts)
    return [path for path in paths if path.relative_to(package).parts[0] not in _IRRELEVANT]
