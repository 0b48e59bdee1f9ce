"""Transformers that stay steps of their own on the device, where they cannot become part of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.preparation import Preparation, nothing
from milliwatt.frontends.sklearn_transformers import prepare
from milliwatt.ir import AnyModel
from milliwatt.ir.signals import Affine, Log1p, Normalize, ScaleEach, VectorStep

NamedStep = tuple[str, Any]


def vector_steps(steps: Sequence[NamedStep], width: int) -> tuple[list[VectorStep], int]:
    """What the steps do to ``width`` features, and how many there are afterwards.

    Multiplications and additions in a row become one step, computed in float64 and rounded once.

    Raises:
        UnsupportedModelError: names the step.
    """
    made: list[VectorStep] = []
    linear = nothing(width)
    for name, step in steps:
        other = _other(name, step)
        if other is None:
            linear = prepare(step, linear, name)
            _check_linear(linear)
            continue
        made += _as_steps(linear)
        made.append(other)
        linear = nothing(linear.width)
    made += _as_steps(linear)
    return made, linear.width


def _other(name: str, step: Any) -> VectorStep | None:
    """What is no multiplication and addition."""
    kind = type(step).__name__
    if kind == "Normalizer":
        return Normalize(str(step.norm))
    if kind == "FunctionTransformer" and step.func is np.log1p and not step.kw_args:
        return Log1p()
    return None


def _check_linear(linear: Preparation) -> None:
    for column in linear.columns:
        for step in column.steps:
            if step.affine is None:
                raise UnsupportedModelError(
                    f"{step.label} can neither become part of the model nor be computed on the device",
                    cure="leave it out; on the device there are scalers, PCA, Normalizer and log1p",
                )


def _as_steps(linear: Preparation) -> list[VectorStep]:
    """One step, or none where nothing is done."""
    matrix, offset = linear.as_matrix()
    sources = [column.source for column in linear.columns]
    if not linear.mixes and sources == list(range(linear.n_features)):
        scale = matrix.diagonal()
        if (scale == 1.0).all() and (offset == 0.0).all():
            return []
        if (scale != 0.0).all():
            return [ScaleEach(tuple((-offset / scale).tolist()), tuple((1.0 / scale).tolist()))]
    return [Affine(tuple(tuple(row) for row in matrix.tolist()), tuple(offset.tolist()))]


def split_device_steps(
    steps: Sequence[NamedStep], fold: Callable[[Sequence[NamedStep]], AnyModel]
) -> tuple[int, AnyModel]:
    """How many of the steps have to be computed on the device, and the model with the others.

    Args:
        fold: the model with steps as a part of it; raises UnsupportedModelError if they cannot be.
    """
    for count in range(len(steps)):
        try:
            return count, fold(steps[count:])
        except UnsupportedModelError:
            continue
    return len(steps), fold([])
