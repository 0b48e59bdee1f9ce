"""The libraries that are measured beside Milliwatt, as PyPI has them: one module each.

Their versions are pinned here, and were the newest when these results were made. Each exports in a
virtual environment that they share (``environment.py``), in a process of its own
(``exporters/``): importing emlearn changes numpy's error handling for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

from peers import emlearn, everywhereml, m2cgen, micromlgen, tl2cgen

ALL = {
    "emlearn": emlearn,
    "m2cgen": m2cgen,
    "micromlgen": micromlgen,
    "everywhereml": everywhereml,
    "tl2cgen": tl2cgen,
}


def candidates(forest: Forest) -> Iterator[Candidate]:
    """Every way in which a peer takes this forest."""
    for peer in ALL.values():
        yield from peer.candidates(forest)


def requirements() -> list[str]:
    """What pip installs for the peers, pinned."""
    return [wanted for peer in ALL.values() for wanted in peer.REQUIREMENTS]


def notes() -> list[str]:
    """What a reader should know of each peer."""
    return [f"- {name}: {peer.NOTE}" for name, peer in ALL.items()]
