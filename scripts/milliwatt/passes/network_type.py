"""The feature type of a network on the device.

Networks have no thresholds: integer features are taken for the numbers that they are, and real ones get a
scale from calibration data, which the way from features to the input tensor makes up for.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FEATURE_TYPES, FeatureType
from milliwatt.errors import MilliwattError
from milliwatt.ir.network import Dense, Network
from milliwatt.passes.feature_type import Decision

Floats = NDArray[np.float64]
# What layers of integers take, the first that holds calibration data is the best: pixels are bytes.
_WITH_INTEGERS = ("uint8", "int8", "int16")


def choose_network_type(model: Network, dtype: str, quantize: str, data: Floats | None) -> Decision:
    """Decide the type, from the options and from calibration data if there is any.

    Args:
        model: a network of floats.
        data: real features, shape (rows, features).

    Raises:
        MilliwattError: the type cannot hold the features, or layers of integers cannot take it.
    """
    integral = data is not None and bool((data == np.rint(data)).all())
    if dtype == "auto" and quantize != "none" and data is None:
        return Decision("float", "no calibration features show that they are integers")
    if dtype == "auto":
        return _automatic(quantize, data, integral)
    if dtype == "float":
        return Decision("float", "asked for")
    if quantize != "none" and dtype not in _WITH_INTEGERS:
        raise MilliwattError(
            f"layers of integers do not take features of the type {dtype}",
            option="dtype",
            cure=f"use {', '.join(_WITH_INTEGERS)} or float",
        )
    if data is None:
        return Decision(dtype, "asked for; features are taken to be integers")
    kind = FEATURE_TYPES[dtype]
    if integral:
        _check_range(kind, data)
        return Decision(dtype, "asked for; calibration features are integers")
    return Decision(dtype, "asked for; features are scaled to use its range", _scale(model, kind, data))


def set_network_type(model: Network, decision: Decision) -> Network:
    """The network of floats for features of the decided type."""
    return dataclasses.replace(model, dtype=decision.dtype, scale=decision.scale)


def scaled_features(decision: Decision, data: Floats) -> Floats:
    """Real features as the device takes them: as ``mw_quantize`` does, halves away from zero, saturated."""
    if not decision.scale:
        return data
    kind = FEATURE_TYPES[decision.dtype]
    steps = (data.astype(np.float32) * np.asarray(decision.scale, dtype=np.float32)).astype(np.float64)
    return np.asarray(np.trunc(steps + np.copysign(0.5, steps)).clip(kind.low, kind.high))


def _automatic(quantize: str, data: Floats | None, integral: bool) -> Decision:
    if quantize == "none":
        return Decision("float", "its layers are of floats")
    if data is None:
        return Decision("float", "no calibration data show integers")
    if not integral:
        return Decision("float", "calibration features are not all integers")
    lowest, highest = float(data.min()), float(data.max())
    for name in _WITH_INTEGERS:
        kind = FEATURE_TYPES[name]
        if kind.low <= lowest and highest <= kind.high:
            return Decision(name, f"calibration features are integers from {lowest:.0f} to {highest:.0f}")
    return Decision("float", "calibration features are integers beyond 16 bits")


def _check_range(kind: FeatureType, data: Floats) -> None:
    outside = (data < kind.low) | (data > kind.high)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise MilliwattError(
            f"feature {column} takes the value {data[row, column]:.9g}, outside {kind.name}"
            f" ({kind.low} to {kind.high})",
            option="dtype",
            cure="use a wider dtype, or dtype=float",
        )


def _scale(model: Network, kind: FeatureType, data: Floats) -> tuple[float, ...]:
    """One factor a feature, so that calibration data just fit the type; equal ones for images."""
    if kind.low == 0 and (data < 0).any():
        column = int(np.argmin(data.min(axis=0)))
        raise MilliwattError(
            f"feature {column} goes down to {data.min():.6g}, and {kind.name} knows no negatives",
            option="dtype",
            cure="use int8 or int16",
        )
    largest = np.abs(data).max(axis=0)
    if not _only_dense_layers_read_it(model):
        largest = np.full_like(largest, largest.max())
    largest[largest == 0] = 1.0
    smallest = float(np.finfo(np.float32).tiny)
    scale = (kind.high / np.maximum(largest, smallest)).clip(smallest, 1 / smallest)
    return tuple(scale.astype(np.float32).astype(float).tolist())


def _only_dense_layers_read_it(model: Network) -> bool:
    readers = [layer for layer in model.layers if 0 in layer.inputs]
    return len(model.shapes[0]) == 1 and all(isinstance(layer, Dense) for layer in readers)
