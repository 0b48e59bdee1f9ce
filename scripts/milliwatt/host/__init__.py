"""The emitted C, compiled for the PC: the reference that devices are compared with."""

from milliwatt.host.compare import compare_classes, compare_values, is_tie
from milliwatt.host.evaluate import answers, class_columns, decide, evaluate, scores
from milliwatt.host.runner import HostModel

__all__ = [
    "HostModel",
    "answers",
    "class_columns",
    "compare_classes",
    "compare_values",
    "decide",
    "evaluate",
    "is_tie",
    "scores",
]
