"""What kernels of signals are held to, and what they reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsp_rows import M0, M3, M4F, Row, find
from fft_cost import kernel
from filter_cost import BLOCKS, SECTIONS
from goal_tables import Goal


@dataclass(frozen=True)
class Wanted:
    """At most so many instructions and bytes of flash, at least so many dB whatever goes in."""

    kernel: str
    numbers: str
    core: str
    cost: float
    flash_bytes: int | None = None
    snr_db: float | None = None


WANTED = (
    Wanted(kernel("fft", 256), "f32", M4F, 17_800, flash_bytes=2_457),
    Wanted(kernel("fft", 256), "i32", M3, 25_800, snr_db=96),
    Wanted(kernel("fft", 256), "i32", M0, 47_600, snr_db=96),
    Wanted(kernel("rfft", 256), "f32", M4F, 11_300),
    Wanted(SECTIONS + BLOCKS, "f32", M4F, 24.8),
    Wanted(SECTIONS + BLOCKS, "q15", M0, 86, snr_db=80),
)


def goals(rows: Sequence[Row]) -> list[Goal]:
    """All that the rows can say something about."""
    parts = {(row.part, row.core) for row in rows if row.is_ours}
    found: list[Goal] = []
    for wanted in WANTED:
        part = "filters" if wanted.kernel.startswith(SECTIONS) else "transforms"
        if (part, wanted.core) in parts:
            found += _of(wanted, find(rows, wanted.kernel, wanted.numbers, wanted.core))
    return [*found, *_same_bits(rows)]


def _of(wanted: Wanted, row: Row | None) -> Iterator[Goal]:
    what = f"{wanted.kernel}, {wanted.numbers}"
    cost = None if row is None else row.cost
    yield _at_most(f"{what}: instructions", wanted.core, wanted.cost, cost)
    if wanted.flash_bytes is not None:
        flash = None if row is None else row.flash_bytes
        yield _at_most(f"{what}: bytes of flash", wanted.core, wanted.flash_bytes, flash)
    if wanted.snr_db is not None:
        yield _at_least_db(f"{what}: signal to noise", wanted.core, wanted.snr_db, row)


def _at_most(what: str, core: str, limit: float, value: float | None) -> Goal:
    reached = "–" if value is None else f"{value:,}"
    return Goal(what, core, f"≤ {limit:,}", reached, value is not None and value <= limit)


def _at_least_db(what: str, core: str, limit: float, row: Row | None) -> Goal:
    measured = [] if row is None else list(row.snr_db.items())
    reached = ", ".join(f"{name} {'exact' if db is None else f'{db:.1f} dB'}" for name, db in measured)
    met = bool(measured) and all(db is None or db >= limit for _, db in measured)
    return Goal(what, core, f"≥ {limit:.0f} dB", reached or "–", met)


def _same_bits(rows: Sequence[Row]) -> Iterator[Goal]:
    """Fixed point: what was measured on more than one core."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.is_ours and row.digest:
            found.setdefault(row.name, []).append(row.digest)
    several = [digests for digests in found.values() if len(digests) > 1]
    if several:
        others = sum(len(set(digests)) > 1 for digests in several)
        text = f"{len(several)} kernels, {others} others"
        yield Goal("fixed point: the same bits on every core", "all", "every kernel", text, others == 0)
