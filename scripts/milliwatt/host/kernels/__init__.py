"""The library's signal kernels as a shared library: in the wheel, or compiled once for this PC."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

from milliwatt import sdk
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host.compiler import shared_library
from milliwatt.host.kernels.sources import NAME, files, library_sources

_ENTRIES = (
    *("batch_iir_f32", "batch_iir_q15", "batch_fir_f32", "batch_fir_q15", "batch_columns_f32"),
    *("batch_columns_q15", "batch_length_f32", "batch_length_q15", "batch_spectra_f32", "batch_spectra_i16"),
    *("batch_tones_f32", "batch_tones_q15", "batch_features_i16", "batch_features_f32", "batch_affine"),
    *("batch_scale_each", "batch_vectors", "batch_table"),
)
NO_MEMORY = -200


def prebuilt() -> Path:
    """Where a wheel has the library, if it was built where there was a C compiler."""
    return Path(__file__).resolve().parents[2] / NAME


@cache
def library() -> Any:
    """The library, loaded.

    Raises:
        ToolMissingError: it is not in the wheel, and there is no C compiler.
        MilliwattError: it could not be compiled.
    """
    found = _load(prebuilt()) if prebuilt().is_file() else None
    if found is None:
        found = _load(shared_library(files(), library_sources(), sdk.include_dir()))
    if found is None:
        raise MilliwattError("the compiled kernels lack a function", cure="install milliwatt again")
    found.batch_table.restype = ctypes.c_void_p
    return found


def _load(path: Path) -> Any:
    """None for a file of another CPU, or of another version."""
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError:
        return None
    return loaded if all(hasattr(loaded, entry) for entry in _ENTRIES) else None


def call(function: str, *arguments: Any) -> None:
    """Call a kernel.

    Raises:
        InputError: the kernel refuses a length, or there is no memory.
    """
    status = getattr(library(), function)(*arguments)
    if status == NO_MEMORY:
        raise InputError("no memory for this many samples", cure="give shorter recordings")
    if status < 0:
        raise InputError(f"{function.removeprefix('batch_')} answered status {status}: a length does not fit")
