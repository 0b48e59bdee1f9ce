"""Rigs: models built into firmware, run on virtual and real boards, compared answer by answer.

``check``, ``load_board`` and ``CheckReport`` are what most need; they are imported when they are first asked
for, since pytest imports this package in every run (``milliwatt.rig.plugin``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milliwatt.rig.board import Board, known_boards, load_board
    from milliwatt.rig.checking import check
    from milliwatt.rig.line import RigError
    from milliwatt.rig.report import CheckReport, Disagreement

__all__ = ["Board", "CheckReport", "Disagreement", "RigError", "check", "known_boards", "load_board"]

_HOME = {
    "Board": "board",
    "known_boards": "board",
    "load_board": "board",
    "RigError": "line",
    "check": "checking",
    "CheckReport": "report",
    "Disagreement": "report",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"milliwatt.rig.{_HOME[name]}"), name)
    raise AttributeError(f"module 'milliwatt.rig' has no attribute {name!r}")
