"""``method='inline'``: every tree as if/else code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import text
from milliwatt.emit.leaves import LeafTable
from milliwatt.ir import Tree, TreeEnsemble

# C99 promises 127 nested blocks and clang stops at 256 brackets; deeper subtrees get a label.
_MAX_NESTING = 16
# Compilers take more than linear time for one huge function.
_SPLITS_PER_FUNCTION = 1500

SUM_TYPES = {"votes": "uint16_t", "sum16": "int32_t", "sum32": "int64_t"}


def sum_type(model: TreeEnsemble, table: LeafTable) -> str:
    """C type of one sum; votes of up to 255 trees fit a byte."""
    if table.kind == "votes" and len(model.trees) <= 255:
        return "uint8_t"
    return SUM_TYPES[table.kind]


def inline_sums(model: TreeEnsemble, name: str, table: LeafTable) -> str:
    """Tables and functions that end in ``static void <name>_add_trees(const T *x, S *sums)``."""
    c_type = FEATURE_TYPES[model.dtype].c_type
    sums = sum_type(model, table)
    scalar = table.kind != "votes" and model.n_outputs == 1
    parts = []
    if table.kind != "votes" and not scalar:
        bits = 16 if table.kind == "sum16" else 32
        flat = [text.integer(value, bits) for row in table.rows for value in row]
        parts.append(text.array(f"int{bits}_t", f"{name}_rows", flat))
    calls = []
    for index, (first, trees) in enumerate(_groups(model)):
        function = f"{name}_trees_{index}"
        calls.append(f"    {function}(x, sums);\n")
        parts.append(f"static void {function}(const {c_type} *x, {sums} *sums)\n{{\n")
        parts.append(f"    {_leaf_type(table, scalar)} leaf;\n\n")
        for offset, tree in enumerate(trees):
            parts.append(f"    /* tree {first + offset} */\n")
            parts += _tree(tree, model, _leaf_text(table, scalar), f"t{first + offset}")
            parts.append(f"    {_add(table, scalar, name, model.n_outputs)}\n")
        if not any(tree.n_splits for tree in trees):
            parts.append("    (void) x;\n")
        parts.append("}\n\n")
    parts.append(f"static void {name}_add_trees(const {c_type} *x, {sums} *sums)\n{{\n")
    return "".join(parts) + "".join(calls) + "}\n"


def _leaf_type(table: LeafTable, scalar: bool) -> str:
    if scalar:
        return "int_fast16_t" if table.kind == "sum16" else "int32_t"
    rows = len(table.rows)
    return "uint_fast8_t" if rows <= 256 else "uint_fast16_t" if rows <= 65536 else "uint_fast32_t"


def _leaf_text(table: LeafTable, scalar: bool) -> Callable[[int], str]:
    """How leaf ``i`` of the model is written: its row, or with one output the value itself."""
    if scalar:
        bits = 16 if table.kind == "sum16" else 32
        return lambda leaf: text.integer(table.rows[table.index[leaf]][0], bits)
    suffix = "" if len(table.rows) <= 32768 else "U"
    return lambda leaf: f"{table.index[leaf]}{suffix}"


def _add(table: LeafTable, scalar: bool, name: str, n_outputs: int) -> str:
    if table.kind == "votes":
        return "++sums[leaf];"
    if scalar:
        return "sums[0] += leaf;"
    bits = 16 if table.kind == "sum16" else 32
    return f"mw_add_row{bits}({name}_rows + (size_t) leaf * {n_outputs}U, {n_outputs}U, sums);"


def _groups(model: TreeEnsemble) -> Iterator[tuple[int, list[Tree]]]:
    """Trees in functions of bearable size, each with the number of its first tree."""
    group: list[Tree] = []
    first = splits = 0
    for index, tree in enumerate(model.trees):
        if group and splits + tree.n_splits > _SPLITS_PER_FUNCTION:
            yield first, group
            first, group, splits = index, [], 0
        group.append(tree)
        splits += tree.n_splits
    yield first, group


def _tree(tree: Tree, model: TreeEnsemble, leaf_text: Callable[[int], str], prefix: str) -> Iterator[str]:
    """One tree: nested if/else, with subtrees below the nesting limit moved behind labels."""
    waiting = [tree.root]
    blocks = 0
    while waiting:
        node = waiting.pop()
        if blocks:
            yield f"    goto {prefix}_done;\n{prefix}_{node}:\n"
        yield from _block(tree, node, model, leaf_text, prefix, waiting)
        blocks += 1
    if blocks > 1:
        yield f"{prefix}_done:\n"


def _block(
    tree: Tree,
    start: int,
    model: TreeEnsemble,
    leaf_text: Callable[[int], str],
    prefix: str,
    waiting: list[int],
) -> Iterator[str]:
    # An explicit stack: Python's own would overflow on trees a thousand deep. Strings on it are
    # text to write when everything above them is done.
    integer = FEATURE_TYPES[model.dtype].is_integer
    stack: list[tuple[int, int] | str] = [(start, 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        node, depth = item
        pad = "    " * (depth + 1)
        if node < 0:
            yield f"{pad}leaf = {leaf_text(~node)};\n"
        elif depth == _MAX_NESTING:
            waiting.append(node)
            yield f"{pad}goto {prefix}_{node};\n"
        else:
            missing = tree.missing_left[node] if tree.missing_left else None
            test = text.condition(model.dtype, f"x[{tree.feature[node]}]", tree.threshold[node], missing)
            note = "" if integer else f" /* <= {tree.threshold[node]:.6g} */"
            yield f"{pad}if ({test}) {{{note}\n"
            stack += [
                f"{pad}}}\n",
                (tree.right[node], depth + 1),
                f"{pad}}} else {{\n",
                (tree.left[node], depth + 1),
            ]
