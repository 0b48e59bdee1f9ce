"""Steps between a frontend and the hand-over file: one file per pass, model in, model out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir import TreeEnsemble, TreeModel, map_ensembles, validate
from milliwatt.passes.feature_type import Decision, choose_feature_type, set_feature_type
from milliwatt.passes.leaf_clusters import CENTRE_BITS, cluster_leaves
from milliwatt.passes.leaf_rows import has_proportions
from milliwatt.passes.leaf_width import exact_bits, set_leaf_bits
from milliwatt.passes.prune import prune
from milliwatt.passes.tree_order import order_trees
from milliwatt.passes.unread_features import drop_unread

__all__ = [
    "CENTRE_BITS",
    "Decision",
    "drop_unread",
    "exact_bits",
    "has_proportions",
    "narrow_leaves",
    "order_trees",
    "prepare",
]


def prepare(model: TreeModel, dtype: str, data: NDArray[np.float64] | None) -> tuple[TreeModel, Decision]:
    """All passes in order: a model whose thresholds are exact values of the device's type.

    The type is chosen for all members of a committee together.
    """
    decision = choose_feature_type(model, dtype, data)
    return validate(map_ensembles(set_feature_type(model, decision), prune)), decision


def narrow_leaves(model: TreeEnsemble, bits: int, clusters: int = 0) -> TreeEnsemble:
    """A model with leaf values of so many bits (0: hard votes), and with ``clusters`` rows a class if > 0.

    Splits whose sides have become equal are gone.
    """
    changed = cluster_leaves(model, clusters, bits) if clusters else set_leaf_bits(model, bits)
    return validate(prune(changed))
