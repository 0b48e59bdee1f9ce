"""What ``convert()`` does with neural networks: task, feature type, quantisation, and what these changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt import ir
from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.frontends import answers_of, estimator_answers, knows_task
from milliwatt.frontends.network_task import task_answers, with_task
from milliwatt.host import answers, compare_classes, compare_labels, compare_values, decide, scores
from milliwatt.host.leaf_trade import class_indices
from milliwatt.host.network_bounds import answer_bounds
from milliwatt.host.quantization import quantize_network
from milliwatt.ir.network import Network
from milliwatt.options import ModelOptions
from milliwatt.passes.feature_type import Decision
from milliwatt.passes.network_type import choose_network_type, scaled_features, set_network_type

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class _Data:
    """Calibration data.

    Attributes:
        real: as the estimator takes it, shape (rows, features).
        labels: what each row is, as text; or nothing.
        expected: the estimator's answers, in the columns of the converted model.
    """

    real: Floats
    labels: tuple[str, ...]
    expected: Floats


def convert_network(
    estimator: Any,
    raw: Network,
    options: ModelOptions,
    data: Floats | None,
    labels: tuple[str, ...],
    given: Floats | None = None,
) -> tuple[Network, Decision]:
    """The network as the options say, with what was measured on calibration data.

    Args:
        raw: the estimator's network of floats, as its frontend gives it.
        data: calibration data as the estimator takes it, shape (rows, features), if there is any. Images
            are given row by row, the channels of a pixel together.
        labels: what each row is, as text, if that is known.
        given: what the estimator itself is given, where the device computes features less exactly. Classes
            are compared with its own; values, of which every digit counts, with what it makes of ``data``.

    Raises:
        MilliwattError: an option that this network cannot honour.
    """
    network = _with_task(estimator, raw, options)
    _check_quantize(network, options, data)
    decision = choose_network_type(network, options.dtype, options.quantize, data)
    if data is None:
        return _as_the_file_says(set_network_type(network, decision), options), decision
    exact = given is not None and network.is_classifier
    expected = task_answers(raw, network, _answers(estimator, data, given if exact else None))
    return _calibrated(network, decision, options, _Data(data, labels, expected)), decision


def _answers(estimator: Any, data: Floats, given: Floats | None) -> Floats:
    """What the estimator itself answers to calibration data, which takes its library."""
    try:
        return estimator_answers(estimator, data) if given is None else answers_of(estimator, given)
    except ModuleNotFoundError as error:
        raise ToolMissingError(
            f"the Python module {error.name!r} is needed for what the network itself answers to the data",
            option="calibration",
            cure=f"pip install {error.name}",
        ) from None


def _with_task(estimator: Any, raw: Network, options: ModelOptions) -> Network:
    if not knows_task(estimator):
        return with_task(raw, options.task, options.classes)
    kind = type(estimator).__name__
    if options.classes:
        raise MilliwattError(
            f"a {kind} knows its classes", option="classes", cure="leave it out, or train with other labels"
        )
    own = "multilabel" if raw.is_multilabel else raw.task
    if options.task not in ("auto", own):
        raise MilliwattError(f"a {kind} is a {own}", option="task", cure="leave it out")
    return raw


def _check_quantize(network: Network, options: ModelOptions, data: Floats | None) -> None:
    if options.quantize == "none":
        return
    if network.is_integer:
        raise MilliwattError(
            "the network is quantised already, and keeps its scales", option="quantize", cure="leave it out"
        )
    if data is None and network.hints is None:
        raise MilliwattError(
            f"quantize={options.quantize} needs calibration data, which show how large the numbers between"
            " layers become",
            option="quantize",
            cure="give calibration=, a CSV file (in Python an array too) of some hundred samples like those"
            " the device will see",
        )


def _as_the_file_says(network: Network, options: ModelOptions) -> Network:
    """Without calibration data: floats; or integers, with the scales of the file."""
    if options.quantize == "none" or network.is_integer:
        return network
    return quantize_network(dataclasses.replace(network, quantize=options.quantize), None)[0]


def _calibrated(network: Network, decision: Decision, options: ModelOptions, data: _Data) -> Network:
    """The network as it will be, its calibration filled in."""
    device = scaled_features(decision, data.real)
    made, trade = set_network_type(network, decision), None
    layers: tuple[ir.LayerError, ...] = ()
    if options.quantize != "none":
        made, layers = quantize_network(dataclasses.replace(made, quantize=options.quantize), device)
    found = _Measured.of(made, device)
    if options.quantize != "none":
        trade = _trade(_Measured.of(network, data.real), found, data, layers)
    # What is agreed on is said within a bound, of which the largest difference is a part.
    unmeasured = ir.Calibration(ir.Agreement(len(device), 0), quantize=trade)
    found = dataclasses.replace(found, model=dataclasses.replace(made, calibration=unmeasured))
    measured = ir.Calibration(
        _agreement(found, data.expected),
        tuple(data.real.min(axis=0).tolist()),
        tuple(data.real.max(axis=0).tolist()),
        quantize=trade,
    )
    return dataclasses.replace(made, calibration=measured)


@dataclasses.dataclass(frozen=True)
class _Measured:
    """What a network makes of calibration data, as it takes them: scores, shape (rows, outputs)."""

    model: Network
    features: Floats
    scores: Floats

    @classmethod
    def of(cls, model: Network, features: Floats) -> _Measured:
        return cls(model, features, scores(model, features))

    @property
    def answers(self) -> Floats:
        """Probabilities or values, shape (rows, answers)."""
        return answers(self.model, self.scores)

    @property
    def decided(self) -> NDArray[np.intp]:
        """Class indices, shape (rows,); or for each label whether it holds, shape (rows, labels)."""
        if self.model.is_multilabel:
            return (self.scores > 0.0).astype(np.intp)
        return decide(self.model, self.scores)


def _trade(
    before: _Measured, after: _Measured, data: _Data, layers: tuple[ir.LayerError, ...]
) -> ir.QuantizeTrade:
    """What integers changed, on calibration data."""
    changed = 0
    if before.model.is_classifier:
        differ = (before.decided != after.decided).reshape(len(data.real), -1)
        changed = int(differ.any(axis=1).sum())
    return ir.QuantizeTrade(
        quantize=after.model.quantize,
        before=_agreement(before, data.expected),
        classes_changed=changed,
        largest_difference=float(np.abs(before.answers - after.answers).max()),
        accuracy_before=_accuracy(before, data.labels),
        accuracy_after=_accuracy(after, data.labels),
        layers=layers,
        no_accuracy=_no_accuracy(after.model, data.labels),
    )


def _agreement(found: _Measured, expected: Floats) -> ir.Agreement:
    """With the estimator: classes or labels, or values within what :func:`answer_bounds` states.

    Estimators compute in float32: probabilities as close to each other as ``noise`` are equal to them.
    """
    if found.model.is_multilabel:
        return compare_labels(found.decided, expected, found.model.noise)
    if found.model.is_classifier:
        return compare_classes(found.decided, expected, found.model.noise)
    return compare_values(found.answers, expected, answer_bounds(found.model, found.features))


def _accuracy(found: _Measured, labels: tuple[str, ...]) -> float | None:
    """The fraction of rows with the right label; of a regressor the root of the mean square error."""
    if not labels or _no_accuracy(found.model, labels):
        return None
    if found.model.is_classifier:
        return float((found.decided == class_indices(found.model, labels)).mean())
    values = np.array([float(label) for label in labels])
    return float(np.sqrt(np.square(found.answers[:, 0] - values).mean()))


def _no_accuracy(model: Network, labels: tuple[str, ...]) -> str:
    """Why labels say nothing of this network; empty where they do, or where there are none."""
    if model.is_multilabel or (not model.is_classifier and model.n_outputs != 1):
        return f"samples have one label, answers {model.n_answers} values" if labels else ""
    for label in dict.fromkeys(labels):
        if model.is_classifier and class_indices(model, (label,)) is None:
            return f"label {label!r} is none of the classes"
        if not model.is_classifier and not _is_finite(label):
            return f"label {label!r} is no number"
    return ""


def _is_finite(label: str) -> bool:
    try:
        return bool(np.isfinite(float(label)))
    except ValueError:
        return False
