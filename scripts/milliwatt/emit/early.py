"""Early exit: when no tree that is left can change the answer.

Votes: a class that more than half of all trees voted for has won. Rows: after some trees the sums are
compared with what the remaining trees can still add, which is known here, from the leaves they have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.emit.leaves import LeafTable, cut_sum
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.ir.model import MEDIAN

# Costs in instructions, roughly: a tree, a number added, a number looked at by a check, a check.
_TREE, _ADD, _LOOK, _CHECK = 40, 6, 6, 10
_WORTH = 0.12  # of the cost of the trees between two checks that a check may cost
_SUM_LIMIT = (1 << 31) - 1


@dataclass(frozen=True)
class Checks:
    """When sums are looked at, and what decides.

    Attributes:
        first, step: rounds before the first check, and from one to the next.
        limits: one check after the other: a lead that suffices, or for a binary classifier two sums: up
            to the first it is class 0, above the second class 1.
    """

    first: int
    step: int
    limits: tuple[tuple[int, ...], ...]


def trees_in_rounds(model: TreeEnsemble, table: LeafTable) -> list[Tree]:
    """The trees in an order in which they add to output 0, 1, … in turn, filled up with empty ones."""
    if not model.outputs:
        return list(model.trees)
    queues: list[list[Tree]] = [[] for _ in range(model.n_outputs)]
    for tree, output in zip(model.trees, model.outputs, strict=True):
        queues[output].append(tree)
    nothing = next((leaf for leaf, row in enumerate(table.index) if table.rows[row] == (0,)), 0)
    rounds = max(map(len, queues))
    for queue in queues:
        queue += [Tree(root=~nothing)] * (rounds - len(queue))
    return [queue[index] for index in range(rounds) for queue in queues]


def majority(model: TreeEnsemble) -> int:
    """Votes that no other class can reach any more."""
    return len(model.trees) // 2 + 1


def plan_checks(model: TreeEnsemble, table: LeafTable, trees: Sequence[Tree]) -> Checks | None:
    """Checks for a classifier's rows; None where they cannot pay."""
    if not model.is_classifier or table.kind == "votes" or model.aggregate == MEDIAN:
        return None
    if model.n_outputs == 1 and not model.is_binary:
        return None
    n_sums = model.n_outputs
    each = n_sums if model.outputs else 1  # trees a round
    rounds = len(trees) // each
    step = max(1, math.ceil((_CHECK + _LOOK * n_sums) / (_WORTH * (_TREE * each + _ADD * n_sums))))
    if rounds <= step + 1:
        return None
    spans = _Spans(model, table, trees)
    limits: list[tuple[int, ...]] = []
    first = 0
    for done in range(step, rounds, step):
        found = spans.limits(done * each)
        if found is None and not limits:
            continue  # nothing can be decided so soon
        first = first or done
        limits.append(found or spans.never)
    return Checks(first, step, tuple(limits)) if limits else None


class _Spans:
    """What each tree can add to each sum, at least and at most."""

    def __init__(self, model: TreeEnsemble, table: LeafTable, trees: Sequence[Tree]) -> None:
        self.model = model
        self.table = table
        reached = [{table.index[~c] for c in (t.root, *t.left, *t.right) if c < 0} for t in trees]
        rows = [[self._full(table.rows[row]) for row in found] for found in reached]
        self.lows = [[min(column) for column in zip(*found, strict=True)] for found in rows]
        self.highs = [[max(column) for column in zip(*found, strict=True)] for found in rows]
        # How far one tree can bring one class nearer to another: with rows, known leaf by leaf.
        self.swings = [max(max(row) - min(row) for row in found) for found in rows]
        self.never: tuple[int, ...] = (-_SUM_LIMIT, _SUM_LIMIT) if model.is_binary else (_SUM_LIMIT,)

    def _full(self, row: tuple[int, ...]) -> tuple[int, ...]:
        return (*row, self.table.one - sum(row)) if self.table.implied else row

    def limits(self, done: int) -> tuple[int, ...] | None:
        """What decides after `done` trees, or None if nothing could by then."""
        if self.model.is_binary:
            return self._binary(done)
        left = range(done, len(self.lows))
        if self.model.outputs:
            n = self.model.n_outputs
            most = [sum(self.highs[t][0] for t in left if t % n == o) for o in range(n)]
            least = [sum(self.lows[t][0] for t in left if t % n == o) for o in range(n)]
            needed = max(most[a] - least[b] for a in range(n) for b in range(n) if a != b)
            return (needed,)
        needed = sum(self.swings[t] for t in left)
        possible = sum(self.swings[t] for t in range(done)) + max(self.table.start, default=0)
        return (needed,) if possible > needed else None

    def _binary(self, done: int) -> tuple[int, int]:
        left = range(done, len(self.lows))
        cut = cut_sum(self.model, self.table)
        low = cut - sum(self.highs[t][0] for t in left)
        high = cut - sum(self.lows[t][0] for t in left)
        return max(low, -_SUM_LIMIT - 1), min(max(high, -_SUM_LIMIT - 1), _SUM_LIMIT)
