"""Where the C library and the boards are: in a clone beside this package, in a wheel inside it."""

from __future__ import annotations

from pathlib import Path

from milliwatt.errors import ToolMissingError

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """The directory that holds ``include``, ``src``, ``library.json`` and ``boards``."""
    for candidate in (_PACKAGE / "_sdk", _PACKAGE.parent.parent):
        if (candidate / "include" / "milliwatt" / "trees.h").is_file():
            return candidate
    raise ToolMissingError(
        "the C library that belongs to this package is missing",
        file=_PACKAGE,
        cure="install milliwatt again, or use a complete clone",
    )


def include_dir() -> Path:
    """The directory to give to a C compiler with ``-I``."""
    return root() / "include"


def network_sources() -> list[Path]:
    """The C files among them that networks need, sorted."""
    return [path for path in sources() if path.name.startswith("net_")]


def sources() -> list[Path]:
    """The C files of the library, sorted."""
    return sorted((root() / "src").glob("*.c"))
