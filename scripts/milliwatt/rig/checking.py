"""``check()``: a model on a board, every answer compared with this PC's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from milliwatt.emit import choose_method
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host import HostModel
from milliwatt.ir import AnyModel, Network
from milliwatt.model import Model, flat
from milliwatt.options import ModelOptions
from milliwatt.rig.board import Board, load_board
from milliwatt.rig.comparison import compare
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.project import Built, built
from milliwatt.rig.report import CheckReport
from milliwatt.rig.running import Run, base_report, run_rows
from milliwatt.rig.streams import check_stream


def check(
    model: Model,
    board: Board | str | Path,
    samples: Any,
    *,
    method: str | None = None,
    expected: ArrayLike | None = None,
    probabilities: bool = False,
    scores: bool = False,
    port: str | None = None,
    work: Path | None = None,
) -> CheckReport:
    """Build a model into firmware, run it on a board, and compare every answer.

    The device must answer as the same C does on this PC: the same class, the same bits of every float; a
    network of floats, whose sums compilers may round otherwise, within ``network_bounds``. Where the
    estimator's answers are given, the report's agreement is with those.

    Args:
        model: what to check.
        board: a board, its name, or the path of its YAML file.
        samples: shape (rows, features), as for ``Model.predict``; of a model from raw samples recordings or
            windows, which are streamed (``check_stream``).
        method: ``inline``, ``loadable``, ``compact``, ``auto``; by default the model's own choice.
        expected: the estimator's ``predict_proba`` for a classifier, scores (hard votes: their sums) where
            it has none; its ``predict`` for a regressor.
        probabilities: check a classifier's ``predict_proba`` instead of ``predict``.
        scores: check a classifier's ``score``: of a network of integers, these are its integers.
        port: serial port of a real board; by default found by its USB id.
        work: where the PlatformIO project is kept; by default ``$MILLIWATT_RIG_DIR`` or the user's cache.

    Raises:
        MilliwattError: the model does not fit, a tool is missing, the board does not answer, …
    """
    if model.ir.signals is not None:
        _no_features(expected, probabilities or scores)
        return check_stream(model, board, samples, method=method, port=port, work=work)
    board = board if isinstance(board, Board) else load_board(board)
    options = ModelOptions(method=method or model.ir.method)
    chosen = choose_method(model.ir, options.method).method
    prepared = model.ir
    if not isinstance(prepared, Network):
        prepared = dataclasses.replace(prepared, method=chosen)
    _check_scores(prepared, scores)
    vector = probabilities or scores or not prepared.is_classifier
    spec = FirmwareSpec(prepared, chosen, board, vector, scores)
    host = HostModel(prepared, method=spec.option)
    features = host.device_features(flat(prepared, samples))
    wanted = None if expected is None else _estimator_answers(expected, spec, len(features))
    if not len(features):
        raise InputError("no samples", option="samples", cure="give at least one row")
    with built(spec, work) as images:
        rows = [row.tobytes() for row in features.astype(features.dtype.newbyteorder("<"))]
        run = run_rows(spec, images, rows, port, window=board.serial.window)
        return _report(spec, host, features, run, wanted, images)


def _no_features(expected: object, vector: bool) -> None:
    if expected is not None or vector:
        raise MilliwattError(
            "a model from raw samples is checked by the labels and the features of windows",
            option="expected" if expected is not None else "probabilities",
            cure="leave it out",
        )


def _check_scores(model: AnyModel, asked: bool) -> None:
    if asked and not model.has_scores:
        what = "its scores are its probabilities" if model.is_classifier else "a regressor has no scores"
        raise MilliwattError(what, option="scores", cure="leave it out, or use probabilities=True")


def _estimator_answers(expected: ArrayLike, spec: FirmwareSpec, rows: int) -> NDArray[Any]:
    if spec.function == "score" and spec.model.has_probabilities:
        raise MilliwattError(
            "scores are compared with this PC's only", option="expected", cure="use probabilities=True"
        )
    values = np.asarray(expected, dtype=np.float64)
    if values.ndim == 1 and not spec.model.is_classifier:
        values = values[:, np.newaxis]
    shape = (rows, spec.model.n_columns)
    if values.shape != shape:
        what = "give the estimator's predict"
        if spec.model.is_classifier:
            what = "give the estimator's predict_proba" if spec.model.has_probabilities else "give the scores"
        raise InputError(
            f"expected answers of shape {values.shape}, not {shape}",
            option="expected",
            cure=f"{what} for the same samples",
        )
    return values


def _report(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    run: Run,
    wanted: NDArray[Any] | None,
    images: Built,
) -> CheckReport:
    report = dataclasses.replace(base_report(spec, images, run), samples=len(features))
    device: NDArray[Any] = run.status()
    if spec.function == "predict_labels":
        device = run.labels(spec.n_outputs)
    elif spec.vector:
        device = run.outputs(spec.n_outputs)
    return dataclasses.replace(report, **compare(spec, host, features, device, wanted))
