"""Places in one block of memory for buffers that are in use at different times.

Finding the smallest block is NP-hard. Here every buffer goes to the lowest place that is free while it is in
use, in several orders, of which the best result counts: the largest buffers first, or those of the step with
the most bytes in use first (Pisarchyk and Lee, "Efficient memory management for deep neural net inference",
2020). A third way takes them as they come, in turn from either end of the block: for a chain of layers, where
only neighbours are in use at one time, nothing is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_ROUNDS = 40  # of trying again with what lies highest placed first
_WORK = 4_000_000  # pairs of buffers to look at in all: seconds


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that are in use from one step to another, both included."""

    first: int
    last: int
    size: int


# A buffer: one span after the other, at one place.
Buffer = Sequence[Span]


@dataclass(frozen=True)
class Packed:
    """Where buffers begin, and how long the block is."""

    offsets: tuple[int, ...]
    size: int


def pack(buffers: Sequence[Buffer]) -> Packed:
    """Places of buffers whose sizes are multiples of the alignment.

    No two that are in use at one step overlap. Deterministic.
    """
    if not buffers:
        return Packed((), 0)
    use = bytes_in_use(buffers)
    least = max(use.values())
    neighbours = _neighbours(buffers)
    best: Packed | None = None
    for found in _attempts(buffers, use, neighbours):
        if best is None or found.size < best.size:
            best = found
        if best.size == least:
            break
    assert best is not None
    return best


def bytes_in_use(buffers: Sequence[Buffer]) -> dict[int, int]:
    """For each step in which a buffer is in use, the bytes of all buffers."""
    total: dict[int, int] = {}
    for buffer in buffers:
        own: dict[int, int] = {}
        for span in buffer:
            for step in range(span.first, span.last + 1):
                own[step] = max(own.get(step, 0), span.size)
        for step, size in own.items():
            total[step] = total.get(step, 0) + size
    return total


def _attempts(
    buffers: Sequence[Buffer], use: dict[int, int], neighbours: list[list[int]]
) -> Iterator[Packed]:
    n = len(buffers)
    sizes = [max(span.size for span in buffer) for buffer in buffers]
    starts = [min(span.first for span in buffer) for buffer in buffers]
    lengths = [sum(span.last - span.first + 1 for span in buffer) for buffer in buffers]
    widest = [max(use[step] for span in buffer for step in (span.first, span.last)) for buffer in buffers]
    orders: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-sizes[i], starts[i]),
        lambda i: (-widest[i], -sizes[i], starts[i]),
        lambda i: (-sizes[i] * lengths[i], starts[i]),
        lambda i: (-lengths[i], -sizes[i], starts[i]),
        lambda i: (starts[i], -sizes[i]),
    ]
    least = max(use.values())
    work = sum(map(len, neighbours)) * len(orders)
    rounds = max(1, min(_ROUNDS, _WORK // max(1, work)))
    in_time = sorted(range(n), key=lambda i: (starts[i], -sizes[i]))
    yield _place(buffers, in_time, neighbours, ends=least)
    for key in orders:
        order = sorted(range(n), key=key)
        for _ in range(rounds):
            found = _place(buffers, order, neighbours)
            yield found
            highest = max(range(n), key=lambda i: (found.offsets[i] + sizes[i], sizes[i]))
            if order[0] == highest:
                break
            order = [highest, *(i for i in order if i != highest)]


def _neighbours(buffers: Sequence[Buffer]) -> list[list[int]]:
    """For each buffer those that are in use at a step of its own."""
    ends = [(min(s.first for s in buffer), max(s.last for s in buffer)) for buffer in buffers]
    order = sorted(range(len(buffers)), key=lambda i: ends[i])
    found: list[list[int]] = [[] for _ in buffers]
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if ends[j][0] > ends[i][1]:
                break
            found[i].append(j)
            found[j].append(i)
    return found


def _place(
    buffers: Sequence[Buffer], order: Sequence[int], neighbours: list[list[int]], ends: int = 0
) -> Packed:
    """Every buffer, in order, where it is free.

    Args:
        ends: a block of so many bytes is filled from both ends in turn; 0: from its beginning.
    """
    offsets = [-1] * len(buffers)
    from_end = False
    size = 0
    for i in order:
        taken = sorted(
            (offsets[j] - own.size, offsets[j] + other.size)
            for j in neighbours[i]
            if offsets[j] >= 0
            for own in buffers[i]
            for other in buffers[j]
            if own.first <= other.last and other.first <= own.last
        )
        length = max(span.size for span in buffers[i])
        at = _highest(taken, ends - length) if from_end else -1
        offsets[i] = at if at >= 0 else _lowest(taken)
        from_end = bool(ends) and not from_end
        size = max(size, offsets[i] + length)
    return Packed(tuple(offsets), size)


def _lowest(taken: Sequence[tuple[int, int]]) -> int:
    """The lowest offset from 0 on that lies in no open interval; they come sorted."""
    at = 0
    for low, high in taken:
        if low < at < high:
            at = high
    return at


def _highest(taken: Sequence[tuple[int, int]], most: int) -> int:
    """The highest offset up to ``most`` that lies in no open interval, below 0 if there is none."""
    at = most
    for low, high in sorted(taken, key=lambda interval: -interval[1]):
        if low < at < high:
            at = low
    return at
