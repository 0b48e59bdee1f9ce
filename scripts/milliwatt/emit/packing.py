"""Trees as packed tables: the layout that ``include/milliwatt/trees_walk.h`` describes and reads."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from milliwatt.dtypes import FEATURE_TYPES, threshold_key
from milliwatt.emit.category_sets import CategoryBytes, category_bytes
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import Tree, TreeEnsemble

# Links from the first far code on say where a longer link stands: 1 … FAR_CODES slots before the split.
FAR_CODES = 16
_MAX_CODES = 256  # thresholds that one byte can name


@dataclass(frozen=True)
class Layout:
    """How a split's meta word is divided, and what leaves are.

    Attributes:
        word_bits: 16 or 32.
        feature_bits, link_bits: the highest and the lowest bits; flags lie above the link.
        missing, categories: whether there is a flag for missing values, for categorical splits.
        folded: leaf rows stand in the links; otherwise leaves are counted.
        far: some links stand in slots of their own.
    """

    word_bits: int
    feature_bits: int
    link_bits: int
    missing: bool = False
    categories: bool = False
    folded: bool = True
    far: bool = False

    @property
    def feature_shift(self) -> int:
        return self.word_bits - self.feature_bits

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
    def categorical(self) -> int:
        return (8 if self.missing else 4) << self.link_bits

    @property
    def first_far(self) -> int:
        """The first link that is not a link but says where it is."""
        return (1 << self.link_bits) - FAR_CODES

    @property
    def max_link(self) -> int:
        return self.first_far - 1 if self.far else (1 << self.link_bits) - 1


@dataclass
class PackedTrees:
    """Packed tables, ready to be written as C arrays or bytes.

    Attributes:
        layout: what a meta word is made of.
        meta: meta words, or long links, one a slot.
        thresholds: one a slot, as they are compared (float: ordered integer images), or with ``codes``
            the distinct ones.
        codes: empty, or for each slot which threshold.
        first: slot of the first tree's root.
        sizes: for each tree, slots from its root to the next one's.
        leaves: leaf rows by counted leaf number (holes are row 0); empty when rows are folded.
        sets: categorical splits' sets; their thresholds are offsets into its bytes.
    """

    layout: Layout
    sets: CategoryBytes
    meta: list[int] = field(default_factory=list)
    thresholds: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    first: int = 0
    sizes: list[int] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)


def pack(
    model: TreeEnsemble, rows: Sequence[int], trees: Sequence[Tree] | None = None, *, smallest: bool = False
) -> PackedTrees:
    """Pack trees whose leaf ``i`` is row ``rows[i]`` of the device's leaf table.

    Args:
        trees: in the order of the table; the model's own by default.
        smallest: name thresholds by a byte wherever that takes less room. It makes the walk slower, so
            otherwise only thresholds of 32 bits are named, where much is won.
    """
    order = [_with_a_split(tree) for tree in (trees or model.trees)]
    sets = category_bytes(model)
    if not sets_fit(model, sets):
        raise UnsupportedModelError(
            f"its category sets are too many for {model.dtype} tables",
            option="method",
            cure="use method=inline, or a wider dtype",
        )
    for layout in _layouts(model, max(rows) + 1, order):
        packed = _Packer(model, rows, layout, sets).pack(order)
        if packed is not None:
            if smallest or FEATURE_TYPES[model.dtype].size == 4:
                _shorten_thresholds(packed, model.dtype)
            return packed
    raise UnsupportedModelError(
        f"too large for packed tables ({model.n_features} features, {model.n_splits} splits)",
        option="method",
        cure="use method=inline, or train smaller trees on fewer features",
    )


def fits_tables(model: TreeEnsemble) -> bool:
    """True when every link of the widest layout is long enough, whatever the trees look like."""
    widest = _layouts(model, 1, model.trees)
    largest = max(tree.n_splits for tree in model.trees)
    return bool(widest) and largest <= widest[-1].max_link and sets_fit(model, category_bytes(model))


def sets_fit(model: TreeEnsemble, sets: CategoryBytes) -> bool:
    """Offsets of category sets stand in the place of thresholds."""
    kind = FEATURE_TYPES[model.dtype]
    return not kind.is_integer or max(sets.offsets, default=0) <= kind.high


def _layouts(model: TreeEnsemble, n_rows: int, trees: Sequence[Tree]) -> list[Layout]:
    """Layouts that may do, the smallest first."""
    highest = max((f for tree in trees for f in tree.feature), default=0)
    feature_bits = max(highest.bit_length(), 1)
    flags = 2 + model.handles_missing + model.handles_categories
    found = []
    for word_bits, least_link in ((16, 6), (32, 8)):
        link_bits = word_bits - flags - feature_bits
        if link_bits < least_link:
            continue
        # A byte is cheapest to take out of a word; more than 18 bits no tree needs.
        link_bits = min(link_bits, 8 if word_bits == 16 else 18)
        folded = n_rows <= 1 << (link_bits // 2)
        layout = Layout(
            word_bits,
            word_bits - flags - link_bits,
            link_bits,
            model.handles_missing,
            model.handles_categories,
            folded,
        )
        found.append(layout)
        if word_bits == 16:
            found.append(_with_far_links(layout))
    return found


def _with_far_links(layout: Layout) -> Layout:
    return Layout(**{**layout.__dict__, "far": True})


def _with_a_split(tree: Tree) -> Tree:
    """A tree that is one leaf gets a split with that leaf on both sides: tables hold splits only."""
    if tree.n_splits:
        return tree
    return Tree(0, (0,), (0,), (tree.root,), (tree.root,))


class _Packer:
    """Packs trees in one layout, or finds that they do not fit."""

    def __init__(self, model: TreeEnsemble, rows: Sequence[int], layout: Layout, sets: CategoryBytes) -> None:
        self.model = model
        self.rows = rows
        self.layout = layout
        self.sets = sets
        self.integer = FEATURE_TYPES[model.dtype].is_integer

    def pack(self, trees: Sequence[Tree]) -> PackedTrees | None:
        packed = PackedTrees(self.layout, self.sets)
        roots: list[int] = []
        for tree in trees:
            root = self._pack_tree(tree, packed, roots)
            if root is None:
                return None
            roots.append(root)
        packed.first = roots[0]
        packed.sizes = [after - root for root, after in itertools.pairwise([*roots, len(packed.meta)])]
        return packed

    def _pack_tree(self, tree: Tree, packed: PackedTrees, roots: Sequence[int]) -> int | None:
        """Append one tree; the slot of its root, or None when a link does not fit."""
        layout = self.layout
        runs = _far_runs(tree, layout) if layout.far else {}
        slots = _slots(tree, runs)
        if max(runs.values(), default=0) > FAR_CODES:
            return None
        root = len(packed.meta) + runs.get(tree.root, 0)
        stack = [(tree.root, root - (roots[0] if roots else root) + len(roots))]
        run = 0
        while stack:
            node, leaf = stack.pop()
            left, right = tree.left[node], tree.right[node]
            skipped = _skipped(tree, node, slots, runs)
            if node in runs:
                run = runs[node]
                self._append_long_links(tree, node, slots, runs, packed)
            if _has_link(tree, node, layout) and skipped > (0xFFFF if layout.far else layout.max_link):
                return None
            packed.meta.append(self._flags(tree, node) | self._link(tree, node, skipped, run))
            packed.thresholds.append(self._threshold(tree, node))
            if not layout.folded:
                self._count(packed, left, leaf)
                self._count(packed, right, leaf + 1 + skipped)
            # What follows directly is pushed last.
            if right >= 0:
                stack.append((right, leaf + 1 + skipped))
            if left >= 0:
                stack.append((left, leaf))
        return root

    def _count(self, packed: PackedTrees, child: int, number: int) -> None:
        if child < 0:
            packed.leaves += [0] * (number + 1 - len(packed.leaves))
            packed.leaves[number] = self.rows[~child]

    def _flags(self, tree: Tree, node: int) -> int:
        layout = self.layout
        word = tree.feature[node] << layout.feature_shift
        word |= layout.left_leaf if tree.left[node] < 0 else 0
        word |= layout.right_leaf if tree.right[node] < 0 else 0
        if tree.missing_left and tree.missing_left[node]:
            word |= layout.missing_left
        if tree.category_set and tree.category_set[node] >= 0:
            word |= layout.categorical
        return word

    def _threshold(self, tree: Tree, node: int) -> int:
        if tree.category_set and tree.category_set[node] >= 0:
            return self.sets.offsets[tree.category_set[node]]
        value = tree.threshold[node]
        return int(value) if self.integer else threshold_key(value)

    def _link(self, tree: Tree, node: int, skipped: int, run: int) -> int:
        """What the split's link holds."""
        layout, left, right = self.layout, tree.left[node], tree.right[node]
        if layout.folded and left < 0 and right < 0:
            return self.rows[~left] << (layout.link_bits // 2) | self.rows[~right]
        if layout.folded and (left < 0 or right < 0):
            return self.rows[~(left if left < 0 else right)]
        return layout.first_far + run - 1 if skipped > layout.max_link else skipped

    def _append_long_links(
        self, tree: Tree, node: int, slots: Sequence[int], runs: dict[int, int], packed: PackedTrees
    ) -> None:
        """One slot for each split of a run, with its link if that is too long for its word."""
        for _ in range(runs[node]):
            linked = _has_link(tree, node, self.layout)
            packed.meta.append(_skipped(tree, node, slots, runs) if linked else 0)
            packed.thresholds.append(0)
            node = _next(tree, node)


def _has_link(tree: Tree, node: int, layout: Layout) -> bool:
    """False where a leaf row stands in the link's place."""
    return not layout.folded or (tree.left[node] >= 0 and tree.right[node] >= 0)


def _next(tree: Tree, node: int) -> int:
    """The split that follows in the table; below zero if none does."""
    return tree.left[node] if tree.left[node] >= 0 else tree.right[node]


def _skipped(tree: Tree, node: int, slots: Sequence[int], runs: dict[int, int]) -> int:
    """Slots from the split after this one to the right child; 0 when that is the split after it.

    A right child that is a leaf counts like one after the left side, for the numbers of leaves.
    """
    left, right = tree.left[node], tree.right[node]
    return slots[left] + runs.get(right, 0) if left >= 0 else 0


def _far_runs(tree: Tree, layout: Layout) -> dict[int, int]:
    """For each split that begins a run with long links: up to where in the run there are any.

    A run is splits that follow one another without a gap; it begins at the root and at every right
    child that something lies in front of. Its long links stand before its first split, so that from each
    of its splits it is equally far to the split's own long link. They take slots, which can make
    further links long: repeated until nothing changes.
    """
    both = zip(tree.left, tree.right, strict=True)
    heads = [tree.root, *(right for left, right in both if left >= 0 and right >= 0)]
    found: dict[int, int] = {}
    while True:
        slots = _slots(tree, found)
        now = {head: _last_far(tree, head, slots, found, layout) for head in heads}
        now = {head: last for head, last in now.items() if last}
        if now == found:
            return found
        found = now


def _last_far(tree: Tree, head: int, slots: Sequence[int], runs: dict[int, int], layout: Layout) -> int:
    """The position in a run, from 1, of the last split whose link is too long; 0 if none is."""
    last = position = 0
    node = head
    while node >= 0 and slots[node] > layout.max_link:
        position += 1
        if _has_link(tree, node, layout) and _skipped(tree, node, slots, runs) > layout.max_link:
            last = position
        node = _next(tree, node)
    return last


def _slots(tree: Tree, runs: dict[int, int]) -> list[int]:
    """How many slots the subtree under each split takes, long links in front of it included."""
    order = [tree.root] if tree.root >= 0 else []
    for node in order:  # grows while it is walked: parents before children
        order += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    slots = [0] * tree.n_splits
    for node in reversed(order):
        children = [child for child in (tree.left[node], tree.right[node]) if child >= 0]
        slots[node] = 1 + sum(slots[child] for child in children) + runs.get(node, 0)
    return slots


def subtree_splits(tree: Tree) -> list[int]:
    """How many splits the subtree under each split has."""
    return _slots(tree, {})


def _shorten_thresholds(packed: PackedTrees, dtype: str) -> None:
    """One byte a slot and a list of the distinct thresholds, where that takes less room."""
    size = FEATURE_TYPES[dtype].size
    distinct = sorted(set(packed.thresholds))
    if len(distinct) > _MAX_CODES or packed.layout.word_bits != 16 or size == 1:
        return
    if len(packed.thresholds) * (size - 1) <= len(distinct) * size:
        return
    number = {threshold: code for code, threshold in enumerate(distinct)}
    packed.codes = [number[threshold] for threshold in packed.thresholds]
    packed.thresholds = distinct
