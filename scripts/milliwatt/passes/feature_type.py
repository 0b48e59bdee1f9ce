"""The feature type on the device, and thresholds as exact values of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FEATURE_TYPES, FeatureType, floor_integer
from milliwatt.errors import MilliwattError
from milliwatt.ir import Tree, TreeEnsemble, TreeModel


@dataclass(frozen=True)
class Decision:
    """A feature type, the scale that goes with it, and why, one sentence for humans."""

    dtype: str
    reason: str
    scale: tuple[float, ...] = ()


def choose_feature_type(model: TreeModel, dtype: str, data: NDArray[np.float64] | None) -> Decision:
    """Decide the type, from the option and from calibration data if there is any.

    Raises:
        MilliwattError: the type cannot hold the features without changing answers, and nothing
            was given from which a scale could be taken.
    """
    integral = data is not None and data.size > 0 and bool((data == np.rint(data)).all())
    if dtype == "auto":
        return _automatic(model, data, integral)
    if dtype == "float":
        return Decision("float", "asked for")
    if model.handles_missing:
        raise MilliwattError(
            f"{dtype} has no value for missing features, and this model knows missing values",
            option="dtype",
            cure="use dtype=float, or nan=refuse if the device never sees a missing value",
        )
    kind = FEATURE_TYPES[dtype]
    if data is None:
        _check_thresholds_integral(model, kind)
        _check_range(kind, *_threshold_range(model), "is compared with")
        return Decision(dtype, "asked for; features are taken to be integers")
    low, high = data.min(axis=0), data.max(axis=0)
    if integral:
        _check_range(kind, low, high, "takes the value")
        return Decision(dtype, "asked for; calibration features are integers")
    return Decision(dtype, "asked for; features are scaled to use its range", _scale(model, kind, low, high))


def set_feature_type(model: TreeModel, decision: Decision) -> TreeModel:
    """The model with thresholds of the decided type: the same answers for every input of that type."""
    if isinstance(model, TreeEnsemble):
        return _set_in_trees(model, decision)
    members = (set_feature_type(member, decision) for member in model.members)
    return dataclasses.replace(
        model,
        members=tuple(dataclasses.replace(member, scale=()) for member in members),
        dtype=decision.dtype,
        scale=decision.scale,
    )


def _set_in_trees(model: TreeEnsemble, decision: Decision) -> TreeEnsemble:
    convert: Callable[[Tree], tuple[float, ...]]
    if decision.dtype == "float":
        convert = _floor_float32
    elif decision.scale:
        kind, scale = FEATURE_TYPES[decision.dtype], decision.scale

        def convert(tree: Tree) -> tuple[float, ...]:
            # round() decides at k + 1/2: the k nearest to the scaled threshold is its floor.
            scaled = zip(tree.threshold, tree.feature, strict=True)
            return tuple(_clip(_floor(t * scale[f]), kind) for t, f in scaled)

    else:
        kind = FEATURE_TYPES[decision.dtype]

        @cache  # integers repeat, in a large forest many times
        def floored(threshold: float) -> int:
            return _clip(floor_integer(threshold), kind)

        def convert(tree: Tree) -> tuple[float, ...]:
            return tuple(map(floored, tree.threshold))

    trees = tuple(dataclasses.replace(tree, threshold=convert(tree)) for tree in model.trees)
    return dataclasses.replace(model, trees=trees, dtype=decision.dtype, scale=decision.scale)


def _automatic(model: TreeModel, data: NDArray[np.float64] | None, integral: bool) -> Decision:
    if model.handles_missing:
        return Decision("float", "missing values need floats")
    if data is None:
        return _from_thresholds(model)
    if not integral:
        return Decision("float", "calibration features are not all integers")
    lowest, highest = float(data.min()), float(data.max())
    for name in ("int16", "int32"):
        kind = FEATURE_TYPES[name]
        if kind.low <= lowest and highest <= kind.high:
            return Decision(name, f"calibration features are integers from {lowest:.0f} to {highest:.0f}")
    return Decision("float", "calibration features are integers beyond 32 bits")


def _from_thresholds(model: TreeModel) -> Decision:
    """int16 where the trees themselves say that features were integers in training.

    A wrong conclusion cannot change an answer unseen: the type is part of the generated prototype,
    and ``predict`` refuses samples that are not integers.
    """
    kind = FEATURE_TYPES["int16"]
    low, high = _threshold_range(model)
    in_range = bool((low >= kind.low).all() and (high < kind.high).all())
    if in_range and model.n_splits and _drawn_fraction(model) is None:
        return Decision("int16", "features were integers in training, as all thresholds show")
    return Decision("float", "exact for any features")


def _floor_float32(tree: Tree) -> tuple[float, ...]:
    """Thresholds rounded towards minus infinity to float32; see ``dtypes.floor_float32``."""
    exact = np.asarray(tree.threshold, dtype=np.float64)
    limit = np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        nearest = np.clip(exact, -limit, limit).astype(np.float32)
        nearest = np.where(nearest > exact, np.nextafter(nearest, np.float32(-np.inf)), nearest)
        nearest = np.where(np.isinf(exact), exact.astype(np.float32), nearest) + np.float32(0.0)
    return tuple(nearest.astype(np.float64).tolist())


def _floor(value: float) -> float:
    """``math.floor`` that lets infinities pass."""
    return value if math.isinf(value) else math.floor(value)


def _clip(threshold: float, kind: FeatureType) -> int:
    """Beyond the type's range a test always or never holds; one step beyond says so to ``prune``."""
    return int(min(max(threshold, kind.low - 1), kind.high))


