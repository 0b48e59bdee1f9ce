"""``convert()`` and :class:`Model`: what a user of the Python package works with."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from milliwatt import ir
from milliwatt.data import Table, read_table
from milliwatt.emit import Choice, choose_method
from milliwatt.emit.bounds import value_bounds
from milliwatt.emit.saving import save_model
from milliwatt.errors import InputError, MilliwattError
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import (
    HostModel,
    answers,
    class_columns,
    compare_classes,
    compare_values,
    decide,
    evaluate,
    leaf_rows,
    mean_trees,
    trade_leaves,
    undecided,
)
from milliwatt.host.leaf_trade import exact_scores
from milliwatt.host.runner import check_samples
from milliwatt.ir.committee import in_words
from milliwatt.ir.validate import check_name
from milliwatt.options import ModelOptions
from milliwatt.passes import Decision, order_trees, prepare

_MEASURED = 2000  # samples that are followed through every tree


def convert(
    estimator: Any,
    *,
    name: str = "model",
    method: str = "auto",
    dtype: str = "auto",
    nan: str = "auto",
    calibration: ArrayLike | str | Path | None = None,
    leaf_bits: int | str = "auto",
    leaf_clusters: int = 0,
    budget: str = "",
) -> Model:
    """Convert a fitted estimator into a model for a microcontroller.

    Args:
        estimator: scikit-learn's DecisionTree, ExtraTree, RandomForest or ExtraTrees, classifier
            or regressor.
        name: prefix of all generated C names.
        method: ``'inline'`` (generated if/else: fastest), ``'loadable'`` (packed tables: small),
            ``'compact'`` (tables without a spare bit: smallest, and slower) or ``'auto'``.
        dtype: feature type on the device: ``'float'``, ``'int8'``, ``'uint8'``, ``'int16'``,
            ``'int32'``, or ``'auto'``: float, unless calibration data or thresholds show integers.
        nan: ``'refuse'``, ``'follow'``, ``'ignore'`` or ``'auto'``; see ``ModelOptions``.
        calibration: samples like those the device will see: an array of shape (rows, features) or
            a CSV file, with a last column ``label`` if you like. Used to choose type, scale and leaf
            width, and to measure the agreement.
        leaf_bits: width of leaf values: 1 to 16, 0 (hard votes), ``'exact'``, or ``'auto'``: exact, or 8 or
            16 bits where that changes no class on the calibration data; see ``ModelOptions``.
        leaf_clusters: leaf rows a class that k-means leaves over; 0: leaves are not clustered.
        budget: what ``method='auto'`` has to keep to: ``'speed'``, ``'flash'`` or ``'flash=8k'``.

    Raises:
        UnsupportedModelError: the estimator, or a setting of it, is not supported.
        MilliwattError: an option is wrong, or would change answers.
    """
    path = str(calibration) if isinstance(calibration, (str, Path)) else ""
    options = ModelOptions(method, dtype, nan, path, leaf_bits, leaf_clusters, budget)
    raw = to_ir(estimator, nan=nan)
    raw = dataclasses.replace(raw, name=check_name(name), method=method, budget=budget)
    data, labels = _calibration_samples(raw, calibration)
    prepared, decision = prepare(raw, options.dtype, data)
    samples = None if data is None else Model(prepared).device_features(data)
    exact = prepared
    prepared, trade = trade_leaves(exact, options, samples, labels)
    prepared = ir.map_ensembles(prepared, lambda e: order_trees(e, _reached(e, samples)))
    model = Model(prepared, decision)
    if data is None or samples is None:
        return model
    expected = estimator_answers(estimator, data)
    measured = _measure(model, expected, data, samples, trade, undecided(exact, samples))
    return Model(dataclasses.replace(prepared, calibration=measured), decision)


def load(path: str | Path, *, dtype: str = "auto") -> Model:
    """The model in a ``*.mw.json`` file, or in a ``*.csv`` file in emlearn's format.

    Args:
        dtype: CSV only, which does not say what features are: ``'auto'`` is ``'int16'`` when all
            thresholds are multiples of 1/2 in its range, else ``'float'``.
    """
    return Model(ir.read_model(path, ModelOptions(dtype=dtype)))


class Model:
    """A converted model.

    ``predict`` and ``predict_proba`` run the emitted C, compiled for this PC: what they answer is
    what the device answers.

    Attributes:
        ir: the intermediate representation.
        decision: the feature type that was chosen, and why (None for a loaded model).
    """

    def __init__(self, model: ir.AnyModel, decision: Decision | None = None) -> None:
        self.ir = model
        self.decision = decision

    def __repr__(self) -> str:
        m = self.ir
        return (
            f"<milliwatt.Model {m.name}: {in_words(m)}, {len(m.trees)} trees, {m.n_splits} splits, "
            f"{m.n_features} {m.dtype} features, {self.choice.method}>"
        )

    @property
    def choice(self) -> Choice:
        """Inline, loadable or compact, and why."""
        return choose_method(self.ir)

    @property
    def classes_(self) -> NDArray[Any]:
        """The estimator's class labels, in its order."""
        return np.asarray(self.ir.classes)

    @property
    def bound(self) -> NDArray[np.float64]:
        """The largest possible difference to the estimator's answer, one an output or class."""
        bound = np.asarray(value_bounds(self.ir), dtype=np.float64)
        return bound + self.ir.leaf_error if self.ir.leaf_error else bound

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
                ``.h`` (one header), ``.c`` (header and source), ``.mw.bin`` or ``.bin`` (data for
                ``mw_model_open``).
            name: prefix of C names; the model's own name by default.
            format: ``'json'``, ``'csv'``, ``'header'``, ``'c'``, ``'bin'``, or ``'auto'``.

        Returns:
            the files written.
        """
        model = dataclasses.replace(self.ir, name=check_name(name)) if name else self.ir
        return save_model(model, Path(file), format).files


def _calibration_samples(
    model: ir.AnyModel, calibration: ArrayLike | str | Path | None
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Calibration data and, where a file has them, the labels."""
    if calibration is None:
        return None, ()
    where = calibration if isinstance(calibration, (str, Path)) else None
    table = read_table(where, model.n_features) if where is not None else Table(np.asarray(calibration))
    values = table.features
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
    return samples, table.labels


