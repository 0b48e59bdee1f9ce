"""``method='inline'``: every tree as if/else code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import text
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import subtree_slots
from milliwatt.ir import Tree, TreeEnsemble

# C types of a sum where votes do not fit a byte.
# C99 promises 127 nested blocks and clang stops at 256 brackets; deeper subtrees get a label.
_MAX_NESTING = 16
# Compilers take more than linear time for one huge function.
_SPLITS_PER_FUNCTION = 1500
# Cores that need MW_NEAR reach this many features from one address.
_WINDOW = 32
# What MW_VOTE can count: MW_VOTE_TREES and MW_VOTE_CLASSES in trees.h.
_VOTE_TREES = 127
_VOTE_CLASSES = 8


def sum_type(model: TreeEnsemble, table: LeafTable) -> str:
    """C type of one sum; votes of up to 255 trees fit a byte."""
    if table.kind == "votes" and len(model.trees) <= 255:
        return "uint8_t"
    return table.sum_type


def inline_sums(model: TreeEnsemble, name: str, table: LeafTable) -> str:
    """Tables and functions that end in ``static void <name>_add_trees(const T *x, S *sums)``."""
    c_type = FEATURE_TYPES[model.dtype].c_type
    features = f"const {c_type} *x"
    plan = _plan(model, name, table)
    parts = [plan.tables]
    calls = []
    for index, (first, trees) in enumerate(_groups(model)):
        function = f"{name}_trees_{index}"
        calls.append(f"    {function}(x, {plan.argument});\n")
        parts.append(f"static void {function}({features}, {plan.parameter})\n{{\n{plan.begin}")
        parts += _windows(trees, c_type)
        for offset, tree in enumerate(trees):
            parts.append(f"    /* tree {first + offset} */\n")
            parts += _tree(tree, model, plan.leaf, f"t{first + offset}")
            parts.append(plan.after_tree)
        if not any(tree.n_splits for tree in trees):
            parts.append("    (void) x;\n")
        parts.append(f"{plan.end}}}\n\n")
    parts.append(f"static void {name}_add_trees({features}, {sum_type(model, table)} *sums)\n{{\n")
    return "".join([*parts, plan.before_calls, *calls, plan.after_calls, "}\n"])


@dataclass(frozen=True)
class _Plan:
    """How leaves are added up: the C around the trees.

    Attributes:
        leaf: the statement for a leaf of the model.
        after_tree: what follows each tree.
        parameter, argument: what the functions that hold trees are given beside the features.
        begin, end: first and last lines of those functions.
        before_calls, after_calls: what stands around their calls.
        tables: definitions before them.
    """

    leaf: Callable[[int], str]
    parameter: str
    argument: str
    begin: str
    before_calls: str
    after_tree: str = ""
    after_calls: str = ""
    end: str = ""
    tables: str = ""


def _plan(model: TreeEnsemble, name: str, table: LeafTable) -> _Plan:
    if table.kind == "votes":
        if len(model.trees) <= _VOTE_TREES and model.n_outputs <= _VOTE_CLASSES:
            return _register_votes(model, name, table)
        after = "++sums[leaf];"
    elif model.n_outputs == 1:
        after = "sums[0] += leaf;"
    else:
        rows = f"{name}_rows + (size_t) leaf * {model.n_outputs}U"
        after = f"mw_add_row{table.bits}({rows}, {model.n_outputs}U, sums);"
    scalar = table.kind != "votes" and model.n_outputs == 1
    return _Plan(
        leaf=_leaf_assignment(table, scalar),
        parameter=f"{sum_type(model, table)} *sums",
        argument="sums",
        begin=f"    {_leaf_type(table, scalar)} leaf;\n",
        before_calls=f"    memset(sums, 0, {model.n_outputs} * sizeof *sums);\n",
        after_tree=f"    {after}\n",
        tables=""
        if scalar or table.kind == "votes"
        else text.row_table(f"{name}_rows", table.rows, table.bits) + "\n",
    )


def _register_votes(model: TreeEnsemble, name: str, table: LeafTable) -> _Plan:
    """Each leaf votes by itself, for counters that stay in registers."""
    n = model.n_outputs
    counts = (f"    sums[{index}] = MW_VOTES(votes, {index}, {n});\n" for index in range(n))
    return _Plan(
        leaf=lambda leaf: f"MW_VOTE(votes, {table.index[leaf]}, {n});",
        parameter=f"{name}_votes *counted",
        argument="&votes",
        begin=f"    {name}_votes votes = *counted;\n",
        end="    *counted = votes;\n",
        before_calls=f"    {name}_votes votes = {{{{0}}}};\n\n",
        after_calls="".join(counts),
        tables=f"typedef struct {{\n    mw_vote_word words[MW_VOTE_WORDS({n})];\n}} {name}_votes;\n\n",
    )


def _leaf_type(table: LeafTable, scalar: bool) -> str:
    if scalar:
        return "int_fast16_t" if table.kind == "sum16" else "int32_t"
    rows = len(table.rows)
    return "uint_fast8_t" if rows <= 256 else "uint_fast16_t" if rows <= 65536 else "uint_fast32_t"


def _leaf_assignment(table: LeafTable, scalar: bool) -> Callable[[int], str]:
    """A leaf's row, or with one output the value itself, put into a variable."""
    if scalar:
        return lambda leaf: f"leaf = {text.integer(table.rows[table.index[leaf]][0], table.bits)};"
    suffix = "" if len(table.rows) <= 32768 else "U"
    return lambda leaf: f"leaf = {table.index[leaf]}{suffix};"


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