def _threshold_range(model: TreeModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and highest threshold of each feature; 0 where it is not used.

    Infinite ones, which split missing values from the others, say nothing about a range.
    """
    low, high = np.full(model.n_features, np.inf), np.full(model.n_features, -np.inf)
    for tree in model.trees:
        feature = np.asarray(tree.feature, dtype=np.intp)
        threshold = np.asarray(tree.threshold, dtype=np.float64)
        finite = np.isfinite(threshold)
        np.minimum.at(low, feature[finite], threshold[finite])
        np.maximum.at(high, feature[finite], threshold[finite])
    unused = np.isposinf(low) & np.isneginf(high)
    low[unused] = high[unused] = 0.0
    return low, high


def _feature(model_names: tuple[str, ...], index: int) -> str:
    return f"feature {index} ({model_names[index]})" if model_names else f"feature {index}"


def _drawn_fraction(model: TreeModel) -> tuple[int, float] | None:
    """A split (feature, threshold) that training on integers cannot have made, if there is one.

    Best splits lie halfway between two training values: integers give multiples of 1/2. Splits
    drawn at random say nothing, so for those the first one is the answer.
    """
    random = model.origin.get("splitter") != "best"
    for tree in model.trees:
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if random or threshold * 2 != _floor(threshold * 2):
                return feature, threshold
    return None


def _check_thresholds_integral(model: TreeModel, kind: FeatureType) -> None:
    found = _drawn_fraction(model)
    if found is None or model.origin.get("splitter") != "best":
        return
    feature, threshold = found
    raise MilliwattError(
        f"{_feature(model.feature_names, feature)} was not an integer in training "
        f"(it is compared with {threshold:.6g}), so {kind.name} would change answers",
        option="dtype",
        cure="use dtype=float; or give calibration data, from which a scale is taken; "
        "or train on the integers the device will see",
    )


def _check_range(kind: FeatureType, low: NDArray[np.float64], high: NDArray[np.float64], does: str) -> None:
    for index, (lowest, highest) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if lowest < kind.low or highest > kind.high:
            value = lowest if lowest < kind.low else highest
            raise MilliwattError(
                f"feature {index} {does} {value:.9g}, outside {kind.name} ({kind.low} to {kind.high})",
                option="dtype",
                cure="use a wider dtype (int32, float), or scale the feature before training",
            )


def _scale(
    model: TreeModel, kind: FeatureType, low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[float, ...]:
    """One factor a feature, so that calibration data and thresholds just fit the type."""
    t_low, t_high = _threshold_range(model)
    low, high = np.minimum(low, t_low), np.maximum(high, t_high)
    if kind.low == 0 and (low < 0).any():
        raise MilliwattError(
            f"feature {int(np.argmin(low))} goes down to {low.min():.6g}, and {kind.name} knows no negatives",
            option="dtype",
            cure="use int8 or int16",
        )
    largest = np.maximum(np.abs(low), np.abs(high))
    largest[largest == 0] = 1.0
    # One step is left free, so that samples above the highest threshold still differ from it.
    scale = ((kind.high - 1) / largest).astype(np.float32)
    return tuple(np.clip(scale, np.finfo(np.float32).tiny, np.finfo(np.float32).max).astype(float).tolist())
