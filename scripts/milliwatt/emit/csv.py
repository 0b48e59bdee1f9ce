"""Trees as CSV rows in the format that emlearn and emlearn-micropython read.

Rows: ``f,<features>``, ``c,<classes, 0 for a regressor>``, ``lb,<0 class index | 32 numbers>``,
``l,<leaf>``, ``r,<root>``, ``n,<feature>,<threshold>,<left>,<right>``; a child below zero is leaf
``-1 - child``. Readers of this format go left when ``x < threshold``, so the next value above ours
is written, which makes their ``<`` give our ``<=``.
"""

from __future__ import annotations

import math

from milliwatt.dtypes import FEATURE_TYPES, float32_from_key, threshold_key
from milliwatt.emit.leaves import leaf_table
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import TreeEnsemble


def emit_csv(model: TreeEnsemble) -> str:
    """The model as CSV text.

    Raises:
        UnsupportedModelError: the format has no word for missing values or feature scales.
    """
    if model.handles_missing or model.scale:
        what = "missing values" if model.handles_missing else "feature scales"
        raise UnsupportedModelError(
            f"the CSV format cannot express {what}", option="format", cure="use format='json' or 'c'"
        )
    lines = [f"f,{model.n_features}", f"c,{len(model.classes)}"]
    lines += _leaf_lines(model)
    roots, nodes, base = [], [], 0
    for tree in model.trees:
        roots.append(f"r,{_child(tree.root, base)}")
        for feature, threshold, left, right in zip(
            tree.feature, tree.threshold, tree.left, tree.right, strict=True
        ):
            above = _next_above(threshold, model.dtype)
            nodes.append(f"n,{feature},{above!r},{_child(left, base)},{_child(right, base)}")
        base += tree.n_splits
    return "\n".join(lines + roots + nodes) + "\n"


def _leaf_lines(model: TreeEnsemble) -> list[str]:
    table = leaf_table(model)
    if table.kind == "votes":
        return ["lb,0", *(f"l,{table.index[i]}" for i in range(len(model.leaves)))]
    return ["lb,32", *(f"l,{_row(row)}" for row in model.leaves)]


def _row(row: tuple[float, ...]) -> str:
    return repr(row[0]) if len(row) == 1 else "[" + " ".join(repr(value) for value in row) + "]"


def _child(child: int, base: int) -> int:
    return child + base if child >= 0 else child


def _next_above(threshold: float, dtype: str) -> int | float:
    if FEATURE_TYPES[dtype].is_integer:
        return int(threshold) + 1
    if threshold == math.inf:
        raise UnsupportedModelError(
            "the CSV format cannot express an infinite threshold",
            option="format",
            cure="use format='json' or 'c'",
        )
    return float32_from_key(threshold_key(threshold) + 1)
