"""Model files that need no ML library: ``*.mw.json``, and CSV in emlearn's format."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.ir.csv_reader import load_csv
from milliwatt.ir.model import TreeEnsemble
from milliwatt.ir.serialize import load
from milliwatt.ir.validate import check_name
from milliwatt.options import CONVERSION, ModelOptions

HANDOVER = ".mw.json"
CSV = ".csv"


def is_model_file(file: Path) -> bool:
    """Whether :func:`read_model` reads it: told by its ending."""
    return file.name.lower().endswith((HANDOVER, CSV))


def read_model(path: str | Path, options: ModelOptions | None = None) -> TreeEnsemble:
    """The model in a file: CSV where it ends in ``.csv``, else ``*.mw.json``.

    CSV holds neither a name (the file's is taken, as far as it can be one) nor a feature type
    (``options.dtype``; see ``csv_reader``).

    Args:
        options: ``method`` is of no concern here; others as far as :func:`check_options` lets them.

    Raises:
        ModelFileError: names file, place and cure.
        MilliwattError: an option that this kind of file cannot honour.
    """
    path, options = Path(path), options or ModelOptions()
    check_options(path, options)
    if not _is_csv(path):
        return load(path)
    model = load_csv(path, name=_name_of(path), dtype=options.dtype)
    return dataclasses.replace(model, check_nan=options.nan != "ignore")


def check_options(file: Path, options: ModelOptions, shown: str | None = None) -> None:
    """Refuse options that come too late for a file of this kind; messages name it as ``shown``."""
    if not _is_csv(file):
        if options.needs_estimator:
            raise MilliwattError(
                f"{', '.join(CONVERSION)} and calibration are settled in this file already",
                file=shown or file,
                cure="give them to `milliwatt export`; only method can still be chosen here",
            )
        return
    settable = {"dtype": "auto", "nan": options.nan if options.nan == "follow" else "auto"}
    if dataclasses.replace(options, **settable).needs_estimator:
        raise MilliwattError(
            "CSV takes the options method, dtype, nan=refuse and nan=ignore; others need the estimator",
            file=shown or file,
            cure="give them to `milliwatt export` with the estimator",
        )


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == CSV


def _name_of(path: Path) -> str:
    """A name for the C code: ``my-model.v2.csv`` is ``my_model``."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", path.name.split(".")[0])
    try:
        return check_name(name)
    except ModelFileError:
        return "model"
