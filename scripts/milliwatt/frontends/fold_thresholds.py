"""Trees behind transformers: thresholds are moved in front of them, so that nothing is left to compute.

A split sends a sample left when ``f(x) <= t``. Where ``f`` never falls, this is ``x <= s`` with the largest
``s`` whose ``f(s) <= t``, which bisection over the float64 numbers finds exactly: no answer changes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.preparation import Column, Preparation, Values
from milliwatt.ir import TreeEnsemble, TreeModel, map_ensembles
from milliwatt.ir.model import Tree, used_features

_LARGEST = float(np.finfo(np.float32).max)  # what a feature can be


def fold_trees(model: TreeModel, prepared: Preparation, *, single: bool) -> TreeModel:
    """The model on the pipeline's features.

    Args:
        prepared: what the pipeline makes of them.
        single: the estimator rounds what it is given to float32 before it compares.

    Raises:
        UnsupportedModelError: features are summed up, categories are transformed, or some missing values
            would be filled and others refused.
    """
    if prepared.mixes:
        raise UnsupportedModelError(
            f"{prepared.mixes[0].label} sums up features, which trees cannot take over",
            cure="leave it out: trees need no decorrelated features; or train a network, which can",
        )
    fills = _fills(model, prepared)
    folded = map_ensembles(model, lambda ensemble: _ensemble(ensemble, prepared, fills, single))
    handles = model.handles_missing or fills
    return dataclasses.replace(
        folded, n_features=prepared.n_features, check_nan=model.check_nan and not handles
    )


def _fills(model: TreeModel, prepared: Preparation) -> bool:
    """Whether missing values get numbers."""
    used = used_features(model.trees)
    open_to = [feature for feature in used if not prepared.columns[feature].fills]
    if len(open_to) == len(used):
        return False
    if open_to and not model.handles_missing:
        missing = ", ".join(str(prepared.columns[feature].source) for feature in open_to[:5])
        raise UnsupportedModelError(
            f"missing values are filled in some features, and refused in others (feature {missing})",
            cure="let the SimpleImputer take all features",
        )
    return True


def _ensemble(ensemble: TreeEnsemble, prepared: Preparation, fills: bool, single: bool) -> TreeEnsemble:
    trees = [_tree(tree, prepared, fills or ensemble.handles_missing, single) for tree in ensemble.trees]
    return dataclasses.replace(ensemble, n_features=prepared.n_features, trees=tuple(trees))


def _tree(tree: Tree, prepared: Preparation, missing: bool, single: bool) -> Tree:
    threshold = np.array(tree.threshold, dtype=np.float64)
    left = np.array(tree.missing_left or [False] * tree.n_splits, dtype=bool)
    feature = np.array(tree.feature, dtype=np.intp)
    by_set = np.array(tree.category_set or [-1] * tree.n_splits) >= 0
    for index in np.unique(feature).tolist():
        column = prepared.columns[index]
        here = feature == index
        if column.steps and (here & by_set).any():
            raise UnsupportedModelError(
                f"{column.steps[0].label} before a feature of categories is not supported",
                cure="let categories pass through",
            )
        here &= ~by_set
        if column.fills:
            left[here] = _compared(column(np.array([np.nan])), single) <= threshold[here]
        threshold[here] = largest_below(column, threshold[here], single=single)
    return dataclasses.replace(
        tree,
        feature=tuple(prepared.columns[index].source for index in tree.feature),
        threshold=tuple(threshold.tolist()),
        missing_left=tuple(left.tolist()) if missing else (),
    )


def largest_below(column: Column, thresholds: Values, *, single: bool) -> Values:
    """For each threshold ``t`` the largest number whose value in the column is at most ``t``.

    -inf where there is none, inf where all are.
    """
    if not column.steps:
        return thresholds
    low = np.full(thresholds.shape, _ordinal(np.array(-_LARGEST)))
    high = np.full(thresholds.shape, _ordinal(np.array(_LARGEST)))

    def holds(ordinal: NDArray[np.int64]) -> NDArray[np.bool_]:
        # NaN comes of what lies below all that a function takes.
        return ~(_compared(column(_number(ordinal)), single) > thresholds)

    never, always = ~holds(low), holds(high)
    while (high > low + 1).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)  # their sum may not fit
        below = holds(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: Values = np.where(never, -np.inf, np.where(always, np.inf, _number(low)))
    return found


def _compared(values: Values, single: bool) -> Values:
    if not single:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _ordinal(values: Values) -> NDArray[np.int64]:
    """The place of each number in the order of all float64 numbers: 0 is 0."""
    bits = (values + 0.0).view(np.int64)
    magnitude = bits & np.int64(0x7FFFFFFFFFFFFFFF)
    found: NDArray[np.int64] = np.where(bits < 0, -magnitude, magnitude)
    return found


def _number(ordinals: NDArray[np.int64]) -> Values:
    magnitude = np.abs(ordinals).view(np.float64)
    return np.where(ordinals < 0, -magnitude, magnitude)


_OVER_OTHERS = ("Bagging", "Voting", "AdaBoost")


def compares_single(estimator: Any) -> bool:
    """Whether trees round what they are given to float32 before they compare; else they take all of float64.

    Raises:
        UnsupportedModelError: some do, others do not.
    """
    found = _kinds(estimator)
    if len(found) > 1:
        raise UnsupportedModelError(
            f"transformers before a {type(estimator).__name__} whose members compare float32 and float64 are "
            "not supported",
            cure="give each member a pipeline of its own",
        )
    return found == {"single"}


def _kinds(estimator: Any) -> set[str]:
    names = [cls.__name__ for cls in type(estimator).__mro__]
    if any(name.startswith(_OVER_OTHERS) for name in names):
        return set().union(*(_kinds(member) for member in estimator.estimators_))
    double = "Pipeline" in names or any(name.startswith("HistGradientBoosting") for name in names)
    return {"double"} if double or _is_lightgbm(estimator) else {"single"}


def _is_lightgbm(estimator: Any) -> bool:
    return any(cls.__module__.split(".")[0] == "lightgbm" for cls in type(estimator).__mro__)
