"""scikit-learn's transformers: what each does to features, for those whose work a model can take over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.preparation import Mix, Preparation, Step, Values, nothing, side_by_side

# They never fall. The first ones take no number below some end.
_FROM_AN_END = (np.log1p, np.log, np.log2, np.log10, np.sqrt)
_FUNCTIONS = (*_FROM_AN_END, np.cbrt, np.exp, np.expm1, np.tanh, np.arctan, np.arcsinh)
_PASS = ("passthrough", None)


def prepare(transformer: Any, before: Preparation, step: str) -> Preparation:
    """What the features are after a fitted transformer.

    Args:
        before: what they were.
        step: the transformer's name in its pipeline.

    Raises:
        UnsupportedModelError: names the step; its work cannot be taken over.
        MilliwattError: it is not fitted.
    """
    if isinstance(transformer, str) or transformer is None:
        if transformer in _PASS:
            return before
        raise _refused(f"step {step!r}", f"is {transformer!r}", "use 'passthrough', or leave it out")
    kind = type(transformer).__name__
    label = f"{step!r} ({kind})"
    if type(transformer).__module__.startswith("milliwatt.features"):
        raise _refused(
            f"step {label}",
            "takes samples, where features are taken",
            "let it be a step of the pipeline itself, or part of a FeatureUnion there; a ColumnTransformer, a"
            " Voting or a Bagging around it is not converted",
        )
    reader = _READERS.get(kind) if type(transformer).__module__.split(".")[0] == "sklearn" else None
    if reader is None and not _selects(transformer):
        raise _refused(f"step {label}", "is not supported", f"use one of {', '.join(SUPPORTED)}")
    expected = getattr(transformer, "n_features_in_", before.width)
    if expected != before.width:
        raise _refused(
            f"step {label}", f"takes {expected} features, and gets {before.width}", "fit the pipeline again"
        )
    return (reader or _select)(transformer, before, label)


def _refused(what: str, problem: str, cure: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"{what} {problem}", cure=cure)


def _fitted(transformer: Any, label: str, *attributes: str) -> None:
    for attribute in attributes:
        if not hasattr(transformer, attribute):
            raise MilliwattError(f"step {label} is not fitted", cure="call fit() of the pipeline first")


def _standard(scaler: Any, before: Preparation, label: str) -> Preparation:
    _fitted(scaler, label, "n_features_in_")
    n = before.width
    mean = scaler.mean_ if scaler.with_mean else None
    return before.each(_shifted(mean, scaler.scale_ if scaler.with_std else None, n, label))


def _robust(scaler: Any, before: Preparation, label: str) -> Preparation:
    _fitted(scaler, label, "n_features_in_")
    center = scaler.center_ if scaler.with_centering else None
    scale = scaler.scale_ if scaler.with_scaling else None
    return before.each(_shifted(center, scale, before.width, label))


def _shifted(center: Any, scale: Any, n: int, label: str) -> list[Step]:
    """``(x - center) / scale``, in two operations."""
    centers = np.zeros(n) if center is None else np.asarray(center, dtype=np.float64)
    scales = np.ones(n) if scale is None else np.asarray(scale, dtype=np.float64)
    return [
        Step(label, lambda x, c=c, s=s: (x - c) / s, (1.0 / s, -c / s))  # type: ignore[misc]
        for c, s in zip(centers.tolist(), scales.tolist(), strict=True)
    ]


def _min_max(scaler: Any, before: Preparation, label: str) -> Preparation:
    _fitted(scaler, label, "scale_", "min_")
    low, high = (float(end) for end in scaler.feature_range)

    def step(scale: float, offset: float) -> Step:
        if scaler.clip:
            return Step(label, lambda x: np.clip(x * scale + offset, low, high))
        return Step(label, lambda x: x * scale + offset, (scale, offset))

    return before.each(
        [step(s, o) for s, o in zip(scaler.scale_.tolist(), scaler.min_.tolist(), strict=True)]
    )


def _max_abs(scaler: Any, before: Preparation, label: str) -> Preparation:
    _fitted(scaler, label, "scale_")
    clip = bool(getattr(scaler, "clip", False))

    def step(scale: float) -> Step:
        if clip:
            return Step(label, lambda x: np.clip(x / scale, -1.0, 1.0))
        return Step(label, lambda x: x / scale, (1.0 / scale, 0.0))

    return before.each([step(scale) for scale in scaler.scale_.tolist()])


def _function(transformer: Any, before: Preparation, label: str) -> Preparation:
    function = transformer.func
    if function is None:
        return before
    if function not in _FUNCTIONS or transformer.kw_args:
        name = getattr(function, "__name__", repr(function))
        raise _refused(
            f"step {label}",
            f"computes {name}, which is not supported",
            f"use one of numpy's {', '.join(known.__name__ for known in _FUNCTIONS)}, or let it be a feature "
            "that the firmware computes",
        )
    return before.each([Step(label, function, partial=function in _FROM_AN_END)] * before.width)


def _imputer(imputer: Any, before: Preparation, label: str) -> Preparation:
    _fitted(imputer, label, "statistics_")
    if not (isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)):
        raise _refused(
            f"step {label}", f"takes {imputer.missing_values!r} for missing", "let np.nan stand for it"
        )
    if imputer.add_indicator:
        raise _refused(f"step {label}", "adds indicators", "use add_indicator=False")
    if before.mixes:
        raise _refused(f"step {label}", f"comes after {before.mixes[0].label}", "put it before")
    for step in (step for column in before.columns for step in column.steps):
        if step.partial:
            raise _refused(
                f"step {label}",
                f"comes after {step.label}, whose numbers may turn out missing",
                "put it before",
            )
    try:
        values = np.asarray(imputer.statistics_, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if np.isnan(values).any():
        raise _refused(
            f"step {label}", "has a column without any number", "fit it on data with numbers in every column"
        )
    return before.each([Step(label, _filler(value), fill=value) for value in values.tolist()])


def _filler(value: float) -> Callable[[Values], Values]:
    return lambda x: np.where(np.isnan(x), np.float64(value), x)


def _binarizer(transformer: Any, before: Preparation, label: str) -> Preparation:
    threshold = float(transformer.threshold)
    step = Step(label, lambda x: np.where(np.isnan(x), np.nan, (x > threshold).astype(np.float64)))
    return before.each([step] * before.width)


def _asked(transformer: Any, before: Preparation, label: str) -> Preparation:
    """Columns by the transformer itself: all of them are given the same numbers, one is read."""
    _fitted(transformer, label, "n_features_in_")
    if getattr(transformer, "encode", "ordinal") != "ordinal":
        raise _refused(f"step {label}", f"encodes {transformer.encode!r}", "use encode='ordinal'")
    positive = getattr(transformer, "method", "") == "box-cox"

    def ask(index: int) -> Callable[[Values], Values]:
        def apply(values: Values) -> Values:
            taken = np.maximum(values, np.finfo(np.float64).tiny) if positive else values
            return _column(transformer, taken.reshape(-1), before.width, index).reshape(values.shape)

        return apply

    return before.each([Step(label, ask(index)) for index in range(before.width)])


def _column(transformer: Any, values: Values, width: int, index: int) -> Values:
    try:
        rows = np.repeat(values.reshape(-1, 1), width, axis=1)
        answer: NDArray[np.float64] = np.asarray(transformer.transform(rows), dtype=np.float64)
        return answer[:, index]
    except ValueError:
        # A power of one of them is beyond float64.
        if len(values) == 1:
            return np.copysign(np.inf, values)
    half = len(values) // 2
    parts = (values[:half], values[half:])
    return np.concatenate([_column(transformer, part, width, index) for part in parts])


def _pca(transformer: Any, before: Preparation, label: str) -> Preparation:
    _fitted(transformer, label, "components_")
    weights = np.asarray(transformer.components_, dtype=np.float64).T
    if getattr(transformer, "whiten", False):
        # As scikit-learn has it: no variance below what float64 can tell from none.
        spread = np.sqrt(transformer.explained_variance_)
        weights = weights / np.maximum(spread, np.finfo(spread.dtype).eps)
    mean = getattr(transformer, "mean_", None)
    offset = np.zeros(weights.shape[1]) if mean is None else -(np.asarray(mean, np.float64) @ weights)
    return before.mixed(Mix(label, weights, offset))


def _selects(transformer: Any) -> bool:
    return any(cls.__name__ == "SelectorMixin" for cls in type(transformer).__mro__)


def _select(transformer: Any, before: Preparation, label: str) -> Preparation:
    return before.chosen([int(i) for i in transformer.get_support(indices=True)], label)


def _union(union: Any, before: Preparation, label: str) -> Preparation:
    if any(weight != 1.0 for weight in (union.transformer_weights or {}).values()):
        raise _refused(f"step {label}", "has transformer_weights", "leave them out: models need none")
    parts = [
        prepare(part, before, name) for name, part in union.transformer_list if part not in ("drop", None)
    ]
    return side_by_side(parts, before.n_features, label)


def _columns(transformer: Any, before: Preparation, label: str) -> Preparation:
    _fitted(transformer, label, "transformers_")
    names = [str(name) for name in getattr(transformer, "feature_names_in_", ())]
    if any(weight != 1.0 for weight in (transformer.transformer_weights or {}).values()):
        raise _refused(f"step {label}", "has transformer_weights", "leave them out: models need none")
    parts = []
    for name, part, chosen in transformer.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        indices = _indices(chosen, names, before.width, label)
        if indices:
            parts.append(prepare(part, before.chosen(indices, label), name))
    return side_by_side(parts, before.n_features, label)


def _indices(chosen: Any, names: Sequence[str], width: int, label: str) -> list[int]:
    """Columns that a ColumnTransformer was told by number, name, slice or mask."""
    if isinstance(chosen, slice):
        ends = [names.index(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop)]
        if isinstance(chosen.stop, str):
            ends[1] += 1  # names include the last one
        return list(range(width))[slice(ends[0], ends[1], chosen.step)]
    listed = [chosen] if isinstance(chosen, (str, int, np.integer)) else list(chosen)
    if listed and all(isinstance(entry, (bool, np.bool_)) for entry in listed):
        return [index for index, taken in enumerate(listed) if taken]
    try:
        return [
            names.index(entry) if isinstance(entry, str) else range(width)[int(entry)] for entry in listed
        ]
    except (ValueError, IndexError):
        raise _refused(
            f"step {label}", f"has the columns {chosen!r}, which there are not", "fit it again"
        ) from None


def _pipeline(pipeline: Any, before: Preparation, label: str) -> Preparation:
    for name, transformer in pipeline.steps:
        before = prepare(transformer, before, name)
    return before


_READERS: dict[str, Callable[[Any, Preparation, str], Preparation]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "QuantileTransformer": _asked,
    "PowerTransformer": _asked,
    "KBinsDiscretizer": _asked,
    "Binarizer": _binarizer,
    "FunctionTransformer": _function,
    "SimpleImputer": _imputer,
    "PCA": _pca,
    "TruncatedSVD": _pca,
    "ColumnTransformer": _columns,
    "FeatureUnion": _union,
    "Pipeline": _pipeline,
}
SUPPORTED = (*_READERS, "SelectKBest and other feature selection")


def preparation_of(steps: Sequence[tuple[str, Any]], n_features: int) -> Preparation:
    """What all transformers of a pipeline make of its features."""
    found = nothing(n_features)
    for name, transformer in steps:
        found = prepare(transformer, found, name)
    return found
