"""What is measured of trees on calibration data: agreement with the estimator, ranges, trees evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt import ir
from milliwatt.host.committee_exit import mean_trees
from milliwatt.host.compare import compare_classes, compare_values
from milliwatt.host.evaluate import leaf_rows
from milliwatt.host.evaluate_committee import answers, class_columns, decide
from milliwatt.host.leaf_trade import exact_scores

_MEASURED = 2000  # samples that are followed through every tree


def measure_trees(
    model: ir.TreeModel,
    bound: NDArray[np.float64],
    expected: NDArray[np.float64],
    data: NDArray[np.float64],
    samples: NDArray[Any],
    trade: ir.LeafTrade | None,
    unclear: NDArray[np.bool_],
) -> ir.Calibration:
    """The agreement with the estimator on the calibration data, by the independent evaluator.

    Args:
        bound: of the model's answers.
        expected: what the estimator answers to the data.
        unclear: rows in which the estimator's rounding decides a vote.
    """
    reached = exact_scores(model, trade, samples)
    if model.is_classifier:
        columns = class_columns(model, expected)
        tie = np.where(unclear, np.inf, model.noise)
        agreement = compare_classes(decide(model, reached), columns, tie)
    else:
        bound = bound + _noise(model, reached)
        agreement = compare_values(answers(model, reached), expected, bound)
    # A feature that is always missing has the empty range: from inf to -inf.
    known = ~np.isnan(data)
    low = data.min(axis=0, initial=np.inf, where=known)
    high = data.max(axis=0, initial=-np.inf, where=known)
    evaluated = mean_trees(model, _some(samples))
    return ir.Calibration(agreement, tuple(low.tolist()), tuple(high.tolist()), trade, evaluated)


def _noise(model: ir.TreeModel, reached: NDArray[np.float64]) -> NDArray[np.float64]:
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


def reached_leaves(model: ir.TreeEnsemble, samples: NDArray[Any] | None) -> NDArray[np.intp] | None:
    """Which leaf row each sample reaches in each tree."""
    if samples is None:
        return None
    chosen = _some(samples)
    return np.column_stack([leaf_rows(model, tree, chosen) for tree in model.trees])
