"""Where a library's numbers lie in the IR's tensors, which have channels last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir.network import Shape

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Value:
    """A tensor as the library sees it.

    Attributes:
        tensor: its number in the IR.
        places: for each number, in the library's shape without the batch: where it lies in the IR's tensor.
    """

    tensor: int
    places: Places

    @property
    def shape(self) -> Shape:
        return self.places.shape


def image_shape(shape: Sequence[int], channels_first: bool) -> Shape:
    """(height, width, channels) of a library's image or signal."""
    sides = (*shape[1:], shape[0]) if channels_first else tuple(shape)
    return sides if len(sides) == 3 else (1, *sides)


@lru_cache(maxsize=256)
def places_of(shape: Shape, n: int, channels_first: bool) -> Places:
    """Where the library's numbers lie in a tensor of that shape, in ``n`` dimensions; read only."""
    places: Places = np.arange(prod(shape)).reshape(shape)
    places.flags.writeable = False
    if n == 2:
        places = places[0]
    return np.moveaxis(places, -1, 0) if channels_first else places
