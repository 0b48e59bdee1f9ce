"""How generated if/else code adds leaves up: in registers where it can, and when it may stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.emit.early import Checks, majority, plan_checks
from milliwatt.emit.leaves import LeafTable
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.ir.model import MEDIAN

# What MW_VOTE can count: MW_VOTE_TREES and MW_VOTE_CLASSES in trees.h.
_VOTE_TREES = 127
_VOTE_CLASSES = 8
# From this many words on, a look at all counters costs as much as half a tree.
_MANY_WORDS = 3
# Sums of so many outputs are kept in variables.
_SUM_VARIABLES = 8
# More words than this are cleared by memset.
MOST_STORES = 8


@dataclass(frozen=True)
class VoteBodies:
    """The C around the calls of the functions that hold the trees, for votes.

    Attributes:
        argument: what they are given beside the features when a class is looked for.
        begin, end: before and after these calls, whose answer is in ``found``.
        sum_argument, sum_begin, sum_end: the same when every vote is counted.
    """

    argument: str
    begin: str
    end: str
    sum_argument: str
    sum_begin: str
    sum_end: str


@dataclass(frozen=True)
class Plan:
    """The C around the trees.

    Attributes:
        leaf: the statement for a leaf of the model.
        after_tree: what follows each tree, by its number.
        parameter: what the functions that hold trees are given beside the features; they return something
            else than 0 when the answer is known.
        begin, end: first and last lines of these functions.
        tables: definitions before them.
        vote: what calls them, for votes.
    """

    leaf: Callable[[int], str]
    after_tree: Callable[[int], str]
    parameter: str
    begin: str = ""
    end: str = ""
    tables: str = ""
    vote: VoteBodies | None = None


def plan_leaves(
    model: TreeEnsemble, name: str, table: LeafTable, trees: Sequence[Tree], sum_type: str
) -> Plan:
    """The plan for a model whose trees are evaluated in the order given."""
    if table.kind == "votes":
        if counts_in_registers(model, table):
            return _register_votes(model, name, table)
        return _votes(model, table, sum_type)
    if model.aggregate == MEDIAN:
        return _ranks(table)
    if table.width == 1 and not table.implied:
        return _numbers(model, table, plan_checks(model, table, trees), len(trees))
    return _rows(model, name, table, plan_checks(model, table, trees), len(trees))


def counts_in_registers(model: TreeEnsemble, table: LeafTable) -> bool:
    """Whether votes are counted by MW_VOTE."""
    return table.kind == "votes" and len(model.trees) <= _VOTE_TREES and model.n_outputs <= _VOTE_CLASSES


def _register_votes(model: TreeEnsemble, name: str, table: LeafTable) -> Plan:
    """Each leaf votes by itself, for counters that stay in registers."""
    n = model.n_outputs
    enough = majority(model)
    stride = 2 if n >= _MANY_WORDS else 1

    def after(tree: int) -> str:
        done = tree + 1
        if done < enough or (done - enough) % stride or done == len(model.trees):
            return ""
        look = f"(MW_VOTE_ANY(votes, {n}) & flags) != 0"
        return f"    if ({look}) {{\n        *counted = votes;\n        return 1;\n    }}\n"

    begin = f"    {name}_votes votes;\n    int found;\n\n"
    start = (
        f"    for (unsigned i = 0; i < MW_VOTE_WORDS({n}); ++i) {{\n        votes.words[i] = START;\n    }}\n"
    )
    unpack = "".join(f"    sums[{i}] = MW_VOTES(votes, {i}, {n});\n" for i in range(n))
    winners = "".join(
        f"        if (MW_VOTE_HAS_ENOUGH(votes, {i}, {n})) {{\n            return {i};\n        }}\n"
        for i in range(n - 1)
    )
    return Plan(
        leaf=lambda leaf: f"MW_VOTE(votes, {table.index[leaf]}, {n});",
        after_tree=after,
        parameter=f"{name}_votes *counted, mw_vote_word flags",
        begin=f"    {name}_votes votes = *counted;\n",
        end="    *counted = votes;\n    (void) flags;\n",
        tables=f"typedef struct {{\n    mw_vote_word words[MW_VOTE_WORDS({n})];\n}} {name}_votes;\n\n",
        vote=VoteBodies(
            argument="&votes, MW_VOTE_FLAGS",
            begin=f"    uint8_t sums[{n}];\n"
            + begin
            + start.replace("START", f"MW_VOTE_START(MW_VOTE_HALF - {enough})"),
            end=f"    if (found) {{\n{winners}        return {n - 1};\n    }}\n{unpack}"
            f"    return mw_argmax_uint8(sums, {n});\n",
            sum_argument="&votes, 0",
            sum_begin=begin + start.replace("START", "0"),
            sum_end=f"    (void) found;\n{unpack}",
        ),
    )


def _votes(model: TreeEnsemble, table: LeafTable, sum_type: str) -> Plan:
    first, n = majority(model), model.n_outputs

    def after(tree: int) -> str:
        if tree + 1 < first:
            return "    ++sums[leaf];\n"
        return "    if (++sums[leaf] == enough) {\n        return (int) leaf + 1;\n    }\n"

    return Plan(
        leaf=_leaf_number(table),
        after_tree=after,
        parameter=f"{sum_type} *sums, {sum_type} enough",
        begin=f"    {_number_type(table)} leaf;\n",
        end="    (void) enough;\n",
        vote=VoteBodies(
            argument=f"votes.sums, {first}",
            begin=zeroed_votes(sum_type, n) + "    int found;\n\n" + zeroing(sum_type, n),
            end=f"    return found ? found - 1 : mw_argmax_{sum_type.removesuffix('_t')}(votes.sums, {n});\n",
            sum_argument="sums, 0",
            sum_begin=f"    int found;\n\n    memset(sums, 0, {n} * sizeof *sums);\n",
            sum_end="    (void) found;\n",
        ),
    )


def zeroed_votes(sum_type: str, n: int) -> str:
    """Counters as words too: a few stores clear them."""
    words = f"        uint32_t words[{_words(sum_type, n)}];\n"
    return f"    union {{\n{words}        {sum_type} sums[{n}];\n    }} votes;\n"


def zeroing(sum_type: str, n: int) -> str:
    """Clears `votes` of :func:`zeroed_votes`."""
    words = _words(sum_type, n)
    if words > MOST_STORES:
        return "    memset(&votes, 0, sizeof votes);\n"
    return "".join(f"    votes.words[{i}] = 0;\n" for i in range(words))


def _words(sum_type: str, n: int) -> int:
    return -(-n * (1 if sum_type == "uint8_t" else 2) // 4)


def _ranks(table: LeafTable) -> Plan:
    return Plan(
        leaf=lambda leaf: f"leaf = {table.rows[table.index[leaf]][0]}U;",
        after_tree=lambda tree: f"    ranks[{tree}] = leaf;\n",
        parameter="uint32_t *ranks",
        begin="    uint32_t leaf;\n",
    )


def _numbers(model: TreeEnsemble, table: LeafTable, checks: Checks | None, n_trees: int) -> Plan:
    """Leaves are constants in the code, sums variables."""
    n = model.n_outputs
    in_variables = n <= _SUM_VARIABLES
    load = "".join(f"    int32_t sum{o} = sums[{o}];\n" for o in range(n)) if in_variables else ""
    store = [f"sums[{o}] = sum{o};" for o in range(n)] if in_variables else []
    check = _Check(model, table, checks, store)

    def after(tree: int) -> str:
        output = tree % n
        target = f"sum{output}" if in_variables else f"sums[{output}]"
        added = f"    {target} += leaf;\n"
        return added + (check.text((tree + 1) // n) if output == n - 1 and tree + 1 < n_trees else "")

    return Plan(
        leaf=lambda leaf: f"leaf = {text.integer(table.rows[table.index[leaf]][0], 32)};",
        after_tree=after,
        parameter="int32_t *sums, int early",
        begin=f"    int32_t leaf;\n{load}",
        end="".join(f"    {line}\n" for line in store) + "    (void) early;\n",
    )


def _rows(model: TreeEnsemble, name: str, table: LeafTable, checks: Checks | None, n_trees: int) -> Plan:
    """A leaf is a row of a table."""
    rows = f"{name}_rows + (size_t) leaf * {table.width}U"
    check = _Check(model, table, checks, [])
    rest = ""
    if table.implied:
        rest = f"    sums[{table.width}] = mw_rest(sums, {table.width}, INT32_C({n_trees * table.one}));\n"

    def after(tree: int) -> str:
        added = f"    mw_add_row{table.bits}({rows}, {table.width}U, sums);\n"
        return added + (check.text(tree + 1) if tree + 1 < n_trees else rest)

    return Plan(
        leaf=_leaf_number(table),
        after_tree=after,
        parameter="int32_t *sums, int early",
        begin=f"    {_number_type(table)} leaf;\n",
        end="    (void) early;\n",
        tables=text.row_table(f"{name}_rows", table.rows, table.bits) + "\n",
    )


@dataclass(frozen=True)
class _Check:
    """Whether the answer is known after a round of trees, as C."""

    model: TreeEnsemble
    table: LeafTable
    checks: Checks | None
    store: Sequence[str]

    def text(self, rounds: int) -> str:
        if self.checks is None or rounds < self.checks.first:
            return ""
        number, off = divmod(rounds - self.checks.first, self.checks.step)
        if off or number >= len(self.checks.limits):
            return ""
        limit = [text.integer(value, 32) for value in self.checks.limits[number]]
        lines = []
        if self.model.is_binary:
            lines.append(f"if (early && mw_decided(&sum0, {limit[0]}, {limit[1]})) {{")
        else:
            n = self.model.n_outputs
            lines += ["if (early) {", *(f"    {line}" for line in self.store)]
            if self.table.implied:
                one = f"INT32_C({rounds * self.table.one})"
                lines.append(f"    sums[{n - 1}] = mw_rest(sums, {n - 1}, {one});")
            lines += ["}", f"if (early && mw_lead(sums, {n}) > {limit[0]}) {{"]
        lines += [*(f"    {line}" for line in self.store), "    return 1;", "}"]
        return "".join(f"    {line}\n" for line in lines)


def _number_type(table: LeafTable) -> str:
    rows = len(table.rows)
    return "uint_fast8_t" if rows <= 256 else "uint_fast16_t" if rows <= 65536 else "uint_fast32_t"


def _leaf_number(table: LeafTable) -> Callable[[int], str]:
    suffix = "" if len(table.rows) <= 32768 else "U"
    return lambda leaf: f"leaf = {table.index[leaf]}{suffix};"
