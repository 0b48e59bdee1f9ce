"""The tables of docs/signals.md, which are taken from saved results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dsp_rows import M0, M3, M4F, Row, find
from fft_cost import kernel
from filter_cost import BLOCKS, SECTIONS
from goal_tables import markdown_table

SIGNALS_PAGE = Path(__file__).resolve().parents[3] / "docs" / "signals.md"
_CORES = (M4F, M3, M0)
# A line of the page, and rows of the results whose costs add up to it.
_COSTS = {
    "complex transform of 256, float": [(kernel("fft", 256), "f32")],
    "complex transform of 256, 32 bits": [(kernel("fft", 256), "i32")],
    "complex transform of 256, 16 bits": [(kernel("fft", 256), "q15")],
    "real transform of 256, float": [(kernel("rfft", 256), "f32")],
    "real transform of 256, 32 bits": [(kernel("rfft", 256), "i32")],
    "real transform of 256, 16 bits": [(kernel("rfft", 256), "q15")],
    "two sections, a sample, float": [(SECTIONS + BLOCKS, "f32")],
    "two sections, a sample, 32 bits": [(SECTIONS + BLOCKS, "q31")],
    "two sections, a sample, 16 bits": [(SECTIONS + BLOCKS, "q15")],
    "13 MFCC of a spectrum of 257, float": [
        ("40 mel bands", "f32"),
        ("decibels of 40 energies", "f32"),
        ("13 coefficients", "f32"),
    ],
    "13 MFCC of a spectrum of 257, integers": [
        ("40 mel bands, logarithms", "u32"),
        ("13 coefficients", "i16"),
    ],
}
# A line of the page; of docs/accuracy.md the kernel, and its numbers in floats, of 32 bits and of 16.
_ACCURACIES = (
    ("complex transform of 256", "complex, of 256", ("f32", "i32", "q15")),
    ("complex transform of 4096", "complex, of 4096", ("f32", "i32", "q15")),
    ("real transform of 256", "real, of 256", ("f32", "i32", "q15")),
    ("low-pass of two sections at 0.1", "low-pass of order 4 at 0.1", ("f32", "q31", "q15")),
    ("32 taps", "32 taps", ("f32", "", "q15")),
    (
        "13 coefficients (MFCC)",
        "13 coefficients of 40 bands (DCT-II, MFCC)",
        ("f32", "", "i16"),
    ),
)


def write(name: str, lines: Sequence[str]) -> None:
    """Puts a table in the place of the one that has this name."""
    text = SIGNALS_PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_begin(name))
    _, end, after = rest.partition(_END)
    if not end:
        raise RuntimeError(f"{SIGNALS_PAGE.name} has no table '{name}' with {_begin(name)} and {_END}")
    body = "\n".join(lines)
    SIGNALS_PAGE.write_text(f"{before}{_begin(name)}\n{body}\n{end}{after}", encoding="utf-8")


def written(name: str) -> list[str]:
    """The table as the page has it."""
    _, _, rest = SIGNALS_PAGE.read_text(encoding="utf-8").partition(_begin(name))
    return rest.partition(_END)[0].strip("\n").splitlines()


def costs(rows: Sequence[Row]) -> list[str]:
    """Instructions."""
    lines = []
    for name, parts in _COSTS.items():
        totals = [sum(_cost(rows, *part, core) for part in parts) for core in _CORES]
        few = max(totals) < 10_000 and parts[0][0].startswith(SECTIONS)
        lines.append([name, *(f"{total:,.1f}" if few else f"{total:,.0f}" for total in totals)])
    return markdown_table(("instructions", *_CORES), lines, 1)


def _cost(rows: Sequence[Row], name: str, numbers: str, core: str) -> float:
    row = find(rows, name, numbers, core)
    if row is None or row.cost is None:
        raise RuntimeError(f"{name}, {numbers}, was not measured on {core}")
    return row.cost


def accuracies(page: str) -> list[str]:
    """Of noise and of a sine wave, from the text of docs/accuracy.md."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if "|" in line]
    known = {(line[0], line[1]): f"{line[3]} / {line[4]}" for line in cells}
    lines = [[name, *(known.get((there, n), "–") for n in numbers)] for name, there, numbers in _ACCURACIES]
    return markdown_table(("dB, noise / sine wave", "float", "32 bits", "16 bits"), lines, 1)


def _begin(name: str) -> str:
    return f"<!-- {name}: written by tests/benchmarks/dsp -->"


_END = "<!-- end -->"
