"""The emitted C, compiled for the PC: the reference that devices are compared with."""

from milliwatt.host.auc import macro_auc
from milliwatt.host.committee_exit import mean_trees
from milliwatt.host.compare import compare_classes, compare_labels, compare_values, is_tie
from milliwatt.host.evaluate import leaf_rows
from milliwatt.host.evaluate_committee import (
    answers,
    class_columns,
    decide,
    evaluate,
    scores,
    undecided,
)
from milliwatt.host.leaf_trade import trade_leaves
from milliwatt.host.runner import HostModel

__all__ = [
    "HostModel",
    "answers",
    "class_columns",
    "compare_classes",
    "compare_labels",
    "compare_values",
    "decide",
    "evaluate",
    "is_tie",
    "leaf_rows",
    "macro_auc",
    "mean_trees",
    "scores",
    "trade_leaves",
    "undecided",
]
