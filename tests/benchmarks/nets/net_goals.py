"""What networks are held to, and what they reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goal_tables import Goal
from net_rows import Row, find

M0, M3, M4 = "qemu_cortex_m0 -O2", "qemu_cortex_m3 -O2", "qemu_cortex_m4f -O2"
INT8, FLOAT = "int8", "float"

# At most so many instructions a prediction, bytes of flash and of RAM (stack included) on the boards of the
# costs. What MLP and CNN of these shapes take by other means: net_quoted.py.
COSTS = {
    ("mlp", INT8): {M4: 13_200, M3: 19_300, M0: 38_500},
    ("mlp", FLOAT): {M4: 17_400},
    ("cnn", INT8): {M4: 34_200, M3: 39_600, M0: 69_600},
}
FLASH = {("mlp", INT8): 9 * 1024, ("cnn", INT8): 4 * 1024}
RAM = {("mlp", INT8): 300}
POINTS = 1.0  # of accuracy on digits that int8 may cost
ON_DIGITS = ("mlp", "cnn")
SAMPLE = "mnist"
SAMPLE_ACCURACY, SAMPLE_FLASH, SAMPLE_RAM = 0.97, 64 * 1024, 16 * 1024


def goals(rows: Sequence[Row]) -> list[Goal]:
    """All that the rows can say something about, in the order of the table."""
    targets = {row.target for row in rows if row.is_ours}
    cases = {row.case for row in rows if row.is_ours}
    found = [
        _at_most(
            f"{case} {numbers}: instructions", find(rows, case, numbers, target), target, limit, "cost_mean"
        )
        for (case, numbers), limits in COSTS.items()
        for target, limit in limits.items()
        if case in cases and target in targets
    ]
    for respect, limits_of in (("flash_bytes", FLASH), ("ram_bytes", RAM)):
        for (case, numbers), limit in limits_of.items():
            for target in (M4, M3, M0):
                if case in cases and target in targets:
                    name = "bytes of flash" if respect == "flash_bytes" else "bytes of RAM, stack included"
                    row = find(rows, case, numbers, target)
                    found.append(_at_most(f"{case} {numbers}: {name}", row, target, limit, respect))
    return [*found, *_accuracy(rows), *_same(rows), *_bits(rows), *_sample(rows)]


def _at_most(what: str, row: Row | None, target: str, limit: int, respect: str) -> Goal:
    value = None if row is None else getattr(row, respect)
    reached = "–" if value is None else f"{value:,.0f}"
    return Goal(what, target, f"≤ {limit:,}", reached, value is not None and value <= limit)


def _accuracy(rows: Sequence[Row]) -> Iterator[Goal]:
    for case in ON_DIGITS:
        mine = [r for r in rows if r.is_ours and r.case == case and r.numbers == INT8 and r.loss is not None]
        if mine:
            worst = max(r.loss for r in mine if r.loss is not None)
            yield Goal(
                f"{case} int8: points of accuracy lost",
                "all",
                f"≤ {POINTS:.1f}",
                f"{worst:.2f}",
                worst <= POINTS,
            )


def _same(rows: Sequence[Row]) -> Iterator[Goal]:
    mine = [row for row in rows if row.is_ours]
    if mine:
        others = sum(row.rows - (row.same or 0) for row in mine)
        text = f"{sum(row.rows for row in mine):,} rows, {others} others"
        yield Goal("class on the board is the PC's", "all", "every row", text, others == 0)


def _bits(rows: Sequence[Row]) -> Iterator[Goal]:
    mine = [row for row in rows if row.is_ours and row.numbers != FLOAT]
    if mine:
        others = sum(row.rows - (row.equal_bits or 0) for row in mine)
        text = f"{sum(row.rows for row in mine):,} rows, {others} others"
        yield Goal("integers: scores have the PC's bits", "all", "every row", text, others == 0)


def _sample(rows: Sequence[Row]) -> Iterator[Goal]:
    row = find(rows, SAMPLE, INT8, M0)
    if row is None:
        return
    flash, ram, accuracy = row.flash_bytes, row.ram_bytes, row.accuracy
    reached, met = row.note or "not measured", False
    if flash is not None and ram is not None and accuracy is not None:
        reached = f"{accuracy:.2%}, {flash:,} B, {ram:,} B"
        met = flash <= SAMPLE_FLASH and ram <= SAMPLE_RAM and accuracy >= SAMPLE_ACCURACY
    yield Goal("samples/digits_cnn: accuracy, flash, RAM", M0, "≥ 97 %, 64 KB, 16 KB", reached, met)