def _tree(tree: Tree, model: TreeEnsemble, leaf: Callable[[int], str], prefix: str) -> Iterator[str]:
    """One tree: nested if/else, with subtrees below the nesting limit moved behind labels."""
    waiting = [tree.root]
    sizes = subtree_slots(tree)
    blocks = 0
    while waiting:
        node = waiting.pop()
        if blocks:
            yield f"    goto {prefix}_done;\n{prefix}_{node}:\n"
        yield from _block(tree, node, sizes, model, leaf, prefix, waiting)
        blocks += 1
    if blocks > 1:
        yield f"{prefix}_done:;\n"


def _block(
    tree: Tree,
    start: int,
    sizes: list[int],
    model: TreeEnsemble,
    leaf: Callable[[int], str],
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
            yield f"{pad}{leaf(~node)}\n"
        elif depth == _MAX_NESTING:
            waiting.append(node)
            yield f"{pad}goto {prefix}_{node};\n"
        else:
            missing = tree.missing_left[node] if tree.missing_left else None
            # The smaller side first: the jump over it is short, and on Thumb one instruction.
            sides = [tree.left[node], tree.right[node]]
            right_first = _size(sides[1], sizes) < _size(sides[0], sizes)
            operand = _feature(tree.feature[node])
            test = text.condition(model.dtype, operand, tree.threshold[node], missing, right=right_first)
            note = "" if integer else f" /* {'>' if right_first else '<='} {tree.threshold[node]:.6g} */"
            yield f"{pad}if ({test}) {{{note}\n"
            stack += [
                f"{pad}}}\n",
                (sides[not right_first], depth + 1),
                f"{pad}}} else {{\n",
                (sides[right_first], depth + 1),
            ]


def _windows(trees: list[Tree], c_type: str) -> Iterator[str]:
    """Pointers to every 32nd feature, as far as they are used, and an empty line."""
    used = {feature - feature % _WINDOW for tree in trees for feature in tree.feature}
    for first in sorted(used - {0}):
        yield f"    const {c_type} *const x{first} = MW_NEAR(x + {first});\n"
    yield "\n"


def _feature(index: int) -> str:
    first = index - index % _WINDOW
    return f"x{first or ''}[{index - first}]"


def _size(child: int, sizes: list[int]) -> int:
    return sizes[child] if child >= 0 else 0
