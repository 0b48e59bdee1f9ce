"""Choosing between packed tables and generated code."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.packing import WIDE
from milliwatt.ir import TreeEnsemble

# Generated code takes about 15 bytes a split on Cortex-M, packed tables 4 to 8 (tests/benchmarks).
_INLINE_BYTES = 15
_INLINE_BUDGET = 4096


@dataclass(frozen=True)
class Choice:
    """A method and the reason it was taken, one sentence for humans."""

    method: str
    reason: str


def choose_method(model: TreeEnsemble, method: str = "auto") -> Choice:
    """The method to emit with: the one asked for, else the model's own, else by size."""
    wanted = method if method != "auto" else model.method
    if wanted != "auto":
        return Choice(wanted, "asked for")
    if model.n_features > 1 << WIDE.feature_bits:
        return Choice("inline", f"{model.n_features} features are more than packed tables can name")
    largest = max(len(model.leaves), *(tree.n_splits for tree in model.trees))
    if largest > WIDE.max_link:
        return Choice("inline", "packed tables hold at most 262143 leaf rows and splits a tree")
    size = model.n_splits * _INLINE_BYTES
    if size <= _INLINE_BUDGET:
        return Choice("inline", f"{model.n_splits} splits are about {size} bytes of code: small, and fastest")
    return Choice(
        "loadable", f"{model.n_splits} splits would be about {size} bytes of code: tables are smaller"
    )
