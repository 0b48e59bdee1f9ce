"""Trees as CSV rows in the format that emlearn and emlearn-micropython read.

The rows are described in ``ir/csv_reader.py``, which reads them back. Readers of this format go left when
``x < threshold``, so the next value above ours is written, which makes their ``<`` give our ``<=``.
Children are jumps: so many ``n`` rows further down, which is why splits are written parents first.
"""

from __future__ import annotations

import math

from milliwatt.dtypes import FEATURE_TYPES, float32_from_key, threshold_key
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import AnyModel, Network, Tree, TreeEnsemble
from milliwatt.ir.model import IDENTITY, MEAN


def emit_csv(model: AnyModel) -> str:
    """The model as CSV text.

    Raises:
        UnsupportedModelError: the format has no word for something in the model.
    """
    if isinstance(model, Network):
        raise _cannot_express("a neural network")
    if not isinstance(model, TreeEnsemble):
        raise _cannot_express("a committee, which is several models that vote or are averaged")
    beyond = _inexpressible(model)
    if beyond:
        raise _cannot_express(beyond)
    lines = [f"f,{model.n_features}", f"c,{len(model.classes)}"]
    lines += _leaf_lines(model)
    roots: list[str] = []
    nodes: list[str] = []
    for tree in model.trees:
        roots.append(f"r,{len(nodes) if tree.root >= 0 else tree.root}")
        nodes += _split_lines(tree, model.dtype)
    return "\n".join(lines + roots + nodes) + "\n"


def _cannot_express(what: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"the CSV format cannot express {what}", option="format", cure="use format='json' or 'c'"
    )


def _inexpressible(model: TreeEnsemble) -> str:
    """What of a model the format has no word for, if there is such a thing."""
    thresholds = (t for tree in model.trees for t in tree.threshold)
    found = {
        "what makes features of raw samples": model.signals is not None,
        "missing values": model.handles_missing,
        "categories": model.handles_categories,
        "feature scales": bool(model.scale),
        f"trees that are added up in another way than by their mean ({model.aggregate})": model.aggregate
        != MEAN,
        "scores that begin at a base value": any(model.base),
        "trees that each add to one output": bool(model.outputs),
        f"the link {model.link}": model.link != IDENTITY,
        "a single score for two classes": model.is_binary,
        "an infinite threshold": any(t == math.inf for t in thresholds),
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _leaf_lines(model: TreeEnsemble) -> list[str]:
    if model.is_pure:
        return ["lb,0", *(f"l,{row.index(1.0)}" for row in model.leaves)]
    return ["lb,32", *(f"l,{_row(row, model.is_classifier)}" for row in model.leaves)]


def _row(row: tuple[float, ...], as_list: bool) -> str:
    if len(row) == 1 and not as_list:
        return repr(row[0])
    return "[" + " ".join(map(repr, row)) + "]"


def _split_lines(tree: Tree, dtype: str) -> list[str]:
    order: list[int] = []
    stack = [tree.root] if tree.root >= 0 else []
    while stack:
        node = stack.pop()
        order.append(node)
        stack += [child for child in (tree.right[node], tree.left[node]) if child >= 0]
    place = [0] * tree.n_splits
    for index, node in enumerate(order):
        place[node] = index

    def child(node: int, target: int) -> int:
        return target if target < 0 else place[target] - place[node]

    return [
        f"n,{tree.feature[node]},{_next_above(tree.threshold[node], dtype)!r},"
        f"{child(node, tree.left[node])},{child(node, tree.right[node])}"
        for node in order
    ]


def _next_above(threshold: float, dtype: str) -> int | float:
    if FEATURE_TYPES[dtype].is_integer:
        return int(threshold) + 1
    return float32_from_key(threshold_key(threshold) + 1)
