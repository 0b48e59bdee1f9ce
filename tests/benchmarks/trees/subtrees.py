"""What sharing equal subtrees would save in method=compact: `python -m tests.benchmarks.trees.subtrees`.

A reference to a subtree that stands elsewhere would take the number of a bit and three flags, and every
split one flag that says that it is no reference. Measured on the benchmark's forests, it costs more
than it saves in each of them: that is why there is no such thing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))

from candidate import Candidate
from forests import NAMES, make
from ours import SKELETON, convert
from rows import MILLIWATT

from milliwatt import ir
from milliwatt.emit.c_compact import compact_stream
from milliwatt.emit.compact import CompactTrees, subtree_bits
from milliwatt.emit.leaves import leaf_table

_FLAGS = 3


def saving(model: ir.TreeEnsemble) -> tuple[int, int, int]:
    """Bits of the stream, bits that references would save, bits that flags would cost."""
    stream = compact_stream(model, leaf_table(model)).trees
    reference = (8 * len(stream.data)).bit_length() + _FLAGS
    known: dict[object, int] = {}
    saved = sum(_saved(tree, stream, known, reference) for tree in model.trees if tree.n_splits)
    return 8 * len(stream.data), saved, model.n_splits


def _saved(tree: ir.Tree, stream: CompactTrees, known: dict[object, int], reference: int) -> int:
    """What one tree saves if all subtrees that trees before it have are references."""
    bits = subtree_bits(tree, stream.tests, stream.leaves)
    order = [tree.root]
    for node in order:  # grows while it is walked: parents before children
        order += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    same: dict[int, int] = {}
    repeated = set()
    for node in reversed(order):
        children = tuple(
            (0, same[c]) if c >= 0 else (1, stream.leaves.codes[~c])
            for c in (tree.left[node], tree.right[node])
        )
        missing = tree.missing_left[node] if tree.missing_left else None
        key = (tree.feature[node], tree.threshold[node], missing, children)
        if key in known:
            repeated.add(node)
        same[node] = known.setdefault(key, len(known))
    saved = 0
    stack = [tree.root]
    while stack:
        node = stack.pop()
        if node in repeated and bits[node] > reference:
            saved += bits[node] - reference
        else:
            stack += [child for child in (tree.left[node], tree.right[node]) if child >= 0]
    return saved


def main() -> None:
    table = Table("forest", "stream B", "saved B", "flags B")
    for name in NAMES:
        candidate = Candidate(MILLIWATT, "compact", "int16", "default", SKELETON)
        figures = saving(convert(make(name, 1), candidate).ir)
        table.add_row(name, *(f"{bits / 8:.0f}" for bits in figures))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
