"""The emitted C, compiled for the PC: the reference that devices are compared with."""

from milliwatt.host.compare import compare_classes, compare_values, is_tie
from milliwatt.host.evaluate import evaluate
from milliwatt.host.runner import HostModel

__all__ = ["HostModel", "compare_classes", "compare_values", "evaluate", "is_tie"]
