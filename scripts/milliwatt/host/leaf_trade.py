"""Narrower leaves, chosen and measured: what they change on calibration data, by the numpy oracle."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host.auc import macro_auc
from milliwatt.host.evaluate import answers, decide, scores
from milliwatt.ir import LeafTrade, TreeEnsemble
from milliwatt.options import ModelOptions
from milliwatt.passes import CENTRE_BITS, exact_bits, has_proportions, narrow_leaves

# What leaf_bits=auto tries before it leaves the leaves exact.
AUTOMATIC = (8, 16)
_LEAVES = "leaves"  # key in TreeEnsemble.origin


@dataclass(frozen=True)
class _Reference:
    """What exact leaves answer to the calibration data, and the classes that areas are measured against."""

    samples: NDArray[Any]
    classes: NDArray[np.intp]
    truth: NDArray[np.intp]
    labelled: bool
    auc: float | None


def trade_leaves(
    exact: TreeEnsemble,
    options: ModelOptions,
    samples: NDArray[Any] | None = None,
    labels: tuple[str, ...] = (),
) -> tuple[TreeEnsemble, LeafTrade | None]:
    """The model with leaves as the options ask for, and what that changed.

    Args:
        exact: a prepared model with its estimator's own leaves.
        samples: calibration data as device features, if there are any.
        labels: what each sample is, as text, if that is known.

    Returns:
        the model, and what was done and measured: None without calibration data, or where nothing
        was asked for and nothing can be gained.
    """
    automatic = options.leaf_bits == "auto" and not options.leaf_clusters
    if options.leaf_bits == "exact" or (automatic and (samples is None or not _can_gain(exact))):
        return exact, None
    reference = None if samples is None else _reference(exact, samples, labels)
    if automatic:
        assert reference is not None
        return _automatic(exact, reference)
    clusters = int(options.leaf_clusters)
    bits = CENTRE_BITS if options.leaf_bits == "auto" else int(options.leaf_bits)
    model = _narrowed(exact, bits, clusters)
    trade = LeafTrade(bits, clusters, "asked for")
    return model, None if reference is None else _measured(model, trade, reference)


def _can_gain(model: TreeEnsemble) -> bool:
    """Only mixed proportions that are not narrow by themselves; sums of scores stay exact."""
    if not has_proportions(model) or model.is_pure:
        return False
    bits = exact_bits(model)
    return bits is None or bits > AUTOMATIC[0]


def _automatic(exact: TreeEnsemble, reference: _Reference) -> tuple[TreeEnsemble, LeafTrade]:
    own = exact_bits(exact)
    tried: list[str] = []
    for bits in AUTOMATIC:
        if own is not None and own <= bits:
            break
        model = _narrowed(exact, bits, 0)
        trade = _measured(model, LeafTrade(bits), reference)
        if not trade.classes_changed:
            fewer = f"; {tried[-1]}" if tried else ""
            return model, dataclasses.replace(trade, reason=f"the narrowest that changes no class{fewer}")
        tried.append(f"{bits} bits would change {trade.classes_changed}")
    return exact, LeafTrade(
        None, 0, ", ".join(tried), 0, reference.auc, reference.auc, labelled=reference.labelled
    )


def _narrowed(exact: TreeEnsemble, bits: int, clusters: int) -> TreeEnsemble:
    model = narrow_leaves(exact, bits, clusters)
    return dataclasses.replace(model, origin={**model.origin, _LEAVES: describe(bits, clusters)})


def describe(bits: int | None, clusters: int = 0) -> str:
    """Leaves in words: ``"4 bits"``."""
    width = "exact" if bits is None else f"{bits} bit{'s' * (bits != 1)}" if bits else "hard votes"
    return f"{width}, clustered to {clusters} rows a class" if clusters else width


def _reference(exact: TreeEnsemble, samples: NDArray[Any], labels: tuple[str, ...]) -> _Reference:
    if not exact.is_classifier:
        nothing = np.zeros(len(samples), dtype=np.intp)
        return _Reference(samples, nothing, nothing, labelled=False, auc=None)
    reached = scores(exact, samples)
    classes = decide(exact, reached)
    known = _class_indices(exact, labels)
    truth = classes if known is None else known
    auc = macro_auc(_likelihood(exact, reached), truth)
    return _Reference(samples, classes, truth, labelled=known is not None, auc=auc)


def _measured(model: TreeEnsemble, trade: LeafTrade, reference: _Reference) -> LeafTrade:
    if not model.is_classifier:
        return trade
    reached = exact_sums(model, trade, scores(model, reference.samples))
    return dataclasses.replace(
        trade,
        classes_changed=int((decide(model, reached) != reference.classes).sum()),
        auc_before=reference.auc,
        auc_after=macro_auc(_likelihood(model, reached), reference.truth),
        labelled=reference.labelled,
    )


def exact_sums(
    model: TreeEnsemble, trade: LeafTrade | None, reached: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scores without the rounding of their float64 sums, which would decide between equal classes.

    Narrow leaves make equal scores likely; the device, which adds up integers, answers the first class.
    Scores of leaves that are not narrow stay as they are.
    """
    if trade is None or trade.leaf_bits is None or not has_proportions(model):
        return reached  # sums of multiples of a power of two are exact
    unit = ((1 << max(1, trade.leaf_bits)) - 1) * len(model.trees)
    return np.rint(reached * unit) / unit


def _likelihood(model: TreeEnsemble, reached: NDArray[np.float64]) -> NDArray[np.float64]:
    """What areas under the curve are made of: probabilities, or scores where there are none."""
    return reached if model.is_binary else answers(model, reached)


def _class_indices(model: TreeEnsemble, labels: tuple[str, ...]) -> NDArray[np.intp] | None:
    """Labels as class indices; None without labels, or where one of them is no class of the model."""
    known = {_key(str(label)): index for index, label in enumerate(model.classes)}
    found = [known.get(_key(label)) for label in labels]
    if not found or len(known) < len(model.classes):
        return None
    indices = [index for index in found if index is not None]
    return np.array(indices, dtype=np.intp) if len(indices) == len(found) else None


def _key(label: str) -> str | float:
    """A label out of a file and a class as the estimator knows it: 1, 1.0 and "1" are the same."""
    try:
        number = float(label)
    except ValueError:
        return label.strip()
    return label.strip() if math.isnan(number) else number
