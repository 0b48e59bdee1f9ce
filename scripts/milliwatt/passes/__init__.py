"""Steps between a frontend and the hand-over file: one file per pass, model in, model out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import TreeEnsemble, validate
from milliwatt.passes.feature_type import Decision, choose_feature_type, set_feature_type
from milliwatt.passes.prune import prune

__all__ = ["Decision", "prepare"]


def prepare(
    model: TreeEnsemble, dtype: str, data: NDArray[np.float64] | None
) -> tuple[TreeEnsemble, Decision]:
    """All passes in order: a model whose thresholds are exact values of the device's type."""
    decision = choose_feature_type(model, dtype, data)
    return validate(prune(set_feature_type(model, decision))), decision
