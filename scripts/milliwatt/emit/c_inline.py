"""``method='inline'``: every tree as if/else code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.category_sets import category_bytes
from milliwatt.emit.early import trees_in_rounds
from milliwatt.emit.inline_plans import Plan, plan_leaves
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import subtree_splits
from milliwatt.ir import Tree, TreeEnsemble

# C99 promises 127 nested blocks and clang stops at 256 brackets; deeper subtrees get a label.
_MAX_NESTING = 16
# Compilers take more than linear time for one huge function.
_SPLITS_PER_FUNCTION = 1500
# Cores that need MW_NEAR reach this many features from one address.
_WINDOW = 32


@dataclass(frozen=True)
class _Code:
    """What one tree's code depends on.

    Attributes:
        leaf: the statement for a leaf of the model.
        sets, offsets: the table of category sets, and where in it each of the model's sets is.
    """

    dtype: str
    leaf: Callable[[int], str]
    sets: str
    offsets: Sequence[int]

    def test(self, tree: Tree, node: int, right: bool) -> str:
        """The condition for the left side, or the right one."""
        operand = _feature(tree.feature[node])
        missing = tree.missing_left[node] if tree.missing_left else None
        if tree.category_set and tree.category_set[node] >= 0:
            offset = self.offsets[tree.category_set[node]]
            test = text.category_condition(self.dtype, operand, self.sets, offset, missing)
        else:
            test = text.condition(self.dtype, operand, tree.threshold[node], missing)
        return text.negated(test) if right else test

    def note(self, tree: Tree, node: int, right: bool) -> str:
        """What a condition on a float's bits means, as a comment."""
        if FEATURE_TYPES[self.dtype].is_integer or (tree.category_set and tree.category_set[node] >= 0):
            return ""
        return f" /* {'>' if right else '<='} {tree.threshold[node]:.6g} */"


def inline_sums(model: TreeEnsemble, name: str, table: LeafTable, sum_type: str) -> str:
    """Tables and functions, the last of them ``<name>_add_trees`` as ``trees_walk.h`` describes it."""
    c_type = FEATURE_TYPES[model.dtype].c_type
    trees = trees_in_rounds(model, table)
    plan = plan_leaves(model, name, table, trees, sum_type)
    sets = category_bytes(model)
    code = _Code(model.dtype, plan.leaf, f"{name}_sets", sets.offsets)
    parts = [plan.tables]
    if model.handles_categories:
        parts.append(text.array("uint8_t", f"{name}_sets", (f"{byte}U" for byte in sets.data)) + "\n")
    groups = list(_groups(trees))
    for index, (first, group) in enumerate(groups):
        head = f"static int {name}_trees_{index}(const {c_type} *x, {plan.parameter})\n{{\n"
        parts += [head, plan.begin, *_windows(group, c_type)]
        for offset, tree in enumerate(group):
            parts.append(f"    /* tree {first + offset} */\n")
            parts += _tree(tree, code, f"t{first + offset}")
            parts.append(plan.after_tree(first + offset))
        if not any(tree.n_splits for tree in group):
            parts.append("    (void) x;\n")
        parts.append(f"{plan.end}    return 0;\n}}\n\n")
    return "".join([*parts, *_callers(name, f"const {c_type} *x", plan, len(groups))])


def _callers(name: str, features: str, plan: Plan, n_groups: int) -> Iterator[str]:
    """The functions that call those with the trees."""
    if plan.vote is None:
        argument = ", ".join(part.split()[-1].lstrip("*") for part in plan.parameter.split(","))
        yield f"static void {name}_add_trees({features}, {plan.parameter})\n{{\n"
        yield f"    (void) ({_calls(name, argument, n_groups, ' ||')});\n}}\n"
        return
    vote = plan.vote
    yield f"static int {name}_vote({features})\n{{\n{vote.begin}"
    yield f"{_found(name, vote.argument, n_groups)}{vote.end}}}\n\n"
    sums = "uint8_t" if "sums" not in plan.parameter else plan.parameter.split()[0]
    yield f"static void {name}_add_trees({features}, {sums} *sums)\n{{\n{vote.sum_begin}"
    yield f"{_found(name, vote.sum_argument, n_groups)}{vote.sum_end}}}\n"


def _calls(name: str, argument: str, n_groups: int, operator: str) -> str:
    return f"{operator}\n            ".join(
        f"{name}_trees_{index}(x, {argument})" for index in range(n_groups)
    )


def _found(name: str, argument: str, n_groups: int) -> str:
    """Function after function, until one has found the answer."""
    lines = [f"    found = {name}_trees_0(x, {argument});\n"]
    for index in range(1, n_groups):
        call = f"found = {name}_trees_{index}(x, {argument});"
        lines.append(f"    if (!found) {{\n        {call}\n    }}\n")
    return "".join(lines)


def _groups(trees: Sequence[Tree]) -> Iterator[tuple[int, list[Tree]]]:
    """Trees in functions of bearable size, each with the number of its first tree."""
    group: list[Tree] = []
    first = splits = 0
    for index, tree in enumerate(trees):
        if group and splits + tree.n_splits > _SPLITS_PER_FUNCTION:
            yield first, group
            first, group, splits = index, [], 0
        group.append(tree)
        splits += tree.n_splits
    yield first, group


def _tree(tree: Tree, code: _Code, prefix: str) -> Iterator[str]:
    """One tree: nested if/else, with subtrees below the nesting limit moved behind labels."""
    waiting = [tree.root]
    sizes = subtree_splits(tree)
    blocks = 0
    while waiting:
        node = waiting.pop()
        if blocks:
            yield f"    goto {prefix}_done;\n{prefix}_{node}:\n"
        yield from _block(tree, node, sizes, code, prefix, waiting)
        blocks += 1
    if blocks > 1:
        yield f"{prefix}_done:;\n"


def _block(
    tree: Tree, start: int, sizes: Sequence[int], code: _Code, prefix: str, waiting: list[int]
) -> Iterator[str]:
    # An explicit stack: Python's own would overflow on trees a thousand deep. Strings on it are
    # text to write when everything above them is done.
    stack: list[tuple[int, int] | str] = [(start, 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        node, depth = item
        pad = "    " * (depth + 1)
        if node < 0:
            yield f"{pad}{code.leaf(~node)}\n"
        elif depth == _MAX_NESTING:
            waiting.append(node)
            yield f"{pad}goto {prefix}_{node};\n"
        else:
            # The smaller side first: the jump over it is short, and on Thumb one instruction.
            sides = [tree.left[node], tree.right[node]]
            right = _size(sides[1], sizes) < _size(sides[0], sizes)
            yield f"{pad}if ({code.test(tree, node, right)}) {{{code.note(tree, node, right)}\n"
            stack += [
                f"{pad}}}\n",
                (sides[not right], depth + 1),
                f"{pad}}} else {{\n",
                (sides[right], depth + 1),
            ]


def _windows(trees: Sequence[Tree], c_type: str) -> Iterator[str]:
    """Pointers to every 32nd feature, as far as they are used, and an empty line."""
    used = {feature - feature % _WINDOW for tree in trees for feature in tree.feature}
    for first in sorted(used - {0}):
        yield f"    const {c_type} *const x{first} = MW_NEAR(x + {first});\n"
    yield "\n"


def _feature(index: int) -> str:
    first = index - index % _WINDOW
    return f"x{first or ''}[{index - first}]"


def _size(child: int, sizes: Sequence[int]) -> int:
    return sizes[child] if child >= 0 else 0
