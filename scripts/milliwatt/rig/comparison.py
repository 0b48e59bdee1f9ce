"""What a device answered, compared with the same C on this PC and with the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host import (
    HostModel,
    class_columns,
    compare_classes,
    compare_labels,
    compare_values,
    scores,
    undecided,
)
from milliwatt.host.compare import TIE
from milliwatt.host.network_bounds import answer_bounds, score_bounds
from milliwatt.ir import AnyModel, Network
from milliwatt.model import Model
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.report import Disagreement

_SHOWN = 20  # disagreements a report carries


def compare(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    device: NDArray[Any],
    wanted: NDArray[np.float64] | None,
) -> dict[str, Any]:
    """The fields of a report that say how the device answered.

    Args:
        features: the rows that were sent.
        device: class indices or negative statuses; or floats, NaN where there was an error; or labels,
            -1 where there was one.
        wanted: the estimator's probabilities or values, or None.
    """
    if spec.function == "predict_labels":
        return _compare_labels(spec, host, features, device, wanted)
    if spec.vector:
        return _compare_vectors(spec, host, features, device, wanted)
    return _compare_indices(spec, host, features, device, wanted)


def _compare_indices(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    device: NDArray[Any],
    wanted: NDArray[np.float64] | None,
) -> dict[str, Any]:
    classes = spec.model.classes

    def answer(index: int) -> Any:
        return classes[index] if 0 <= index < len(classes) else f"status {index}"

    def different(rows: NDArray[np.intp], other: NDArray[Any], reference: str) -> list[Disagreement]:
        return [Disagreement(int(i), answer(device[i]), answer(other[i]), reference) for i in rows]

    reference = host.predict(features)
    same = (device == reference) | _rounding_decides(spec.model, features, device)
    found: dict[str, Any] = {"same_as_host": int(same.sum()), "agree": int(same.sum())}
    wrong = different(np.flatnonzero(~same), reference, "host")
    if wanted is not None:
        # A status is no index: such a row agrees with nothing.
        valid = (device >= 0) & (device < len(classes))
        wanted = class_columns(spec.model, wanted)
        unclear = undecided(spec.model, features)
        tie = np.where(unclear, np.inf, max(spec.model.noise, TIE))
        agreement = compare_classes(device[valid], wanted[valid], tie[valid])
        given = np.take_along_axis(wanted, np.where(valid, device, 0)[:, np.newaxis], axis=1)[:, 0]
        off = ~valid | (wanted.max(axis=1) - given >= tie)
        wrong += different(np.flatnonzero(off), wanted.argmax(axis=1), "estimator")
        found |= {"reference": "estimator", "agree": agreement.agree, "ties": agreement.ties}
    return {**found, "disagreements": tuple(wrong[:_SHOWN])}


def _compare_vectors(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    device: NDArray[Any],
    wanted: NDArray[np.float64] | None,
) -> dict[str, Any]:
    def different(rows: NDArray[np.intp], other: NDArray[Any], reference: str) -> list[Disagreement]:
        return [Disagreement(int(i), _numbers(device[i]), _numbers(other[i]), reference) for i in rows]

    answer = {"predict_proba": host.predict_proba, "score": host.score, "regress": host.regress}
    reference = answer[spec.function](features)
    # Bit by bit, so that -0 is not 0; NaN is what an error was made of.
    same = (device.view(np.uint32) == reference.view(np.uint32)).all(axis=1) & ~np.isnan(device).any(axis=1)
    if isinstance(spec.model, Network) and _rounds(spec.model):
        limit = score_bounds if spec.function == "score" else answer_bounds
        same |= (np.abs(device - reference) <= limit(spec.model, features)).all(axis=1)
    found: dict[str, Any] = {"same_as_host": int(same.sum()), "agree": int(same.sum())}
    wrong = different(np.flatnonzero(~same), reference, "host")
    if wanted is not None:
        bound = _bounds(spec.model, features)
        agreement = compare_values(device, wanted, bound)
        off = ~(np.abs(device - wanted) <= bound).all(axis=1)
        wrong += different(np.flatnonzero(off), wanted, "estimator")
        error = agreement.max_error if np.isfinite(agreement.max_error) else None
        found |= {"reference": "estimator", "agree": agreement.agree, "max_error": error}
    return {**found, "disagreements": tuple(wrong[:_SHOWN])}


def _compare_labels(
    spec: FirmwareSpec,
    host: HostModel,
    features: NDArray[Any],
    device: NDArray[Any],
    wanted: NDArray[np.float64] | None,
) -> dict[str, Any]:
    assert isinstance(spec.model, Network)
    reference = host.predict_labels(features).astype(np.int64)
    alike = device == reference
    if _rounds(spec.model):
        reached = scores(spec.model, features)
        alike |= (np.abs(reached) <= score_bounds(spec.model, features)) & (device >= 0)
    same = alike.all(axis=1)

    def different(rows: NDArray[np.intp], other: NDArray[Any], reference: str) -> list[Disagreement]:
        return [Disagreement(int(i), device[i].tolist(), other[i].tolist(), reference) for i in rows]

    found: dict[str, Any] = {"same_as_host": int(same.sum()), "agree": int(same.sum())}
    wrong = different(np.flatnonzero(~same), reference, "host")
    if wanted is not None:
        tie = max(spec.model.noise, TIE)
        valid = (device >= 0).all(axis=1)
        agreement = compare_labels(device[valid], wanted[valid], tie)
        held = (wanted > 0.5).astype(np.int64)
        off = ~valid | ((device != held) & (np.abs(wanted - 0.5) >= tie)).any(axis=1)
        wrong += different(np.flatnonzero(off), held, "estimator")
        found |= {"reference": "estimator", "agree": agreement.agree, "ties": agreement.ties}
    return {**found, "disagreements": tuple(wrong[:_SHOWN])}


def _rounds(model: AnyModel) -> bool:
    """A compiler may round its sums otherwise than this PC's: it multiplies and adds in one step, say."""
    return isinstance(model, Network) and not model.is_integer


def _rounding_decides(model: AnyModel, features: NDArray[Any], device: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows of a network of floats whose class is as good as the best, as far as rounding lets one say."""
    found = np.zeros(len(features), dtype=bool)
    if not _rounds(model):
        return found
    assert isinstance(model, Network)
    valid = (device >= 0) & (device < len(model.classes))
    reached, bound = scores(model, features), score_bounds(model, features)
    if model.is_binary:
        return np.asarray(valid & (np.abs(reached[:, 0]) <= bound[:, 0]))
    given = np.take_along_axis(reached, np.where(valid, device, 0)[:, np.newaxis], axis=1)[:, 0]
    return np.asarray(valid & (reached.max(axis=1) - given <= 2 * bound.max(axis=1)))


def _bounds(model: AnyModel, features: NDArray[Any]) -> NDArray[np.float64]:
    """How far answers may be off the estimator's; one row, or one for each."""
    return answer_bounds(model, features) if isinstance(model, Network) else Model(model).bound


def _numbers(row: NDArray[Any]) -> list[float | None]:
    """Floats as JSON can hold them: None for NaN, which stands for an error, and for infinities."""
    return [value if np.isfinite(value) else None for value in row.tolist()]
