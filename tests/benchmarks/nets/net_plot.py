"""The picture: instructions and flash of each library, a panel a network and core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from net_rows import Row

_COLOURS = {"milliwatt": "#c8102e", "emlearn": "#1f77b4", "CMSIS-NN": "#2ca02c", "TinyMaix": "#9467bd"}
_CASES = {"mlp": "MLP 64-64-32-10", "cnn": "CNN 8×8"}
_BOARDS = {"qemu_cortex_m4f": "Cortex-M4F", "qemu_cortex_m3": "Cortex-M3", "qemu_cortex_m0": "Cortex-M0"}


def save(rows: Sequence[Row], path: Path) -> None:
    """Only -O2, and only what was measured or quoted for these networks."""
    drawn = [
        row for row in rows if row.optimize == "-O2" and row.case in _CASES and row.cost_mean is not None
    ]
    cases = [case for case in _CASES if any(row.case == case for row in drawn)]
    boards = [board for board in _BOARDS if any(row.board == board for row in drawn)]
    if not cases or not boards:
        return
    with mpl.rc_context({"font.size": 8.5, "axes.axisbelow": True}):
        figure = Figure(figsize=(4.4 * len(boards), 2.9 * len(cases) + 0.4))
        axes = figure.subplots(len(cases), len(boards), squeeze=False)
        for line, case in zip(axes, cases, strict=True):
            for axis, board in zip(line, boards, strict=True):
                mine = [row for row in drawn if (row.case, row.board) == (case, board)]
                _panel(axis, mine, f"{_CASES[case]}: {_BOARDS[board]}")
        figure.suptitle("Instructions of a prediction (bars) and flash (in words), -O2")
        figure.tight_layout(rect=(0, 0, 1, 0.97))
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _panel(axis: Any, rows: Sequence[Row], title: str) -> None:
    rows = sorted(rows, key=lambda row: -(row.cost_mean or 0))
    names = [f"{row.library} {row.numbers.split(',')[0]}{_variant(row)}" for row in rows]
    costs = [row.cost_mean or 1.0 for row in rows]
    axis.barh(names, costs, color=[_COLOURS[row.library] for row in rows], height=0.65)
    low, span = min(costs) / 3, 3 * max(costs) / min(costs)
    axis.set(xscale="log", title=title, xlim=(low, low * span**1.7))  # room for words
    axis.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axis.grid(axis="x", linewidth=0.3, color="#dddddd")
    for place, row in enumerate(rows):
        flash = f", {row.flash_bytes / 1000:.1f} kB" if row.flash_bytes else ""
        axis.text((row.cost_mean or 1) * 1.1, place, f"{row.cost_mean:,.0f}{flash}", va="center", fontsize=7)


def _variant(row: Row) -> str:
    """What tells TinyMaix's builds apart."""
    return f" {row.numbers.split(', ')[1]}" if row.case == "cnn" and ", " in row.numbers else ""
