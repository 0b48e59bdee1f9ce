"""What is in a directory."""

from __future__ import annotations

from pathlib import Path


def names(directory: Path) -> list[str]:
    """The names of all entries, hidden ones too, sorted."""
    return sorted(path.name for path in directory.iterdir())
