"""What ``milliwatt check`` does, apart from reading its command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from milliwatt import ir
from milliwatt.data import read_table
from milliwatt.errors import ToolMissingError
from milliwatt.export import export_file
from milliwatt.model import Model, load
from milliwatt.options import ModelOptions
from milliwatt.raw_samples import cut_as_trained, read_recording

if TYPE_CHECKING:
    from milliwatt.rig import CheckReport


def check_file(
    source: Path,
    *,
    board: str,
    data: Path,
    method: str = "auto",
    dtype: str = "auto",
    arena: str = "auto",
    trust_pickle: bool = False,
    port: str | None = None,
) -> CheckReport:
    """Run a model on a board over all rows of a CSV file, and compare with this PC.

    Rows are samples; of a model from raw samples they are the frames of one recording, a column a channel.

    Args:
        source: ``*.mw.json``, ``*.csv`` in emlearn's format, or an estimator's file, which is
            converted first.
        dtype: feature type; not for ``*.mw.json``.
        board: a board's name, or the path of a board's YAML file.
        port: serial port of a real board, where it cannot be found by itself.
    """
    try:
        from milliwatt.rig import check, load_board
    except ImportError as error:
        raise ToolMissingError(
            f"the Python package {error.name} is needed to run boards", cure="pip install 'milliwatt[rig]'"
        ) from None
    model = _model(source, ModelOptions(method=method, dtype=dtype, arena=arena), trust_pickle)
    described = load_board(board)
    if model.ir.signals is not None:
        signals = model.ir.signals
        samples = cut_as_trained(signals, read_recording(data, signals))
        return check(model, described, samples, port=port)
    return check(model, described, read_table(data, model.ir.n_features).features, port=port)


def _model(source: Path, options: ModelOptions, trust_pickle: bool) -> Model:
    if not ir.is_model_file(source):
        name = source.name.split(".")[0]
        return export_file(source, name=name, options=options, trust_pickle=trust_pickle)
    return Model(ir.settle(load(source, dtype=options.dtype).ir, options))
