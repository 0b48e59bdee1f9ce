"""``convert()`` and :class:`Model`: what a user of the Python package works with."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from milliwatt import ir
from milliwatt.data import read_features
from milliwatt.emit import Choice, choose_method, emit_c, emit_csv
from milliwatt.emit.leaves import value_bounds
from milliwatt.errors import InputError, MilliwattError
from milliwatt.files import write_files, write_text
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import (
    HostModel,
    answers,
    class_columns,
    compare_classes,
    compare_values,
    decide,
    evaluate,
    scores,
)
from milliwatt.host.runner import check_samples
from milliwatt.ir.validate import check_name
from milliwatt.options import ModelOptions
from milliwatt.passes import Decision, prepare

FORMATS = ("auto", "c", "header", "json", "csv")


def convert(
    estimator: Any,
    *,
    name: str = "model",
    method: str = "auto",
    dtype: str = "auto",
    nan: str = "auto",
    calibration: ArrayLike | str | Path | None = None,
) -> Model:
    """Convert a fitted estimator into a model for a microcontroller.

    Args:
        estimator: scikit-learn's DecisionTree, ExtraTree, RandomForest or ExtraTrees, classifier
            or regressor.
        name: prefix of all generated C names.
        method: ``'inline'`` (generated if/else: fast), ``'loadable'`` (packed tables: small) or
            ``'auto'``.
        dtype: feature type on the device: ``'float'``, ``'int8'``, ``'uint8'``, ``'int16'``,
            ``'int32'``, or ``'auto'``: float, unless calibration data or thresholds show integers.
        nan: ``'refuse'``, ``'follow'``, ``'ignore'`` or ``'auto'``; see ``ModelOptions``.
        calibration: samples like those the device will see: an array of shape (rows, features) or
            a CSV file. Used to choose type and scale, and to measure the agreement.

    Raises:
        UnsupportedModelError: the estimator, or a setting of it, is not supported.
        MilliwattError: an option is wrong, or would change answers.
    """
    path = str(calibration) if isinstance(calibration, (str, Path)) else ""
    options = ModelOptions(method=method, dtype=dtype, nan=nan, calibration=path)
    raw = dataclasses.replace(to_ir(estimator, nan=nan), name=check_name(name), method=method)
    data = _calibration_samples(raw, calibration)
    prepared, decision = prepare(raw, options.dtype, data)
    model = Model(prepared, decision)
    if data is None:
        return model
    return Model(dataclasses.replace(prepared, calibration=_measure(model, estimator, data)), decision)


def load(path: str | Path) -> Model:
    """The model in a ``*.mw.json`` file."""
    return Model(ir.load(path))


class Model:
    """A converted model.

    ``predict`` and ``predict_proba`` run the emitted C, compiled for this PC: what they answer is
    what the device answers.

    Attributes:
        ir: the intermediate representation.
        decision: the feature type that was chosen, and why (None for a loaded model).
    """

    def __init__(self, model: ir.TreeEnsemble, decision: Decision | None = None) -> None:
        self.ir = model
        self.decision = decision

    def __repr__(self) -> str:
        m = self.ir
        return (
            f"<milliwatt.Model {m.name}: {m.task}, {len(m.trees)} trees, {m.n_splits} splits, "
            f"{m.n_features} {m.dtype} features, {self.choice.method}>"
        )

    @property
    def choice(self) -> Choice:
        """Inline or loadable, and why."""
        return choose_method(self.ir)

    @property
    def classes_(self) -> NDArray[Any]:
        """The estimator's class labels, in its order."""
        return np.asarray(self.ir.classes)

    @property
    def bound(self) -> NDArray[np.float64]:
        """Regressors: the largest possible difference to the estimator's answer, one an output."""
        return np.asarray(value_bounds(self.ir))

    @cached_property
    def host(self) -> HostModel:
        """The emitted C, compiled for this PC on first use."""
        return HostModel(self.ir)

    def __getstate__(self) -> dict[str, Any]:
        # A loaded library cannot travel to another process; it is found again by its content.
        return {key: value for key, value in self.__dict__.items() if key != "host"}

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class labels, or for regressors values: shape (rows,), or (rows, outputs) with several outputs.

        Raises:
            InputError: samples of the wrong shape or outside the feature type.
            ToolMissingError: there is no C compiler on this PC.
        """
        samples = self.host.device_features(np.asarray(X))
        if self.ir.is_classifier:
            labels: NDArray[Any] = self.classes_[self.host.predict(samples)]
            return labels
        values = self.host.regress(samples)
        return values[:, 0] if self.ir.n_outputs == 1 else values

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Class probabilities, shape (rows, classes)."""
        if not self.ir.is_classifier:
            raise MilliwattError(
                "a regressor has no probabilities", option=self.ir.name, cure="use predict()"
            )
        return self.host.predict_proba(self.host.device_features(np.asarray(X)))

    def evaluate(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (scores where there are none) or values, by numpy instead of C.

        An independent check; needs no compiler unless features are scaled.
        """
        return evaluate(self.ir, self.device_features(np.asarray(X)))

    def device_features(self, values: NDArray[Any]) -> NDArray[Any]:
        """Samples as the device takes them; needs a compiler only where features are scaled."""
        return self.host.device_features(values) if self.ir.scale else check_samples(self.ir, values)

    def save(self, file: str | Path, name: str | None = None, format: str = "auto") -> list[Path]:
        """Write the model, whole or not at all.

        Args:
            file: where to. ``format='auto'`` goes by its ending: ``.mw.json`` or ``.json``, ``.csv``,
                ``.h`` (one header), ``.c`` (header and source).
            name: prefix of C names; the model's own name by default.
            format: ``'json'``, ``'csv'``, ``'header'``, ``'c'``, or ``'auto'``.

        Returns:
            the files written.
        """
        path = Path(file)
        kind = _format(path, format)
        model = dataclasses.replace(self.ir, name=check_name(name)) if name else self.ir
        if kind == "json":
            ir.save(model, path)
        elif kind == "csv":
            write_text(path, emit_csv(model))
        elif kind == "header":
            (text,) = emit_c(model, single=True).files.values()
            write_text(path, text)
        else:
            return self._save_pair(path, model)
        return [path]

    def _save_pair(self, path: Path, model: ir.TreeEnsemble) -> list[Path]:
        stem = path.stem
        texts = emit_c(model).files
        renamed = {f"{stem}{Path(n).suffix}": t for n, t in texts.items()}
        # The source includes its header by file name.
        renamed[f"{stem}.c"] = renamed[f"{stem}.c"].replace(
            f'#include "{model.name}.h"', f'#include "{stem}.h"'
        )
        return write_files(path.parent, renamed)


def _format(path: Path, format: str) -> str:
    if format not in FORMATS:
        raise MilliwattError(
            f"{format!r} is not possible", option="format", cure=f"choose one of {', '.join(FORMATS)}"
        )
    if format != "auto":
        return format
    by_ending = {".json": "json", ".csv": "csv", ".h": "header", ".c": "c"}
    if path.suffix not in by_ending:
        raise MilliwattError(
            "the ending does not say which format",
            file=path,
            cure="end in .mw.json, .csv, .h or .c, or give format=",
        )
    return by_ending[path.suffix]


def _calibration_samples(
    model: ir.TreeEnsemble, calibration: ArrayLike | str | Path | None
) -> NDArray[np.float64] | None:
    if calibration is None:
        return None
    where = calibration if isinstance(calibration, (str, Path)) else None
    values = read_features(where, model.n_features) if where is not None else np.asarray(calibration)
    try:
        samples = check_samples(model, values, integers=False)
    except InputError as error:
        raise error.within(file=where, option="calibration") from None
    if np.isinf(samples).any():
        raise MilliwattError(
            "a sample is infinite", file=where, option="calibration", cure="leave out such samples"
        )
    if not len(samples):
        raise MilliwattError("no samples", file=where, option="calibration", cure="give at least one row")
    return samples


def _measure(model: Model, estimator: Any, data: NDArray[np.float64]) -> ir.Calibration:
    """The agreement with the estimator on the calibration data, by the independent evaluator."""
    expected = estimator_answers(estimator, data)
    reached = scores(model.ir, model.device_features(data))
    if model.ir.is_classifier:
        columns = class_columns(model.ir, expected)
        agreement = compare_classes(decide(model.ir, reached), columns, model.ir.noise)
    else:
        agreement = compare_values(answers(model.ir, reached), expected, model.bound)
    # A feature that is always missing has the empty range: from inf to -inf.
    known = ~np.isnan(data)
    low = data.min(axis=0, initial=np.inf, where=known)
    high = data.max(axis=0, initial=-np.inf, where=known)
    return ir.Calibration(agreement, tuple(low.tolist()), tuple(high.tolist()))
