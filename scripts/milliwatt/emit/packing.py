"""Trees as packed tables: the layout that ``include/milliwatt/trees.h`` describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from milliwatt.dtypes import FEATURE_TYPES, threshold_key
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import Tree, TreeEnsemble


@dataclass(frozen=True)
class Width:
    """The bits of a meta word."""

    feature_bits: int
    link_bits: int
    max_slots: int

    @property
    def feature_shift(self) -> int:
        return 32 - self.feature_bits if self.link_bits > 8 else 16 - self.feature_bits

    @property
    def left_leaf(self) -> int:
        return 1 << self.link_bits

    @property
    def right_leaf(self) -> int:
        return 2 << self.link_bits

    @property
    def missing_left(self) -> int:
        return 4 << self.link_bits

    @property
    def max_link(self) -> int:
        return (1 << self.link_bits) - 1


NARROW = Width(feature_bits=6, link_bits=8, max_slots=0xFFFF)
WIDE = Width(feature_bits=11, link_bits=18, max_slots=0xFFFF_FFFF)


@dataclass
class PackedTrees:
    """Packed tables, ready to be written as C arrays or bytes.

    Attributes:
        walker: suffix of the C walker that reads them: ``int16``, ``float_wide``, ``missing_wide`` …
        meta: meta words, one a slot.
        thresholds: one a slot, as the walker compares them (float: ordered integer images).
        roots: first slot of each tree.
        pairs: two leaf rows take two slots.
    """

    walker: str
    wide: bool
    pairs: bool
    meta: list[int] = field(default_factory=list)
    thresholds: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)


def pack(model: TreeEnsemble, rows: Sequence[int]) -> PackedTrees:
    """Pack a model whose leaf ``i`` is row ``rows[i]`` of the device's leaf table."""
    n_rows = max(rows) + 1
    for width in (NARROW, WIDE):
        pairs = n_rows > 1 << (width.link_bits // 2)
        if _fits(model, n_rows, width):
            packed = _try_pack(model, rows, width, pairs)
            if packed is not None:
                return packed
    raise UnsupportedModelError(
        f"too large for packed tables ({model.n_features} features, {n_rows} leaf rows)",
        option="method",
        cure="use method=inline, or a model with at most 2048 features and 262144 splits a tree",
    )


def _fits(model: TreeEnsemble, n_rows: int, width: Width) -> bool:
    highest = max((f for tree in model.trees for f in tree.feature), default=0)
    if model.handles_missing and width is NARROW:
        return False
    return highest < 1 << width.feature_bits and n_rows <= width.max_link + 1


def _try_pack(model: TreeEnsemble, rows: Sequence[int], width: Width, pairs: bool) -> PackedTrees | None:
    suffix = "missing" if model.handles_missing else model.dtype
    wide = width is WIDE
    packed = PackedTrees(f"{suffix}_wide" if wide else suffix, wide, pairs)
    for tree in model.trees:
        packed.roots.append(len(packed.meta))
        if not _pack_tree(tree, rows, width, packed, model.dtype):
            return None
    return packed if len(packed.meta) <= width.max_slots else None


def _pack_tree(tree: Tree, rows: Sequence[int], width: Width, packed: PackedTrees, dtype: str) -> bool:
    """Append one tree; False when a link does not fit."""
    if tree.n_splits == 0:
        tree = Tree(0, (0,), (0,), (tree.root,), (tree.root,))
    slots = subtree_slots(tree, packed.pairs)
    integer = FEATURE_TYPES[dtype].is_integer
    stack = [tree.root]
    while stack:
        node = stack.pop()
        left, right = tree.left[node], tree.right[node]
        word = tree.feature[node] << width.feature_shift
        if tree.missing_left and tree.missing_left[node]:
            word |= width.missing_left
        threshold = int(tree.threshold[node]) if integer else threshold_key(tree.threshold[node])
        extra = None
        if left < 0 and right < 0:
            word |= width.left_leaf | width.right_leaf
            if packed.pairs:
                word |= rows[~left]
                extra = rows[~right]
            else:
                word |= rows[~left] << (width.link_bits // 2) | rows[~right]
        elif left < 0:
            word |= width.left_leaf | rows[~left]
        elif right < 0:
            word |= width.right_leaf | rows[~right]
        else:
            if slots[left] > width.max_link:
                return False
            word |= slots[left]
        packed.meta.append(word)
        packed.thresholds.append(threshold)
        if extra is not None:
            packed.meta.append(extra)
            packed.thresholds.append(0)
        # Left first in the table, so it is pushed last.
        stack += [child for child in (right, left) if child >= 0]
    return True


def subtree_slots(tree: Tree, pairs: bool = False) -> list[int]:
    """How many slots the subtree under each split takes; without ``pairs``, how many splits it has."""
    order = [tree.root] if tree.root >= 0 else []
    for node in order:  # grows while it is walked: parents before children
        order += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    slots = [0] * tree.n_splits
    for node in reversed(order):
        children = [child for child in (tree.left[node], tree.right[node]) if child >= 0]
        slots[node] = 1 + sum(slots[child] for child in children) + (pairs and not children)
    return slots
