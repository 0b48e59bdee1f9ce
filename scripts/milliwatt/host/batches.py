"""Networks evaluated a few samples at a time: all tensors of many images would fill the memory."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import Network

_MOST_NUMBERS = 2_000_000  # in all tensors at once


def in_batches(
    model: Network, samples: NDArray[Any], answer: Callable[[NDArray[Any]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What ``answer`` makes of the samples, row by row the same as of all of them at once."""
    rows = max(1, _MOST_NUMBERS // sum(map(prod, model.shapes)))
    if len(samples) <= rows:
        return answer(samples)
    return np.concatenate([answer(samples[at : at + rows]) for at in range(0, len(samples), rows)])
