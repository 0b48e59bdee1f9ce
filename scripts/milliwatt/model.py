"""``convert()`` and :class:`Model`: what a user of the Python package works with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from milliwatt import ir
from milliwatt.data import Table, read_table
from milliwatt.emit import Choice, choose_method
from milliwatt.emit.bounds import value_bounds
from milliwatt.emit.net_plan import arena_size
from milliwatt.emit.net_report import LayerCost, layer_costs
from milliwatt.emit.saving import save_model
from milliwatt.errors import InputError, MilliwattError
from milliwatt.frontends import answers_of, estimator_answers, to_ir, with_input_shape
from milliwatt.frontends.raw_pipelines import begins_with_samples
from milliwatt.host import (
    HostModel,
    evaluate,
    trade_leaves,
    undecided,
)
from milliwatt.host.network_bounds import answer_bounds
from milliwatt.host.runner import check_samples
from milliwatt.host.tree_calibration import measure_trees, reached_leaves
from milliwatt.ir.committee import in_words
from milliwatt.ir.validate import check_name
from milliwatt.networks import convert_network
from milliwatt.options import Label, ModelOptions, check_kind
from milliwatt.passes import Decision, order_trees, prepare
from milliwatt.raw_samples import convert_raw, features_of_samples


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
    quantize: str = "none",
    arena: str = "auto",
    task: str = "auto",
    classes: Sequence[Label] | str = (),
    input_shape: Sequence[int] | str = (),
) -> Model:
    """Convert a fitted estimator into a model for a microcontroller.

    An option that this kind of estimator cannot honour is an error.

    Args:
        estimator: of scikit-learn trees, forests, boosting, AdaBoost, isolation forests, Voting and Bagging
            of these, and MLPs; XGBoost's and LightGBM's trees; a Keras model; what ``torch.export`` gives
            or a PyTorch module; an ONNX model.
        name: prefix of all generated C names.
        method: ``'inline'`` (generated if/else: fastest), ``'loadable'`` (packed tables: small),
            ``'compact'`` (tables without a spare bit: smallest, and slower) or ``'auto'``; trees only.
        dtype: feature type on the device: ``'float'``, ``'int8'``, ``'uint8'``, ``'int16'``,
            ``'int32'``, or ``'auto'``: float, unless calibration data or thresholds show integers; see
            ``ModelOptions`` for networks.
        nan: ``'refuse'``, ``'follow'``, ``'ignore'`` or ``'auto'``; see ``ModelOptions``.
        calibration: samples like those the device will see: an array of shape (rows, features) or
            a CSV file, with a last column ``label`` if you like. Used to choose type, scale and leaf
            width, to quantise, and to measure the agreement. A network's images are rows of features
            too: the image row by row, the channels of a pixel together (height, width, channels),
            also for libraries that have channels first.
        leaf_bits: width of leaf values: 1 to 16, 0 (hard votes), ``'exact'``, or ``'auto'``: exact, or 8 or
            16 bits where that changes no class on the calibration data; see ``ModelOptions``.
        leaf_clusters: leaf rows a class that k-means leaves over; 0: leaves are not clustered.
        budget: what ``method='auto'`` has to keep to: ``'speed'``, ``'flash'`` or ``'flash=8k'``.
        quantize: networks: ``'int8'`` or ``'int16'`` layers, from calibration data, or with the scales of
            an ONNX graph that is quantised already (in QDQ form); ``'none'``: floats.
        arena: networks: ``'static'``, the generated code has the buffers between layers; ``'caller'``,
            whoever calls gives them.
        task: networks out of libraries that do not say: ``'classifier'``, ``'multilabel'``,
            ``'regressor'``; ``'auto'``: what ends in softmax or sigmoid, or has ``classes``, classifies.
        classes: networks that do not know their classes: the labels, in the order of outputs.
        input_shape: a PyTorch module's sample, where it does not begin with a Linear layer:
            ``(1, 28, 28)`` or ``'1x28x28'``, as the module takes it.

    Raises:
        UnsupportedModelError: the estimator, or a setting of it, is not supported.
        MilliwattError: an option is wrong, or would change answers.
    """
    path = str(calibration) if isinstance(calibration, (str, Path)) else ""
    options = ModelOptions(
        method,
        dtype,
        nan,
        path,
        leaf_bits,
        leaf_clusters,
        budget,
        quantize,
        arena,
        task,
        classes,
        input_shape,
    )
    if begins_with_samples(estimator):

        def of_features(last: Any, features: Any, kind: str, given: Any) -> ir.AnyModel:
            inner = dataclasses.replace(options, dtype=kind, input_shape=())
            return _convert(last, name, inner, features, given).ir

        return Model(convert_raw(estimator, options, calibration, of_features))
    return _convert(estimator, name, options, calibration)


def _convert(
    estimator: Any,
    name: str,
    options: ModelOptions,
    calibration: ArrayLike | str | Path | None,
    given: NDArray[np.float64] | None = None,
) -> Model:
    """The model of an estimator that takes features.

    Args:
        given: what the estimator itself is given for the calibration samples, where that is something else.
    """
    estimator = with_input_shape(estimator, tuple(options.input_shape))  # type: ignore[arg-type]
    raw = to_ir(estimator, nan=options.nan)
    kind = f"this {type(estimator).__name__}"
    check_kind(options, network=isinstance(raw, ir.Network), what=kind)
    raw = dataclasses.replace(raw, name=check_name(name))
    data, labels = _calibration_samples(raw, calibration)
    if isinstance(raw, ir.Network):
        network, decision = convert_network(estimator, raw, options, data, labels, given)
        return Model(ir.settle(network, ModelOptions(arena=options.arena)), decision)
    return _convert_trees(estimator, raw, options, data, labels, given)


def _convert_trees(
    estimator: Any,
    raw: ir.TreeModel,
    options: ModelOptions,
    data: NDArray[np.float64] | None,
    labels: tuple[str, ...],
    given: NDArray[np.float64] | None,
) -> Model:
    raw = dataclasses.replace(raw, method=options.method, budget=options.budget)
    prepared, decision = prepare(raw, options.dtype, data)
    samples = None if data is None else Model(prepared).device_features(data)
    exact = prepared
    prepared, trade = trade_leaves(exact, options, samples, labels)
    prepared = ir.map_ensembles(prepared, lambda e: order_trees(e, reached_leaves(e, samples)))
    model = Model(prepared, decision)
    if data is None or samples is None:
        return model
    expected = estimator_answers(estimator, data) if given is None else answers_of(estimator, given)
    measured = measure_trees(prepared, model.bound, expected, data, samples, trade, undecided(exact, samples))
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
        if isinstance(m, ir.Network):
            kind = f", {m.quantize}" if m.is_integer else ""
            return f"<milliwatt.Model {m.name}: {in_words(m)}{kind}, {m.n_features} {m.dtype} features>"
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
        """The largest possible difference to the estimator's answer, one an output or class.

        Raises:
            MilliwattError: of a network, where that depends on the samples: see :meth:`bounds`.
        """
        if isinstance(self.ir, ir.Network):
            raise MilliwattError(
                "how far a network's answers can be off depends on the samples",
                option=self.ir.name,
                cure="use bounds(X)",
            )
        bound = np.asarray(value_bounds(self.ir), dtype=np.float64)
        return bound + self.ir.leaf_error if self.ir.leaf_error else bound

    def bounds(self, X: ArrayLike) -> NDArray[np.float64]:
        """The largest difference to the estimator's answer to be expected, shape (rows, outputs or classes).

        Of trees it is proven (:attr:`bound`). Of a network of floats it is ``network_bounds.RELATIVE`` of
        what the last layer adds up; of one of integers, the largest difference on calibration data.
        """
        samples = self._evaluated(X)
        if isinstance(self.ir, ir.Network):
            return answer_bounds(self.ir, samples)
        return np.broadcast_to(self.bound, (len(samples), len(self.bound)))

    @property
    def arena_size(self) -> int:
        """Bytes that a network's numbers between layers take (``<NAME>_ARENA_SIZE``); 0 for trees."""
        return arena_size(self.ir) if isinstance(self.ir, ir.Network) else 0

    @property
    def layers(self) -> tuple[LayerCost, ...]:
        """What each layer of a network takes, and how far quantisation has moved it; nothing for trees."""
        return layer_costs(self.ir) if isinstance(self.ir, ir.Network) else ()

    @cached_property
    def host(self) -> HostModel:
        """The emitted C, compiled for this PC on first use."""
        return HostModel(self.ir)

    def __getstate__(self) -> dict[str, Any]:
        # A loaded library cannot travel to another process; it is found again by its content.
        return {key: value for key, value in self.__dict__.items() if key != "host"}

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class labels, or for regressors values: shape (rows,), or (rows, outputs) with several outputs.

        Of labels that are answered each for itself: 0 or 1, shape (rows, labels).

        Args:
            X: rows of features; of a model from raw samples what its pipeline takes: a list of recordings, or
                an array of windows. The rows of the answer are windows then.

        Raises:
            InputError: samples of the wrong shape or outside the feature type.
            ToolMissingError: there is no C compiler on this PC.
        """
        samples = self._taken(X)
        if isinstance(self.ir, ir.Network) and self.ir.is_multilabel:
            return self.host.predict_labels(samples)
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
        return self.host.predict_proba(self._taken(X))

    def features(self, X: Any) -> NDArray[Any]:
        """What the model's signals make of raw samples, as the device does; shape (windows, features).

        Args:
            X: a list of recordings, or an array of windows, as the pipeline takes them.

        Raises:
            MilliwattError: the model takes features, not samples.
            InputError: samples of another shape or type.
        """
        if self.ir.signals is None:
            raise MilliwattError(
                "the model takes features, not raw samples", option=self.ir.name, cure="use predict()"
            )
        return features_of_samples(self.ir, self.host, X)

    def _taken(self, X: Any) -> NDArray[Any]:
        """Device features of whatever the model takes."""
        return self.features(X) if self.ir.signals else self.host.device_features(flat(self.ir, X))

    def evaluate(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (scores where there are none) or values, by numpy instead of C.

        An independent check; needs no compiler unless features are scaled, or made of raw samples.
        """
        return evaluate(self.ir, self._evaluated(X))

    def _evaluated(self, X: Any) -> NDArray[Any]:
        """What numpy is to evaluate: device features, without a compiler where that is possible."""
        return self.features(X) if self.ir.signals else self.device_features(flat(self.ir, X))

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


