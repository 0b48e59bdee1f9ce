"""What a device answered, compared with the same C on this PC and with the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host import HostModel, class_columns, compare_classes, compare_values, undecided
from milliwatt.host.compare import TIE
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
        device: class indices or negative statuses; or floats, NaN where there was an error.
        wanted: the estimator's probabilities or values, or None.
    """
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
    same = device == reference
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
    found: dict[str, Any] = {"same_as_host": int(same.sum()), "agree": int(same.sum())}
    wrong = different(np.flatnonzero(~same), reference, "host")
    if wanted is not None:
        bound = Model(spec.model).bound
        agreement = compare_values(device, wanted, bound)
        off = ~(np.abs(device - wanted) <= bound).all(axis=1)
        wrong += different(np.flatnonzero(off), wanted, "estimator")
        error = agreement.max_error if np.isfinite(agreement.max_error) else None
        found |= {"reference": "estimator", "agree": agreement.agree, "max_error": error}
    return {**found, "disagreements": tuple(wrong[:_SHOWN])}


def _numbers(row: NDArray[Any]) -> list[float | None]:
    """Floats as JSON can hold them: None for NaN, which stands for an error, and for infinities."""
    return [value if np.isfinite(value) else None for value in row.tolist()]
