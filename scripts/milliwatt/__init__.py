"""Milliwatt: trained models as C for microcontrollers, answering exactly as on the PC.

``convert`` and ``Model`` need numpy; everything from ``*.mw.json`` to C does not, so they are
imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from milliwatt.errors import (
    InputError,
    MilliwattError,
    ModelFileError,
    ToolMissingError,
    UnsupportedModelError,
)
from milliwatt.version import __version__

if TYPE_CHECKING:
    from milliwatt.model import Model, convert, load

__all__ = [
    "InputError",
    "MilliwattError",
    "Model",
    "ModelFileError",
    "ToolMissingError",
    "UnsupportedModelError",
    "__version__",
    "convert",
    "includedir",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in ("Model", "convert", "load"):
        from milliwatt import model

        return getattr(model, name)
    if name == "includedir":
        from milliwatt import sdk

        return str(sdk.include_dir())
    raise AttributeError(f"module 'milliwatt' has no attribute {name!r}")
