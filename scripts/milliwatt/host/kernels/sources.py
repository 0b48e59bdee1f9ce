"""What the shared library of signal kernels is made of; the wheel's build reads this too, without numpy."""

from __future__ import annotations

import sys
from pathlib import Path

from milliwatt import sdk

_HERE = Path(__file__).resolve().parent
# Beginnings of names of the library's C files that signals need.
_PARTS = (
    *("fft_", "fir_", "goertzel", "iir_", "mel_", "roots", "running_", "sine", "sound_emphasis"),
    *("spectrum_", "time_", "vectors", "window"),
)
# Of the file in a wheel, beside the package's modules.
NAME = f"_kernels{'.dll' if sys.platform == 'win32' else '.so'}"


def files() -> dict[str, str]:
    """The C files and headers of this package."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_HERE.glob("*.[ch]"))}


def library_sources() -> list[Path]:
    """The library's C files that are needed besides."""
    return [path for path in sdk.sources() if path.name.startswith(_PARTS)]
