"""``python -m milliwatt.emit``: from a model file to C, a blob or CSV with nothing but Python installed."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from milliwatt import ir
from milliwatt.emit.saving import C_FORMATS, FORMATS, Saved, place_of, save_model
from milliwatt.errors import MilliwattError
from milliwatt.ir.validate import check_name
from milliwatt.options import CHOICES, ModelOptions


def emit_file(
    source: Path,
    output: Path,
    *,
    name: str | None = None,
    method: str = "auto",
    dtype: str = "auto",
    budget: str = "",
    arena: str = "auto",
    format: str = "auto",
    single: bool = False,
) -> Saved:
    """Write what a device reads of a model file: C, a blob or CSV; or write it as ``*.mw.json``.

    Args:
        source: ``*.mw.json``, or ``*.csv`` in emlearn's format.
        output: a file, whose ending tells the format, or a directory; see :func:`saving.place_of`.
        name: prefix of all C names; the model's own by default.
        method: ``auto`` is the file's own; C and ``*.mw.json`` only, as are ``budget`` and ``arena``.
        dtype: feature type of a ``*.csv``.
        format: one of ``FORMATS``, the same as those of ``Model.save``.
        single: one header instead of header and source.

    Raises:
        MilliwattError: names the file or option at fault, what a format cannot hold, and the cure.
    """
    options = ModelOptions(method=method, dtype=dtype, budget=budget, arena=arena)
    model = ir.read_model(source, options)
    path, kind = place_of(output, check_name(name or model.name), format, single=single)
    for option in ("method", "budget", "arena"):
        if options.is_given(option) and kind not in (*C_FORMATS, "json"):
            raise MilliwattError(
                f"decides how C is generated, and {path.name} holds none", option=option, cure="leave it out"
            )
    try:
        model = dataclasses.replace(ir.settle(model, options), name=name or model.name)
        return save_model(model, path, kind)
    except MilliwattError as error:
        raise error.within(file=source) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 when the files were written, else 1 and one message on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m milliwatt.emit", description="a model file to C, to a blob or to CSV"
    )
    parser.add_argument("source", type=Path, help="*.mw.json, or *.csv in emlearn's format")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="directory for C; or *.c, *.h, *.mw.bin, *.csv, *.mw.json",
    )
    parser.add_argument("--name", help="prefix of all C names; the model's own by default")
    parser.add_argument("--method", choices=CHOICES["method"], default="auto")
    parser.add_argument("--budget", default="", help="what --method=auto keeps to: speed, flash, flash=8k")
    parser.add_argument(
        "--arena", choices=CHOICES["arena"], default="auto", help="networks: whose the buffers are"
    )
    parser.add_argument("--dtype", choices=CHOICES["dtype"], default="auto", help="feature type of a *.csv")
    parser.add_argument("--format", choices=FORMATS, default="auto", help="auto: by the output's ending")
    parser.add_argument("--single", action="store_true", help="one header instead of header and source")
    given = vars(parser.parse_args(arguments))
    try:
        emit_file(given.pop("source"), given.pop("output"), **given)
    except MilliwattError as error:
        print(f"milliwatt: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
