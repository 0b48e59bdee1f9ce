"""What ``milliwatt check`` does, apart from reading its command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from milliwatt.data import read_table
from milliwatt.errors import ToolMissingError
from milliwatt.export import export_file
from milliwatt.model import Model, load
from milliwatt.options import ModelOptions

if TYPE_CHECKING:
    from milliwatt.rig import CheckReport


def check_file(
    source: Path,
    *,
    board: str,
    data: Path,
    method: str = "auto",
    trust_pickle: bool = False,
    port: str | None = None,
) -> CheckReport:
    """Run a model on a board over all rows of a CSV file, and compare with this PC.

    Args:
        source: ``*.mw.json``, or an estimator's file, which is converted first.
        board: a board's name, or the path of a board's YAML file.
        port: serial port of a real board, where it cannot be found by itself.
    """
    try:
        from milliwatt.rig import check, load_board
    except ImportError as error:
        raise ToolMissingError(
            f"the Python package {error.name} is needed to run boards", cure="pip install 'milliwatt[rig]'"
        ) from None
    model = _model(source, method, trust_pickle)
    described = load_board(board)
    samples = read_table(data, model.ir.n_features).features
    return check(model, described, samples, port=port)


def _model(source: Path, method: str, trust_pickle: bool) -> Model:
    if source.suffix == ".json":
        model = load(source)
        if method == "auto":
            return model
        return Model(dataclasses.replace(model.ir, method=method))
    name = source.name.split(".")[0]
    return export_file(source, name=name, options=ModelOptions(method=method), trust_pickle=trust_pickle)
