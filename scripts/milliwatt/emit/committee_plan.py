"""In which order members are asked, and after which of them the class may be certain."""

from __future__ import annotations

import math
from dataclasses import dataclass

from milliwatt.emit.ballots import ballots
from milliwatt.emit.ranges import answer_ranges
from milliwatt.ir import Committee, TreeModel

# Costs in instructions, roughly, as in early.py: a tree beside its splits, a split, a look at one class.
_TREE, _SPLIT, _LOOK, _CHECK = 40, 6, 6, 10
_WORTH = 0.12  # of the cost of the members before it, or after it, that a look may cost
_FLOAT32_ULP = 2.0**-22


@dataclass(frozen=True)
class Turn:
    """One member's turn.

    Attributes:
        member: its index.
        rest: what the members after it can still change between two classes, at most, in units of what
            is added up; None: whether that is enough is not looked at here.
    """

    member: int
    rest: float | None = None


def turns(model: Committee) -> list[Turn]:
    """Those members first that decide most for their cost, each with the look that follows it."""
    weights = _weights(model)
    costs = [_cost(member) for member in model.members]
    order = list(range(len(weights)))
    if model.is_classifier:
        order.sort(key=lambda i: -weights[i] / costs[i])
    look = _CHECK + _LOOK * len(model.classes)
    done, since, found = 0.0, 0.0, []
    for place, index in enumerate(order):
        done += weights[index]
        since += costs[index]
        later = order[place + 1 :]
        rest = sum(weights[i] for i in later)
        pays = bool(later) and look <= _WORTH * max(since, costs[later[0]])
        if not later or len(model.classes) < 2 or done <= rest or not pays:
            found.append(Turn(index))
            continue
        since = 0.0
        found.append(Turn(index, rest if model.counts_votes else _above(rest, model, weights)))
    return found


def added_share(model: Committee) -> tuple[float, ...]:
    """What each member's answers are multiplied by before they are added: 1 where a quotient follows."""
    return (1.0,) * len(model.members) if divides(model) else model.shares


def divides(model: Committee) -> bool:
    """Whether answers are added up as they are, and divided by their number at last."""
    largest = max(max(abs(low), abs(high)) for low, high in answer_ranges(model))
    return not model.weights and largest * len(model.members) < 1e37


def _weights(model: Committee) -> list[float]:
    """How far each member can move two classes against each other."""
    if model.counts_votes:
        counted = ballots(model.weights, len(model.members))
        return [float(count) for count in counted.counts] or list(model.weights)
    return [
        share * _swing(model, index) if model.is_classifier else 1.0
        for index, share in enumerate(added_share(model))
    ]


def _swing(model: Committee, index: int) -> float:
    ranges = answer_ranges(model.members[index])
    if len(ranges) < len(model.classes):
        ranges.append((0.0, 0.0))  # of the classes it does not know
    return max(high for _, high in ranges) - min(low for low, _ in ranges)


def _above(rest: float, model: Committee, weights: list[float]) -> float:
    """A lead that stays one whatever comes, and however float32 rounds."""
    return rest + (len(weights) + 3) * _FLOAT32_ULP * (sum(weights) + 1.0)


def _cost(model: TreeModel) -> float:
    return sum(_TREE + _SPLIT * math.log2(tree.n_splits + 1) for tree in model.trees)
