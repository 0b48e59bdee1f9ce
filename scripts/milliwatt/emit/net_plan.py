"""Where the numbers between the layers of a network lie: one arena, used again and again."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.net_arena import Packed, Span, bytes_in_use, pack
from milliwatt.emit.net_lowering import steps_of
from milliwatt.emit.net_steps import FEATURES, Step, Value, label
from milliwatt.ir.network import Network

ALIGNMENT = 4  # of every value, and so of the arena


@dataclass(frozen=True)
class Plan:
    """What a device does for an answer, and where.

    Attributes:
        model: the network.
        steps: in order.
        values: by their number.
        scores: the value that the answer follows from.
        offsets: of each value in the arena, in bytes; that of the features, which do not lie in it, is 0.
        size: of the arena, in bytes.
        peaks: for each layer that takes work, in order: what it is, and the most bytes that are in use
            while it runs, its inputs, outputs and all that later layers need.
    """

    model: Network
    steps: tuple[Step, ...]
    values: tuple[Value, ...]
    scores: int
    offsets: tuple[int, ...]
    size: int
    peaks: tuple[tuple[str, int], ...]


def plan_network(model: Network) -> Plan:
    """Steps and places for a validated network.

    Raises:
        UnsupportedModelError: features of a type, or an image of a size, that no kernel takes.
    """
    lowered = steps_of(model)
    best: tuple[Packed, list[list[int]]] | None = None
    spans = _spans(lowered.steps, lowered.values, lowered.scores)
    # Sharing a place usually saves bytes, but ties values to each other.
    for shares in (True, False):
        groups = _groups(lowered.steps, len(spans), spans, shares=shares)
        packed = pack([[spans[value] for value in group] for group in groups])
        if best is None or packed.size < best[0].size:
            best = packed, groups
    assert best is not None
    packed, groups = best
    offsets = [0] * len(lowered.values)
    for group, offset in zip(groups, packed.offsets, strict=True):
        for value in group:
            offsets[value] = offset
    use = bytes_in_use([[spans[value] for value in group] for group in groups])
    return Plan(
        model,
        lowered.steps,
        lowered.values,
        lowered.scores,
        tuple(offsets),
        packed.size,
        _peaks(model, lowered.steps, use),
    )


def arena_size(model: Network) -> int:
    """Bytes that a network's answer takes beside the features and the stack."""
    return plan_network(model).size


def _spans(steps: tuple[Step, ...], values: tuple[Value, ...], scores: int) -> dict[int, Span]:
    """When each value in the arena is in use: from the step that makes it to the last that reads it."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for index, step in enumerate(steps):
        first.setdefault(step.writes, index)
        for value in (*step.reads, step.writes):
            last[value] = index
    last[scores] = len(steps)
    return {value: Span(begin, last[value], values[value].bytes) for value, begin in first.items()}


def _groups(steps: tuple[Step, ...], n: int, spans: dict[int, Span], *, shares: bool) -> list[list[int]]:
    """Values that lie at one place, each made by a kernel that changes the one before it."""
    group_of: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        if step.writes in group_of:
            continue
        dying = [value for value in step.may_be if value != FEATURES and spans[value].last == index]
        if shares and dying:
            # Of several the one that is in use for longest: what comes later is easier to place.
            chosen = min(dying, key=lambda value: spans[value].first)
            group = group_of[chosen]
        else:
            group = []
        group.append(step.writes)
        group_of[step.writes] = group
    distinct: list[list[int]] = []
    for group in group_of.values():
        if not any(group is known for known in distinct):
            distinct.append(group)
    return distinct


def _peaks(model: Network, steps: tuple[Step, ...], use: dict[int, int]) -> tuple[tuple[str, int], ...]:
    most: dict[int, int] = {}
    for index, step in enumerate(steps):
        most[step.tensor] = max(most.get(step.tensor, 0), use[index])
    return tuple((label(model, tensor), size) for tensor, size in most.items())
