"""Where the C library and the boards are: in a clone beside this package, in a wheel inside it."""

from __future__ import annotations

import re
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


# What belongs to a header of signals, as beginnings of file names.
_SIGNAL_SOURCES = {
    "emphasis.h": ("sound_emphasis",),
    "fir.h": ("fir_",),
    "iir.h": ("iir_f32", "iir_q15"),
    "roots.h": ("roots",),
    "running.h": ("running_", "roots"),
    "spectral.h": ("fft_f32", "fft_i32", "fft_real_f32", "fft_real_i32", "mel_", "spectrum_", "roots"),
    "spectrum.h": ("goertzel", "sine", "roots"),
    "stream.h": ("stream_ring", "stream_slide"),
    "time_features.h": ("time_", "roots"),
    "vectors.h": ("vectors", "roots"),
}


def signal_sources(code: str) -> list[Path]:
    """The C files among them that generated code needs which takes raw samples, sorted.

    Args:
        code: all of it; headers that it includes and tables that it names are looked for.
    """
    wanted = set(re.findall(r"fft_table_\d+_\w{3}", code))
    for header in re.findall(r"<milliwatt/(\w+\.h)>", code):
        wanted |= set(_SIGNAL_SOURCES.get(header, ()))
    return [path for path in sources() if wanted and path.name.startswith(tuple(wanted))]


def sources() -> list[Path]:
    """The C files of the library, sorted."""
    return sorted((root() / "src").glob("*.c"))
