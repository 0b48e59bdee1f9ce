"""``check()``: a model on a board, every answer compared with this PC's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from milliwatt.rig.connection import attached, emulated
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.project import Built, built, upload
from milliwatt.rig.protocol import Answer, Stats
from milliwatt.rig.report import CheckReport
from milliwatt.rig.session import Session
from milliwatt.rig.size import image_size
from milliwatt.rig.transfer import Patience


def check(
    model: Model,
    board: Board | str | Path,
    samples: ArrayLike,
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
        samples: shape (rows, features), as for ``Model.predict``.
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
        run = _run(spec, images, features, port)
        return _report(spec, host, features, run, wanted, images)


def _check_scores(model: AnyModel, asked: bool) -> None:
    if asked and not model.has_scores:
        what = "its scores are its probabilities" if model.is_classifier else "a regressor has no scores"
        raise MilliwattError(what, option="scores", cure="leave it out, or use probabilities=True")


@dataclass(frozen=True)
class _Run:
    """What came back from the device."""

    answers: list[Answer]
    stats: Stats
    resent: int

    def status(self) -> NDArray[np.int64]:
        return np.array([answer.status for answer in self.answers], dtype=np.int64)

    def outputs(self, width: int) -> NDArray[np.float32]:
        """Float answers; NaN where the device answered with an error."""
        nan = np.full(width, np.nan, dtype="<f4").tobytes()
        image = b"".join(answer.outputs or nan for answer in self.answers)
        return np.frombuffer(image, dtype="<f4").reshape(len(self.answers), width)

    def labels(self, width: int) -> NDArray[np.int64]:
        """Labels, 0 or 1; -1 where the device answered with an error."""
        rows = [list((answer.outputs or b"")[:width]) or [-1] * width for answer in self.answers]
        return np.array(rows, dtype=np.int64)

    def stack(self) -> int:
        """Bytes of stack a prediction uses beyond a call of a function that does nothing."""
        stats = self.stats
        if stats.stack_nothing <= stats.stack_talk:
            raise _unmeasured(f"talking to the PC uses {stats.stack_talk} bytes", "MW_CHECK_STACK_PAD=2000")
        if stats.stack_predict < stats.stack_nothing:
            raise _unmeasured("a prediction uses more than is watched", "MW_CHECK_STACK_WINDOW=8000")
        return stats.stack_predict - stats.stack_nothing


def _unmeasured(reason: str, define: str) -> RigError:
    return RigError(
        f"the stack cannot be measured: {reason}",
        cure=f"in the board's YAML file: platformio: {{options: {{build_flags: -D{define}}}}}",
    )


def _run(spec: FirmwareSpec, images: Built, features: NDArray[Any], port: str | None) -> _Run:
    rows = [row.tobytes() for row in features.astype(features.dtype.newbyteorder("<"))]
    serial = spec.board.serial
    patience = Patience(reply=serial.reply_s, hello=serial.hello_s)
    with _started(spec, images, port) as line:
        session = Session(line, spec.expected(), window=serial.window, patience=patience)
        session.hello()
        answers = session.predict(rows)
        return _Run(answers, session.stats(), session.resent)


@contextmanager
def _started(spec: FirmwareSpec, images: Built, port: str | None) -> Iterator[Line]:
    """The firmware on its board, whichever kind that is."""
    if spec.board.is_virtual:
        if port is not None:
            raise MilliwattError("a virtual board has no port", option="port", cure="leave it out")
        with emulated(spec.board, images.check) as line:
            yield line
    else:
        upload(images, spec, port)
        with attached(spec.board, port) as line:
            yield line


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


def _form(spec: FirmwareSpec) -> str:
    """How the model is written, for tables."""
    if not isinstance(spec.model, Network):
        return spec.method
    return f"network, {spec.model.quantize if spec.model.is_integer else 'float'}"


def _report(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    run: _Run,
    wanted: NDArray[Any] | None,
    images: Built,
) -> CheckReport:
    total = image_size(images.check)
    added = total - image_size(images.baseline)
    costs = [answer.cost for answer in run.answers]
    model = spec.model
    report = CheckReport(
        board=spec.board.name,
        cpu=spec.board.cpu,
        model=model.name,
        method=_form(spec),
        dtype=model.dtype,
        samples=len(features),
        agree=0,
        flash_bytes=added.flash,
        ram_bytes=added.ram,
        stack_bytes=run.stack(),
        cost_mean=sum(costs) / len(costs),
        cost_max=max(costs),
        cost_unit=spec.board.cost_unit,
        cost_min=min(costs),
        flash_total=total.flash,
        ram_total=total.ram,
        build_id=spec.build_id,
        resent=run.resent,
    )
    device: NDArray[Any] = run.status()
    if spec.function == "predict_labels":
        device = run.labels(spec.n_outputs)
    elif spec.vector:
        device = run.outputs(spec.n_outputs)
    return dataclasses.replace(report, **compare(spec, host, features, device, wanted))