def flat(model: ir.AnyModel, X: ArrayLike) -> NDArray[Any]:
    """Samples as rows of features, where a network is given its images as images.

    That is in the order that features have, channels last: shape (rows, height, width, channels); signals
    (rows, length, channels); a single channel may be left out. Whatever else is given stays as it is.
    """
    given = np.asarray(X)
    if not isinstance(model, ir.Network) or given.ndim < 3:
        return given
    shape = [side for side in model.shapes[0] if side > 1]
    same = [side for side in given.shape[1:] if side > 1] == shape
    return given.reshape(len(given), -1) if same else given


def _calibration_samples(
    model: ir.AnyModel, calibration: ArrayLike | str | Path | None
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Calibration data and, where a file has them, the labels."""
    if calibration is None:
        return None, ()
    where = calibration if isinstance(calibration, (str, Path)) else None
    if where is None:
        table = Table(flat(model, np.asarray(calibration)))
    else:
        table = read_table(where, model.n_features)
    values = table.features
    try:
        samples = check_samples(model, values, integers=False)
    except InputError as error:
        raise error.within(file=where, option="calibration") from None
    if np.isinf(samples).any():
        raise MilliwattError(
            "a sample is infinite", file=where, option="calibration", cure="leave out such samples"
        )
    if isinstance(model, ir.Network) and np.isnan(samples).any():  # with nan=ignore too
        raise MilliwattError(
            "a sample holds NaN", file=where, option="calibration", cure="leave out such samples"
        )
    if not len(samples):
        raise MilliwattError("no samples", file=where, option="calibration", cure="give at least one row")
    return samples, table.labels
