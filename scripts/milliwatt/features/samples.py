"""What transformers are given: a list is recordings, an array holds windows in its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.data import as_array
from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import InputError
from milliwatt.ir.signals import FLOAT, INT16

_SHAPES = "give a list of recordings, each (frames,) or (frames, channels); or an array of windows, " + (
    "(windows, frames) or (windows, frames, channels)"
)


@dataclass(frozen=True)
class Samples:
    """Recordings or windows.

    Attributes:
        parts: int16 or float32: of recordings a list of (frames, channels), of windows one array (windows,
            frames, channels).
        dtype: INT16 or FLOAT.
        channels: of all.
        frames: of each window; None of recordings.
        flat: a single channel came without an axis of its own.
    """

    parts: list[NDArray[Any]] | NDArray[Any]
    dtype: str
    channels: int
    frames: int | None
    flat: bool

    def formed(self, made: list[NDArray[Any]] | NDArray[Any]) -> Any:
        """What was made of the parts, in the form in which they came."""
        if isinstance(made, np.ndarray):
            return made[:, :, 0] if self.flat and made.shape[2] == 1 else made
        return [part[:, 0] if self.flat and part.shape[1] == 1 else part for part in made]


def read_samples(given: Any, who: str) -> Samples:
    """Recordings or windows, checked.

    Args:
        who: the transformer, for messages.

    Raises:
        InputError: no such thing; says what to give.
    """
    if isinstance(given, (list, tuple)):
        return _recordings(given, who)
    array = as_array(given)
    if array.dtype == object or array.ndim not in (2, 3):
        raise InputError(
            f"{who} is given an array of shape {array.shape} and type {array.dtype}", cure=_SHAPES
        )
    typed, dtype = _typed(array, who)
    windows = typed if typed.ndim == 3 else typed[:, :, np.newaxis]
    if not windows.shape[1] or not windows.shape[2]:
        raise InputError(f"{who} is given windows of shape {windows.shape[1:]}", cure=_SHAPES)
    return Samples(windows, dtype, windows.shape[2], windows.shape[1], typed.ndim == 2)


def _recordings(given: Sequence[Any], who: str) -> Samples:
    if not given:
        raise InputError(f"{who} is given an empty list", cure="give at least one recording")
    parts, dtypes, shapes, flat = [], set(), set(), True
    for index, recording in enumerate(given):
        array = as_array(recording)
        if array.dtype == object:
            raise InputError(
                f"{who}: recording {index} holds objects, or rows of unequal length",
                cure="give arrays of numbers of one type, such as x.astype(np.int16)",
            )
        if array.ndim not in (1, 2) or (array.ndim == 2 and not array.shape[1]):
            raise InputError(f"{who}: recording {index} has the shape {array.shape}", cure=_SHAPES)
        typed, dtype = _typed(array, f"{who}: recording {index}")
        flat &= typed.ndim == 1
        parts.append(typed if typed.ndim == 2 else typed[:, np.newaxis])
        dtypes.add(dtype)
        shapes.add(parts[-1].shape[1])
    if len(shapes) > 1:
        raise InputError(
            f"{who} is given recordings of {' and '.join(map(str, sorted(shapes)))} channels",
            cure="give the same channels in all",
        )
    if len(dtypes) > 1:
        raise InputError(f"{who} is given recordings of int16 and of floats", cure="give one type in all")
    return Samples(parts, dtypes.pop(), shapes.pop(), None, flat)


def _typed(array: NDArray[Any], who: str) -> tuple[NDArray[Any], str]:
    """int16 stays as it is, floats become float32."""
    if array.dtype == np.int16:
        return np.ascontiguousarray(array), INT16
    if array.dtype.kind == "f":
        if (
            array.size
            and array.itemsize > 4
            and bool((np.abs(array) > FLOAT32_MAX)[np.isfinite(array)].any())
        ):
            raise InputError(f"{who} is given numbers too large for float32", cure="scale the samples down")
        return np.ascontiguousarray(array, dtype=np.float32), FLOAT
    raise InputError(
        f"{who} is given {array.dtype}",
        cure="give int16, which are computed with in fixed point, or floats: x.astype(np.int16) where they "
        "fit, x.astype(np.float32) else",
    )
