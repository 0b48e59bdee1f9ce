"""Committees: models that each have a say, where all their trees together are no single sum."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from milliwatt.ir.model import CLASSIFIER, MEAN, Calibration, Label, Tree, TreeEnsemble
from milliwatt.ir.network import Network
from milliwatt.ir.signals import Signals

HARD, SHARE, _ = VOTES = ("hard", "share", MEAN)


@dataclass(frozen=True, slots=True)
class Committee:
    """Models of the same features whose answers are counted, or averaged.

    ========= =======================================================================================
    ``hard``  each member votes for the class it answers; the class with most votes is the answer, the
              lowest index among equals. There are no probabilities, only votes
    ``share`` the same, and the probability of a class is its share of the votes
    ``mean``  the weighted mean of the members' probabilities, or of the values they regress
    ========= =======================================================================================

    Votes are added up in the order of the members, in float64, as scikit-learn does: with weights like
    0.1 the last bit decides what is a tie.

    What belongs to the whole is found here only: ``members`` are as :func:`as_member` makes them.

    Attributes:
        task: ``"classifier"`` or ``"regressor"`` (which only takes means).
        n_features: width of a sample; members take the same samples.
        members: at least one. The ``classes`` of a member are indices of ``classes``: it may know fewer.
        vote: see above.
        classes: the estimator's own labels, in its order; empty for regressors.
        weights: one a member, > 0; empty when all count alike. Hard votes are sums of weights, or
            fractions of all where there are none.
        dtype, scale, feature_names, name, method, budget, check_nan, origin, calibration, signals: as for
            a :class:`TreeEnsemble`.
        noise: ``mean``: answers closer to each other than this are decided by the estimator's own
            rounding.
    """

    task: str
    n_features: int
    members: tuple[TreeModel, ...]
    vote: str
    classes: tuple[Label, ...] = ()
    weights: tuple[float, ...] = ()
    dtype: str = "float"
    scale: tuple[float, ...] = ()
    feature_names: tuple[str, ...] = ()
    name: str = "model"
    method: str = "auto"
    budget: str = ""
    check_nan: bool = True
    origin: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    noise: float = 1e-9
    signals: Signals | None = None

    @property
    def is_classifier(self) -> bool:
        return self.task == CLASSIFIER

    @property
    def is_binary(self) -> bool:
        """Never: there is a number for every class."""
        return False

    @property
    def counts_votes(self) -> bool:
        """Members vote for a class each."""
        return self.vote != MEAN

    @property
    def description(self) -> str:
        """In words, as a part of a sentence: ``hard votes of 3 members``."""
        how = {HARD: "hard votes of", SHARE: "shares of the votes of"}.get(self.vote, "mean of")
        count = len(self.members)
        weighted = ", weighted" if self.weights else ""
        return f"{how} {count} member{'s' if count > 1 else ''}{weighted}"

    @property
    def n_outputs(self) -> int:
        """Votes, probabilities, or values in an answer."""
        return len(self.classes) if self.is_classifier else self.members[0].n_outputs

    @property
    def n_answers(self) -> int:
        return self.n_outputs

    @property
    def n_columns(self) -> int:
        """Numbers in the oracle's answer."""
        return self.n_outputs

    @property
    def has_probabilities(self) -> bool:
        return self.is_classifier and self.vote != HARD

    @property
    def has_scores(self) -> bool:
        """Votes that are no probabilities: then the C has a function for them."""
        return self.vote == HARD

    @property
    def trees(self) -> tuple[Tree, ...]:
        """The trees of all members."""
        return tuple(tree for member in self.members for tree in member.trees)

    @property
    def n_splits(self) -> int:
        return sum(member.n_splits for member in self.members)

    @property
    def handles_missing(self) -> bool:
        return any(member.handles_missing for member in self.members)

    @property
    def handles_categories(self) -> bool:
        return any(member.handles_categories for member in self.members)

    @property
    def shares(self) -> tuple[float, ...]:
        """What each member counts, of 1 in all."""
        weights = self.weights or (1.0,) * len(self.members)
        total = sum(weights)
        return tuple(weight / total for weight in weights)

    @property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """For each member the column of the whole that each of its answers belongs to."""
        if not self.is_classifier:
            return (tuple(range(self.n_outputs)),) * len(self.members)
        return tuple(tuple(map(int, member.classes)) for member in self.members)

    @property
    def leaf_error(self) -> tuple[float, ...]:
        """Members with narrower leaves: how far that moves each answer at most; else empty.

        A member that votes may vote for any other class.
        """
        if not any(member.leaf_error for member in self.members):
            return ()
        error = [0.0] * self.n_columns
        counted = self.weights if self.vote == HARD and self.weights else self.shares
        for member, count, columns in zip(self.members, counted, self.columns, strict=True):
            if not any(member.leaf_error):
                continue
            moved = (1.0,) * len(columns) if self.counts_votes else member.leaf_error
            for column, by in zip(columns, moved, strict=True):
                error[column] += count * by
        return tuple(error)


TreeModel: TypeAlias = TreeEnsemble | Committee
AnyModel: TypeAlias = TreeModel | Network


def in_words(model: AnyModel) -> str:
    """What kind of model it is, for humans: ``classifier``, or ``classifier, mean of 3 members``."""
    return model.task if isinstance(model, TreeEnsemble) else f"{model.task}, {model.description}"


def as_member(model: TreeModel, *, check_nan: bool = True) -> TreeModel:
    """A model as a member: without what its committee says for all."""
    changed = dataclasses.replace(
        model,
        name="model",
        method="auto",
        budget="",
        scale=(),
        feature_names=(),
        origin={},
        calibration=None,
        signals=None,
        check_nan=check_nan,
    )
    if isinstance(changed, TreeEnsemble):
        return changed
    members = tuple(as_member(member, check_nan=check_nan) for member in changed.members)
    return dataclasses.replace(changed, members=members)


def ensembles(model: AnyModel) -> list[TreeEnsemble]:
    """The sums of trees that a model is made of, in order: itself, those of its members; or none."""
    if isinstance(model, TreeEnsemble):
        return [model]
    if isinstance(model, Network):
        return []
    return [found for member in model.members for found in ensembles(member)]


def map_ensembles(model: TreeModel, change: Callable[[TreeEnsemble], TreeEnsemble]) -> TreeModel:
    """The model with every sum of trees in it replaced, in the order of :func:`ensembles`."""
    if isinstance(model, TreeEnsemble):
        return change(model)
    return dataclasses.replace(
        model, members=tuple(map_ensembles(member, change) for member in model.members)
    )
