"""Narrower leaves, chosen and measured: what they change on calibration data, by the numpy oracle."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host.auc import macro_auc
from milliwatt.host.evaluate import scores as ensemble_scores
from milliwatt.host.evaluate_committee import answers, decide, scores
from milliwatt.ir import AnyModel, LeafTrade, TreeEnsemble, TreeModel, ensembles, map_ensembles
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
    exact: TreeModel,
    options: ModelOptions,
    samples: NDArray[Any] | None = None,
    labels: tuple[str, ...] = (),
) -> tuple[TreeModel, LeafTrade | None]:
    """The model with leaves as the options ask for, and what that changed.

    In a committee that is done to each member, and measured on the answers of the whole.

    Args:
        exact: a prepared model with its estimator's own leaves.
        samples: calibration data as device features, if there are any.
        labels: what each sample is, as text, if that is known.

    Returns:
        the model, and what was done and measured: None without calibration data, or where nothing
        was asked for and nothing can be gained.
    """
    automatic = options.leaf_bits == "auto" and not options.leaf_clusters
    if options.leaf_bits == "exact" or (automatic and (samples is None or not _wider(exact, AUTOMATIC[0]))):
        return exact, None
    reference = None if samples is None else _reference(exact, samples, labels)
    if automatic:
        assert reference is not None
        return _automatic(exact, reference)
    clusters = int(options.leaf_clusters)
    bits = CENTRE_BITS if options.leaf_bits == "auto" else int(options.leaf_bits)
    model = _narrowed(exact, bits, clusters, ensembles(exact))
    trade = LeafTrade(bits, clusters, "asked for")
    return model, None if reference is None else _measured(model, trade, reference)


def _wider(model: TreeModel, bits: int) -> list[TreeEnsemble]:
    """Only mixed proportions that are not narrow by themselves; sums of scores stay exact."""
    mixed = [e for e in ensembles(model) if has_proportions(e) and not e.is_pure]
    own = [exact_bits(ensemble) for ensemble in mixed]
    return [e for e, width in zip(mixed, own, strict=True) if width is None or width > bits]


def _automatic(exact: TreeModel, reference: _Reference) -> tuple[TreeModel, LeafTrade]:
    tried: list[str] = []
    for bits in AUTOMATIC:
        wider = _wider(exact, bits)
        if not wider:
            break
        model = _narrowed(exact, bits, 0, wider)
        trade = _measured(model, LeafTrade(bits), reference)
        if not trade.classes_changed:
            fewer = f"; {tried[-1]}" if tried else ""
            return model, dataclasses.replace(trade, reason=f"the narrowest that changes no class{fewer}")
        tried.append(f"{bits} bits would change {trade.classes_changed}")
    return exact, LeafTrade(
        None, 0, ", ".join(tried), 0, reference.auc, reference.auc, labelled=reference.labelled
    )


def _narrowed(exact: TreeModel, bits: int, clusters: int, chosen: list[TreeEnsemble]) -> TreeModel:
    """The model with narrower leaves in those of its sums of trees that are chosen."""
    these = set(map(id, chosen))
    model = map_ensembles(exact, lambda e: narrow_leaves(e, bits, clusters) if id(e) in these else e)
    return dataclasses.replace(model, origin={**model.origin, _LEAVES: describe(bits, clusters)})


def describe(bits: int | None, clusters: int = 0) -> str:
    """Leaves in words: ``"4 bits"``."""
    width = "exact" if bits is None else f"{bits} bit{'s' * (bits != 1)}" if bits else "hard votes"
    return f"{width}, clustered to {clusters} rows a class" if clusters else width


def _reference(exact: TreeModel, samples: NDArray[Any], labels: tuple[str, ...]) -> _Reference:
    if not exact.is_classifier:
        nothing = np.zeros(len(samples), dtype=np.intp)
        return _Reference(samples, nothing, nothing, labelled=False, auc=None)
    reached = scores(exact, samples)
    classes = decide(exact, reached)
    known = class_indices(exact, labels)
    truth = classes if known is None else known
    auc = macro_auc(_likelihood(exact, reached), truth)
    return _Reference(samples, classes, truth, labelled=known is not None, auc=auc)


def _measured(model: TreeModel, trade: LeafTrade, reference: _Reference) -> LeafTrade:
    if not model.is_classifier:
        return trade
    reached = exact_scores(model, trade, reference.samples)
    return dataclasses.replace(
        trade,
        classes_changed=int((decide(model, reached) != reference.classes).sum()),
        auc_before=reference.auc,
        auc_after=macro_auc(_likelihood(model, reached), reference.truth),
        labelled=reference.labelled,
    )


def exact_scores(model: TreeModel, trade: LeafTrade | None, samples: NDArray[Any]) -> NDArray[np.float64]:
    """Scores without the rounding of their float64 sums, which would decide between equal classes.

    Narrow leaves make equal scores likely; the device, which adds up integers, answers the first class.
    Scores of leaves that are not narrow stay as they are.
    """

    def without_rounding(ensemble: TreeEnsemble) -> NDArray[np.float64]:
        reached = ensemble_scores(ensemble, samples)
        bits = None if trade is None else trade.leaf_bits
        if bits is None or not ensemble.leaf_error or not has_proportions(ensemble):
            return reached  # sums of multiples of a power of two are exact
        unit = ((1 << max(1, bits)) - 1) * len(ensemble.trees)
        rounded: NDArray[np.float64] = np.rint(reached * unit) / unit
        return rounded

    return scores(model, samples, without_rounding)


def _likelihood(model: TreeModel, reached: NDArray[np.float64]) -> NDArray[np.float64]:
    """What areas under the curve are made of: probabilities, or scores where there are none."""
    return reached if model.is_binary else answers(model, reached)


def class_indices(model: AnyModel, labels: tuple[str, ...]) -> NDArray[np.intp] | None:
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
