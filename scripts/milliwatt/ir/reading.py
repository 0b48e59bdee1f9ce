"""Model files that need no ML library: ``*.mw.json``, and CSV in emlearn's format."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.ir.committee import AnyModel, in_words
from milliwatt.ir.csv_reader import load_csv
from milliwatt.ir.network import Network
from milliwatt.ir.serialize import load
from milliwatt.ir.validate import check_name
from milliwatt.options import CONVERSION, ModelOptions, check_kind

HANDOVER = ".mw.json"
CSV = ".csv"
# The first key of what we write. XGBoost's *.json has others, though a feature may be called milliwatt.
_OURS = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"milliwatt"\s*:')


def is_model_file(file: Path) -> bool:
    """Whether :func:`read_model` reads it: told by its ending; of ``*.json``, by how it begins."""
    name = file.name.lower()
    if name.endswith(".json") and not name.endswith(HANDOVER):
        return _begins_as_ours(file)
    return name.endswith((HANDOVER, CSV))


def _begins_as_ours(file: Path) -> bool:
    """False also where there is nothing to read; whoever reads it next says so."""
    try:
        with file.open("rb") as opened:
            return _OURS.match(opened.read(64)) is not None
    except OSError:
        return False


def read_model(path: str | Path, options: ModelOptions | None = None) -> AnyModel:
    """The model in a file: CSV where it ends in ``.csv``, else ``*.mw.json``.

    CSV holds neither a name (the file's is taken, as far as it can be one) nor a feature type
    (``options.dtype``; see ``csv_reader``).

    Args:
        options: ``method``, ``budget`` and ``arena`` are of no concern here, but for :func:`settle`; others
            as far as :func:`check_options` lets them.

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


def settle(model: AnyModel, options: ModelOptions) -> AnyModel:
    """The model with what can be chosen of every file: ``method``, ``budget`` and ``arena``.

    Options that are not given leave the model's own; a budget counts for more than the method a file
    settled on.

    Raises:
        MilliwattError: an option that this kind of model cannot honour.
    """
    network = isinstance(model, Network)
    check_kind(options, network=network, what=f"{model.name} ({in_words(model)})")
    changed: dict[str, str] = {}
    if options.method != "auto" or options.budget:
        changed["method"] = options.method
    if options.budget:
        changed["budget"] = options.budget
    if options.arena != "auto":
        changed["arena"] = options.arena
    return dataclasses.replace(model, **changed)  # type: ignore[arg-type]


def check_options(file: Path, options: ModelOptions, shown: str | None = None) -> None:
    """Refuse options that come too late for a file of this kind; messages name it as ``shown``."""
    if not _is_csv(file):
        if options.needs_estimator:
            raise MilliwattError(
                f"{', '.join(CONVERSION)} and calibration are settled in this file already",
                file=shown or file,
                cure="give them to `milliwatt export`; only method, budget and arena can still be chosen"
                " here",
            )
        return
    settable = {"dtype": "auto", "nan": options.nan if options.nan == "follow" else "auto"}
    if dataclasses.replace(options, **settable).needs_estimator:
        raise MilliwattError(
            "CSV takes the options method, budget, dtype, nan=refuse and nan=ignore;"
            " others need the estimator",
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
