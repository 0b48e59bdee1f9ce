"""Removes splits that decide nothing, and leaf rows that nobody reaches.

A split decides nothing when its test always has the same outcome (the feature type cannot hold
the other values, or splits above have decided already) or when both sides end in the same leaf.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.ir import Tree, TreeEnsemble


def prune(model: TreeEnsemble) -> TreeEnsemble:
    """The same model with fewer splits: equal answers for every input of its feature type."""
    kind = FEATURE_TYPES[model.dtype]
    low, high = (kind.low, kind.high) if kind.is_integer else (-math.inf, math.inf)
    trees = [_prune_tree(tree, low, high) for tree in model.trees]
    return _drop_unused_rows(dataclasses.replace(model, trees=tuple(trees)))


def _prune_tree(tree: Tree, low: float, high: float) -> Tree:
    if tree.n_splits == 0:
        return tree
    outcome = _certain_outcomes(tree, low, high)
    same_leaf = any(c < 0 and c == d for c, d in zip(tree.left, tree.right, strict=True))
    if not same_leaf and not any(outcome) and _in_pre_order(tree):
        return tree  # as most trees are; the rest would give an equal one
    # Children come after their parents in `order`, so going backwards resolves them first.
    order = _parents_first(tree)
    resolved: list[int] = [0] * tree.n_splits
    for node in reversed(order):
        left, right = (c if c < 0 else resolved[c] for c in (tree.left[node], tree.right[node]))
        if outcome[node] == 1 or (left < 0 and left == right):
            resolved[node] = left
        elif outcome[node] == 2:
            resolved[node] = right
        else:
            resolved[node] = node
    return _rebuild(tree, resolved)


def _in_pre_order(tree: Tree) -> bool:
    """Whether splits are numbered as :func:`_rebuild` numbers them."""
    if tree.root != 0:
        return False
    waiting: list[int] = []  # right children whose place comes once their sibling's subtree is through
    for after, (left, right) in enumerate(zip(tree.left, tree.right, strict=True), 1):
        if left >= 0:
            if right >= 0:
                waiting.append(right)
            following = left
        elif right >= 0:
            following = right
        elif waiting:
            following = waiting.pop()
        else:
            return after == tree.n_splits
        if following != after:
            return False
    return False


def _parents_first(tree: Tree) -> list[int]:
    order = [tree.root]
    for node in order:
        order += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    return order


def _certain_outcomes(tree: Tree, low: float, high: float) -> list[int]:
    """For each split: 0 undecided, 1 always left, 2 always right, given the splits above it.

    Values reaching a split lie in (below, up_to] of its feature. With missing values in play a
    NaN may still go the other way, so nothing is certain.
    """
    outcome = [0] * tree.n_splits
    if tree.missing_left:
        return outcome
    features, thresholds, lefts, rights = tree.feature, tree.threshold, tree.left, tree.right
    bounds: dict[int, tuple[float, float]] = {}
    # Entries: a split to visit, or (feature, bounds) to put back after its left or right side.
    stack: list[int | tuple[int, tuple[float, float] | None]] = [tree.root]
    start = (low - 1 if math.isfinite(low) else -math.inf, high)
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            feature, saved = item
            if saved is None:
                bounds.pop(feature, None)
            else:
                bounds[feature] = saved
            continue
        left, right = lefts[item], rights[item]
        if tree.category_set and tree.category_set[item] >= 0:
            stack += [child for child in (right, left) if child >= 0]
            continue
        feature, t = features[item], thresholds[item]
        before = bounds.get(feature)
        below, up_to = before or start
        if t >= up_to:
            outcome[item] = 1
        elif t <= below and below > -math.inf:
            outcome[item] = 2
        if right >= 0 and outcome[item] != 1:
            stack += ((feature, before), right, (feature, (max(below, t), up_to)))
        if left >= 0 and outcome[item] != 2:
            stack += ((feature, before), left, (feature, (below, min(up_to, t))))
    return outcome


def _rebuild(tree: Tree, resolved: Sequence[int]) -> Tree:
    """The tree with every reference replaced by what it resolves to, in pre-order."""
    root = resolved[tree.root]
    order: list[int] = []
    stack = [root] if root >= 0 else []
    while stack:
        node = stack.pop()
        order.append(node)
        for child in (tree.right[node], tree.left[node]):
            target = child if child < 0 else resolved[child]
            if target >= 0:
                stack.append(target)
    number = {node: index for index, node in enumerate(order)}

    def renamed(child: int) -> int:
        target = child if child < 0 else resolved[child]
        return target if target < 0 else number[target]

    return Tree(
        root=root if root < 0 else 0,
        feature=tuple(tree.feature[node] for node in order),
        threshold=tuple(tree.threshold[node] for node in order),
        left=tuple(renamed(tree.left[node]) for node in order),
        right=tuple(renamed(tree.right[node]) for node in order),
        missing_left=tuple(tree.missing_left[node] for node in order) if tree.missing_left else (),
        category_set=tuple(tree.category_set[node] for node in order) if tree.category_set else (),
    )


def _drop_unused_rows(model: TreeEnsemble) -> TreeEnsemble:
    used = sorted({~c for tree in model.trees for c in (tree.root, *tree.left, *tree.right) if c < 0})
    if len(used) == len(model.leaves):
        return model
    number = {row: index for index, row in enumerate(used)}

    def renamed(child: int) -> int:
        return child if child >= 0 else ~number[~child]

    trees = tuple(
        dataclasses.replace(
            tree,
            root=renamed(tree.root),
            left=tuple(map(renamed, tree.left)),
            right=tuple(map(renamed, tree.right)),
        )
        for tree in model.trees
    )
    return dataclasses.replace(model, trees=trees, leaves=tuple(model.leaves[row] for row in used))
