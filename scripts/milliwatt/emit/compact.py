"""Trees as a stream of bits: the layout that ``include/milliwatt/trees_compact.h`` describes and reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.emit.bits import BitWriter, width_of
from milliwatt.emit.compact_leaves import LeafCode, leaf_code
from milliwatt.emit.compact_tests import Tests, plan_tests
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import sets_fit
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import Tree, TreeEnsemble

# A tree's size, and with it every link, is read in one piece.
MAX_FIELD = 25
_FLAGS = 2  # left is leaf, right is leaf
# What is read beyond a field: fields are taken out of four bytes.
_PADDING = b"\0\0\0"


@dataclass(frozen=True)
class CompactTrees:
    """A model's trees, ready to be written as C arrays.

    Attributes:
        data: all trees, one after the other, and a few zero bytes.
        size_bits: width of the number that stands before each tree, which is its size in bits.
        tests: how splits name features and thresholds.
        leaves: what stands for a leaf.
    """

    data: bytes
    size_bits: int
    tests: Tests
    leaves: LeafCode


def pack_compact(model: TreeEnsemble, table: LeafTable, trees: Sequence[Tree]) -> CompactTrees:
    """Pack trees in the order given; the smallest codes for tests and leaves are taken.

    Raises:
        UnsupportedModelError: a tree is larger than four megabytes, there are more than two million
            features, or category sets that a threshold's type cannot point to.
    """
    order = _with_splits(trees)
    tests = plan_tests(model, order)
    leaves = leaf_code(model, table, order)
    if _FLAGS + tests.head_bits > MAX_FIELD or not sets_fit(model, tests.sets):
        raise UnsupportedModelError(
            f"its features or category sets are too many for {model.dtype} in method=compact",
            option="method",
            cure="use method=inline, or a wider dtype",
        )
    sizes = [subtree_bits(tree, tests, leaves) for tree in order]
    size_bits = width_of(max(bits[tree.root] for tree, bits in zip(order, sizes, strict=True)))
    if size_bits > MAX_FIELD:
        raise UnsupportedModelError(
            "one of its trees is too large for method=compact",
            option="method",
            cure="use method=loadable or inline, or train smaller trees",
        )
    writer = BitWriter()
    for tree, bits in zip(order, sizes, strict=True):
        writer.write(bits[tree.root], size_bits)
        _write(writer, tree, bits, tests, leaves)
    return CompactTrees(writer.bytes() + _PADDING, size_bits, tests, leaves)


def _with_splits(trees: Sequence[Tree]) -> list[Tree]:
    """Trees that are one leaf get a split with that leaf on both sides, one that the model has already."""
    like = next((tree for tree in trees if tree.n_splits), Tree(0, (0,), (0,), (0,), (0,)))
    first = (like.feature[:1], like.threshold[:1])
    flags = (like.missing_left[:1], like.category_set[:1])
    return [tree if tree.n_splits else Tree(0, *first, (tree.root,), (tree.root,), *flags) for tree in trees]


def subtree_bits(tree: Tree, tests: Tests, leaves: LeafCode) -> list[int]:
    """How many bits the subtree under each split takes."""
    order = [tree.root]
    for node in order:  # grows while it is walked: parents before children
        order += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    bits = [0] * tree.n_splits
    for node in reversed(order):
        left, right = tree.left[node], tree.right[node]
        size = _FLAGS + tests.bits(tree, node)
        size += bits[left] if left >= 0 else leaves.bits[~left]
        size += bits[right] if right >= 0 else leaves.bits[~right]
        bits[node] = size + (_link_bits(size) if left >= 0 and right >= 0 else 0)
    return bits


def _link_bits(rest: int) -> int:
    """The width of a link in a subtree with ``rest`` other bits: as wide as its whole size is."""
    bits = width_of(rest)
    return bits if width_of(rest + bits) == bits else bits + 1


def _write(writer: BitWriter, tree: Tree, bits: Sequence[int], tests: Tests, leaves: LeafCode) -> None:
    stack = [tree.root]
    while stack:
        node = stack.pop()
        left, right = tree.left[node], tree.right[node]
        writer.write((left < 0) | (right < 0) << 1, _FLAGS)
        tests.write(writer, tree, node)
        for child in (left, right):
            if child < 0:
                writer.write(leaves.codes[~child], leaves.bits[~child])
        if left >= 0 and right >= 0:
            writer.write(bits[left], width_of(bits[node]))
        # What follows directly is pushed last.
        stack += [child for child in (right, left) if child >= 0]
