"""How many trees a prediction takes, members that are not asked any more included."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.emit.ballots import ballots
from milliwatt.emit.committee_plan import Turn, added_share, turns
from milliwatt.host.early_exit import trees_taken
from milliwatt.host.evaluate_committee import answers, decide, scores
from milliwatt.ir import Committee, TreeEnsemble, TreeModel


def mean_trees(model: TreeModel, samples: NDArray[Any]) -> float | None:
    """Trees that ``predict`` evaluates on average; None for models that always need all."""
    if not model.is_classifier or not len(samples):
        return None
    taken = _taken(model, samples)
    return None if taken is None else float(taken.mean())


def _taken(model: TreeModel, samples: NDArray[Any]) -> NDArray[np.intp] | None:
    """Trees evaluated for the class of each sample; None where it is always all of them."""
    if isinstance(model, TreeEnsemble):
        return trees_taken(model, samples)
    total, open_rows = np.zeros(len(samples), dtype=np.intp), np.ones(len(samples), dtype=bool)
    count = (
        _Ranked(model, samples) if ballots(model.weights, len(model.members)).ranks else _Sums(model, samples)
    )
    exits = False
    for turn in turns(model):
        member = model.members[turn.member]
        taken = _taken(member, samples) if model.counts_votes else None
        exits |= taken is not None or turn.rest is not None
        total[open_rows] += len(member.trees) if taken is None else taken[open_rows]
        decided = count.after(turn)
        if decided is not None:
            open_rows &= ~decided
    return total if exits else None


class _Sums:
    """Votes, or what means are made of, as they are added up."""

    def __init__(self, model: Committee, samples: NDArray[Any]) -> None:
        self.model, self.samples = model, samples
        counts = ballots(model.weights, len(model.members)).counts
        self.each = counts if model.counts_votes else added_share(model)
        self.sums = np.zeros((len(samples), model.n_outputs))

    def after(self, turn: Turn) -> NDArray[np.bool_] | None:
        """Rows that are decided once a member had its turn; None where nobody looks."""
        member, columns = self.model.members[turn.member], self.model.columns[turn.member]
        reached = scores(member, self.samples)
        if self.model.counts_votes:
            voted = np.asarray(columns)[decide(member, reached)]
            self.sums[np.arange(len(voted)), voted] += self.each[turn.member]
        else:
            self.sums[:, list(columns)] += self.each[turn.member] * answers(member, reached)
        if turn.rest is None:
            return None
        best = np.partition(self.sums, -2, axis=1)
        decided: NDArray[np.bool_] = best[:, -1] - best[:, -2] > turn.rest
        return decided


class _Ranked:
    """Who voted for what, where votes are ranked."""

    def __init__(self, model: Committee, samples: NDArray[Any]) -> None:
        self.model, self.samples = model, samples
        self.ranks = np.asarray(ballots(model.weights, len(model.members)).ranks)
        self.voters = np.zeros((len(samples), model.n_outputs), dtype=np.intp)
        self.still = (1 << len(model.members)) - 1

    def after(self, turn: Turn) -> NDArray[np.bool_] | None:
        """Rows that are decided once a member had its turn; None where nobody looks."""
        member, columns = self.model.members[turn.member], self.model.columns[turn.member]
        voted = np.asarray(columns)[decide(member, scores(member, self.samples))]
        rows = np.arange(len(voted))
        self.voters[rows, voted] |= 1 << turn.member
        self.still &= ~(1 << turn.member)
        if turn.rest is None:
            return None
        now, possible = self.ranks[self.voters], self.ranks[self.voters | self.still]
        winner = now.argmax(axis=1)
        possible[rows, winner] = -1
        decided: NDArray[np.bool_] = possible.max(axis=1) < now[rows, winner]
        return decided
