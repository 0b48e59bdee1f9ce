"""The virtual boards: the scripts that build for them and start them, and which of them can run here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def load_script(path: Path) -> ModuleType:
    """A script that is not in a package, as a module."""
    spec = importlib.util.spec_from_file_location(f"mw_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


boards = load_script(ROOT / "boards" / "virtual" / "run.py")
stage = load_script(ROOT / "scripts" / "stage_platformio.py")

ALL: list[str] = boards.boards()
EXACT = [name for name in ALL if name != "host"]  # their counters know no noise


def missing(board: str) -> str | None:
    """Why a board cannot be built for or run here, if so."""
    try:
        boards.require(board, "build")
        boards.require(board, "run")
    except boards.BoardError as error:
        return str(error)
    return None


def need(board: str) -> str:
    """The board, or a skipped test where its tools are not installed."""
    reason = missing(board)
    if reason is not None:
        pytest.skip(reason)
    return board
