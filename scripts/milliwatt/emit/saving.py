"""A model into files, in the format that is asked for or that the file's ending tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milliwatt import ir
from milliwatt.emit.blob import emit_blob
from milliwatt.emit.c_code import emit_c
from milliwatt.emit.csv import emit_csv
from milliwatt.emit.method import Choice
from milliwatt.errors import MilliwattError
from milliwatt.files import write_bytes, write_files, write_text
from milliwatt.ir import AnyModel

# Each format and how the files that it is written to end.
_ENDINGS = {"c": ".c", "header": ".h", "json": ".mw.json", "csv": ".csv", "bin": ".mw.bin"}
_BY_SUFFIX = {Path(f"x{ending}").suffix: format for format, ending in _ENDINGS.items()}
FORMATS = ("auto", *_ENDINGS)
C_FORMATS = ("c", "header")


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        files: the files.
        choice: for C, the method that was used, and why.
    """

    files: list[Path]
    choice: Choice | None = None


def format_of(path: Path, format: str = "auto") -> str:
    """One of :data:`FORMATS` but ``auto``: the one given, else the one that the ending tells.

    Raises:
        MilliwattError: an unknown format, or an ending that tells none.
    """
    if format not in FORMATS:
        raise MilliwattError(
            f"{format!r} is not possible", option="format", cure=f"choose one of {', '.join(FORMATS)}"
        )
    if format != "auto":
        return format
    suffix = path.suffix.lower()
    if suffix not in _BY_SUFFIX:
        raise MilliwattError(
            "the ending does not say which format",
            file=path,
            cure="end in .mw.json, .csv, .h, .c or .mw.bin, or give format=",
        )
    return _BY_SUFFIX[suffix]


def place_of(output: Path, name: str, format: str = "auto", *, single: bool = False) -> tuple[Path, str]:
    """The file to write and its format, where the output may be a directory.

    A directory is what is one already, what ends in no ending, and with ``auto`` what ends in none that
    tells a format. There, files are called as the model is, and ``auto`` is C.

    Args:
        name: the model's.
        single: ``auto`` is one header.
    """
    if single and format not in ("auto", "header"):
        raise MilliwattError(
            f"one header is asked for, and format={format}", option="single", cure="leave one of them out"
        )
    known = output.suffix.lower() in _BY_SUFFIX
    if output.is_dir() or not (known if format == "auto" else output.suffix):
        kind = ("header" if single else "c") if format == "auto" else format_of(output, format)
        return output / f"{name}{_ENDINGS[kind]}", kind
    kind = format_of(output, format)
    if single and kind != "header":
        raise MilliwattError(
            "one header is asked for, but this ending tells another format",
            file=output,
            option="single",
            cure="end in .h, give a directory, or leave single out",
        )
    return output, kind


def save_model(model: AnyModel, path: Path, format: str = "auto") -> Saved:
    """Write a model, whole or not at all.

    Args:
        path: where to; ``format="c"`` writes the header beside it.
        format: one of :data:`FORMATS`.

    Raises:
        UnsupportedModelError: the format cannot hold something in the model; names it and the cure.
        MilliwattError: the format cannot be told, or the file not be written.
    """
    kind = format_of(path, format)
    if kind in C_FORMATS:
        return _save_c(model, path, single=kind == "header")
    if kind == "json":
        ir.save(model, path)
    elif kind == "csv":
        write_text(path, emit_csv(model))
    else:
        write_bytes(path, emit_blob(model))
    return Saved([path])


def _save_c(model: AnyModel, path: Path, *, single: bool) -> Saved:
    emitted = emit_c(model, single=single)
    if single:
        (text,) = emitted.files.values()
        write_text(path, text)
        return Saved([path], emitted.choice)
    stem = path.stem
    renamed = {f"{stem}{Path(file).suffix}": text for file, text in emitted.files.items()}
    # The source includes its header by file name.
    renamed[f"{stem}.c"] = renamed[f"{stem}.c"].replace(
        f'#include "{model.name}.h"', f'#include "{stem}.h"', 1
    )
    return Saved(write_files(path.parent, renamed), emitted.choice)