def _measure(
    model: Model,
    expected: NDArray[np.float64],
    data: NDArray[np.float64],
    samples: NDArray[Any],
    trade: ir.LeafTrade | None,
    unclear: NDArray[np.bool_],
) -> ir.Calibration:
    """The agreement with the estimator on the calibration data, by the independent evaluator.

    Args:
        expected: what the estimator answers to the data.
        unclear: rows in which the estimator's rounding decides a vote.
    """
    reached = exact_scores(model.ir, trade, samples)
    if model.ir.is_classifier:
        columns = class_columns(model.ir, expected)
        tie = np.where(unclear, np.inf, model.ir.noise)
        agreement = compare_classes(decide(model.ir, reached), columns, tie)
    else:
        bound = model.bound + _noise(model.ir, reached)
        agreement = compare_values(answers(model.ir, reached), expected, bound)
    # A feature that is always missing has the empty range: from inf to -inf.
    known = ~np.isnan(data)
    low = data.min(axis=0, initial=np.inf, where=known)
    high = data.max(axis=0, initial=-np.inf, where=known)
    evaluated = mean_trees(model.ir, _some(samples))
    return ir.Calibration(agreement, tuple(low.tolist()), tuple(high.tolist()), trade, evaluated)


def _noise(model: ir.AnyModel, reached: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the estimator's own rounding can move a regressor's answers."""
    noise: NDArray[np.float64] = np.full(reached.shape, model.noise)
    if isinstance(model, ir.Committee):
        return noise
    if model.link == "exp":
        noise = answers(model, reached) * np.expm1(model.noise)
    elif model.link == "sigmoid":
        noise = noise / 4
    return noise


def _some(samples: NDArray[Any]) -> NDArray[Any]:
    """Not more samples than a measurement of every tree needs, from all over the data."""
    return samples[:: -(-len(samples) // _MEASURED)]


def _reached(model: ir.TreeEnsemble, samples: NDArray[Any] | None) -> NDArray[np.intp] | None:
    """Which leaf row each sample reaches in each tree."""
    if samples is None:
        return None
    chosen = _some(samples)
    return np.column_stack([leaf_rows(model, tree, chosen) for tree in model.trees])
