"""How far answers on the device can be from the exact ones, for models of every kind."""

from __future__ import annotations

from milliwatt.emit import leaves
from milliwatt.emit.ranges import answer_ranges
from milliwatt.ir import Committee, TreeEnsemble, TreeModel
from milliwatt.ir.model import EXP

_ULP = 2.0**-23
_TINY = 2.0**-149


def value_bounds(model: TreeModel) -> tuple[float, ...]:
    """How far each probability, value or vote can be from the exact one (absolute).

    Votes are meant as counted: each is right where the member's own best two scores are further apart
    than twice its ``score_bounds``.
    """
    if isinstance(model, TreeEnsemble):
        return leaves.value_bounds(model)
    if model.counts_votes:
        return _rounding(model, [0.0] * model.n_outputs)
    bounds = [0.0] * model.n_outputs
    for member, share, columns in zip(model.members, model.shares, model.columns, strict=True):
        for column, bound in zip(columns, value_bounds(member), strict=True):
            bounds[column] += share * bound
    return _rounding(model, bounds)


def score_bounds(model: TreeModel) -> tuple[float, ...]:
    """How far the numbers that decide can be from the exact ones; a committee's are its answers."""
    return leaves.score_bounds(model) if isinstance(model, TreeEnsemble) else value_bounds(model)


def relative_bound(model: Committee) -> float | None:
    """For means of powers of e alone, how far a value can be off, as a fraction of it; else None."""
    if not all(isinstance(member, TreeEnsemble) and member.link == EXP for member in model.members):
        return None
    members = [member for member in model.members if isinstance(member, TreeEnsemble)]
    largest = max(leaves.relative_exp_bound(max(leaves.score_bounds(member))) for member in members)
    return largest + _roundings(model) * _ULP


def _rounding(model: Committee, bounds: list[float]) -> tuple[float, ...]:
    """The bounds with what float32 adds: weights, products, sums and the quotient are rounded."""
    steps = _roundings(model)
    sizes = [max(abs(low), abs(high)) for low, high in answer_ranges(model)]
    largest = max(sizes) if model.is_classifier else 0.0
    return tuple(
        bound + steps * (max(size, largest) * _ULP + _TINY) for bound, size in zip(bounds, sizes, strict=True)
    )


def _roundings(model: Committee) -> int:
    return len(model.members) + 3
