"""The area under the ROC curve, by ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def macro_auc(scores: NDArray[np.float64], truth: NDArray[np.intp]) -> float | None:
    """The mean over the classes of the area under the ROC curve of each against the rest.

    Classes that no sample has, or that all have, have no such area and are left out.

    Args:
        scores: shape (rows, classes), higher for likelier; or (rows, 1): how likely class 1 of two is.
        truth: each sample's class index.

    Returns:
        0 to 1; None where less than two classes occur.
    """
    classes = [1] if scores.shape[1] == 1 else range(scores.shape[1])
    areas = []
    for column, number in enumerate(classes):
        is_class = truth == number
        if is_class.any() and not is_class.all():
            areas.append(_area(scores[:, column], is_class))
    return float(np.mean(areas)) if areas else None


def _area(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """How often a positive sample scores higher than a negative one, equal scores counting half.

    That is the area under the curve, and the rank sum of Mann and Whitney.
    """
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2.0)[place.reshape(-1)]
    n = int(positive.sum())
    above = float(rank[positive].sum()) - n * (n + 1) / 2.0
    return above / (n * (len(score) - n))
