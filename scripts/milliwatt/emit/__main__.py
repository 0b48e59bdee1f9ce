"""``python -m milliwatt.emit``: from a model file to C with nothing but Python installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from milliwatt import ir
from milliwatt.emit import Emitted, emit_c
from milliwatt.errors import MilliwattError
from milliwatt.files import write_files
from milliwatt.options import CHOICES, ModelOptions


def emit_file(
    source: Path,
    directory: Path,
    *,
    name: str | None = None,
    method: str = "auto",
    dtype: str = "auto",
    single: bool = False,
) -> tuple[list[Path], Emitted]:
    """Write the C of a model file into a directory; what was written, and what was decided."""
    model = ir.read_model(source, ModelOptions(dtype=dtype))
    try:
        emitted = emit_c(model, name=name, method=method, single=single)
    except MilliwattError as error:
        raise error.within(file=source) from None
    return write_files(directory, emitted.files), emitted


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 when the files were written, else 1 and one message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m milliwatt.emit", description="a model file to C")
    parser.add_argument("source", type=Path, help="*.mw.json, or *.csv in emlearn's format")
    parser.add_argument("-o", "--output", type=Path, required=True, help="directory to write to")
    parser.add_argument("--name", help="prefix of all C names; the model's own by default")
    parser.add_argument("--method", choices=CHOICES["method"], default="auto")
    parser.add_argument("--dtype", choices=CHOICES["dtype"], default="auto", help="feature type of a *.csv")
    parser.add_argument("--single", action="store_true", help="one header instead of header and source")
    given = parser.parse_args(arguments)
    try:
        options = {option: getattr(given, option) for option in ("name", "method", "dtype", "single")}
        emit_file(given.source, given.output, **options)
    except MilliwattError as error:
        print(f"milliwatt: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
