"""The table, the files it is kept in, and the plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table
from variants import DEFAULT, EXACT, SHAPES, VARIANTS, Score, Shape

POINT = 0.01
_COLUMNS = (
    "leaves", "AUC lost", "mean AUC", "worst set", "accuracy lost", "mean accuracy", "worst set",
    "leaf bytes", "splits",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One variant over all data sets, beside exact leaves of the same trees.

    Attributes:
        auc_lost, accuracy_lost: data sets that lose more than one point (0.01).
        auc_changes, accuracy_changes: one a data set, in points.
        leaf_bytes: mean of all forests.
        leaf_ratio: leaf bytes, all sets together, as a part of the exact leaves'.
        split_ratio: likewise splits.
    """

    shape: Shape
    variant: str
    names: tuple[str, ...]
    auc: float
    accuracy: float
    auc_changes: tuple[float, ...]
    accuracy_changes: tuple[float, ...]
    leaf_bytes: float
    leaf_ratio: float
    split_ratio: float

    @property
    def auc_lost(self) -> int:
        return sum(change < -100 * POINT for change in self.auc_changes)

    @property
    def accuracy_lost(self) -> int:
        return sum(change < -100 * POINT for change in self.accuracy_changes)

    def worst(self, changes: Sequence[float]) -> str:
        place = int(np.argmin(changes))
        return f"{self.names[place]} {changes[place]:+.2f}"

    def cells(self) -> list[str]:
        auc, accuracy = f"{self.auc:.4f}", f"{self.accuracy:.4f}"
        if self.variant == EXACT:
            return [self.variant, "", auc, "", "", accuracy, "", f"{self.leaf_bytes:.0f}", "100 %"]
        n = len(self.names)
        return [
            self.variant,
            f"{self.auc_lost} of {n}",
            auc,
            self.worst(self.auc_changes),
            f"{self.accuracy_lost} of {n}",
            accuracy,
            self.worst(self.accuracy_changes),
            f"{self.leaf_bytes:.0f} ({100 * self.leaf_ratio:.0f} %)",
            f"{100 * self.split_ratio:.0f} %",
        ]


def lines(scores: Sequence[Score]) -> list[Line]:
    """Every shape and variant."""
    found = []
    for shape in SHAPES:
        exact = {s.data: s for s in scores if s.shape == shape and s.variant == EXACT}
        for variant in VARIANTS:
            mine = [s for s in scores if s.shape == shape and s.variant == variant]
            if mine:
                found.append(_line(shape, variant, mine, exact))
    return found


def _line(shape: Shape, variant: str, mine: Sequence[Score], exact: dict[str, Score]) -> Line:
    return Line(
        shape,
        variant,
        tuple(s.data for s in mine),
        float(np.mean([s.auc for s in mine])),
        float(np.mean([s.accuracy for s in mine])),
        tuple(100 * (s.auc - exact[s.data].auc) for s in mine),
        tuple(100 * (s.accuracy - exact[s.data].accuracy) for s in mine),
        float(np.mean([s.leaf_bytes for s in mine])),
        sum(s.leaf_bytes for s in mine) / max(1.0, sum(s.leaf_bytes for s in exact.values())),
        sum(s.splits for s in mine) / max(1.0, sum(s.splits for s in exact.values())),
    )


def default_widths(scores: Sequence[Score], shape: Shape) -> str:
    """What the default took, counted over forests."""
    taken = [bits for s in scores if s.shape == shape and s.variant == DEFAULT for bits in s.bits]
    parts = [f"{taken.count(8)} with 8 bits", f"{taken.count(16)} with 16", f"{taken.count(None)} exact"]
    return f"Default: {len(taken)} forests, {', '.join(parts)}."


def results(scores: Sequence[Score]) -> str:
    """results.json: one line a data set and shape; for each variant its four numbers."""
    kept: dict[tuple[str, Shape], dict[str, Score]] = {}
    for score in scores:
        kept.setdefault((score.data, score.shape), {})[score.variant] = score
    rows = [
        {
            "data": data,
            "min_samples_leaf": shape.min_samples_leaf,
            "trees": shape.trees,
            "default_bits": found[DEFAULT].bits,
            "auc, accuracy, leaf bytes, splits": {
                name: [round(s.auc, 5), round(s.accuracy, 5), round(s.leaf_bytes), round(s.splits)]
                for name, s in found.items()
            },
        }
        for (data, shape), found in kept.items()
    ]
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n"


def read_results(text: str) -> list[Score]:
    """What :func:`results` wrote."""
    return [
        Score(
            row["data"], row["min_samples_leaf"], row["trees"], name, *numbers,
            bits=tuple(row["default_bits"]) if name == DEFAULT else (),
        )
        for row in json.loads(text)
        for name, numbers in row["auc, accuracy, leaf bytes, splits"].items()
    ]  # fmt: skip


def rich_tables(found: Sequence[Line]) -> list[Table]:
    """One table a shape of forests."""
    tables = []
    for shape in dict.fromkeys(line.shape for line in found):
        table = Table(title=shape.label, title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="left" if column in ("leaves", "worst set") else "right")
        for line in found:
            if line.shape == shape:
                table.add_row(*line.cells(), style="bold" if line.variant == DEFAULT else "")
        tables.append(table)
    return tables


def markdown(scores: Sequence[Score], header: Sequence[str], described: Sequence[str], picture: str) -> str:
    """RESULTS.md."""
    found = lines(scores)
    text = ["# Leaves: what narrower ones cost", "", *header, "", f"![Change of AUC]({picture})", ""]
    for shape in dict.fromkeys(line.shape for line in found):
        text += [f"## {shape.label}", "", default_widths(scores, shape), ""]
        text += ["| " + " | ".join(_COLUMNS) + " |", "|---|--:|--:|---|--:|--:|---|--:|--:|"]
        text += ["| " + " | ".join(line.cells()) + " |" for line in found if line.shape == shape] + [""]
    text += ["## Data sets", "", *described]
    return "\n".join(text).rstrip() + "\n"


def plot(found: Sequence[Line], path: Path) -> None:
    """Change of AUC, a dot a data set, one panel a shape; below it how big leaf tables are."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shapes = list(dict.fromkeys(line.shape for line in found))
    variants = [name for name in VARIANTS if name != EXACT]
    grid = {"height_ratios": [3, 1], "hspace": 0.12, "wspace": 0.08}
    figure, axes = plt.subplots(
        2, len(shapes), figsize=(3.4 * len(shapes), 6.4), sharex=True, sharey="row", gridspec_kw=grid,
        squeeze=False,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for column, shape in enumerate(shapes):
        top, bottom = axes[0][column], axes[1][column]
        mine = {line.variant: line for line in found if line.shape == shape}
        top.axhspan(-100, -1, color="0.93", zorder=0)
        top.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        for place, name in enumerate(variants):
            line = mine[name]
            changes = np.array(line.auc_changes)
            lost = changes < -100 * POINT
            across = place + rng.uniform(-0.28, 0.28, len(changes))
            top.scatter(across[~lost], changes[~lost], s=9, color="#4477aa", alpha=0.6, linewidths=0)
            top.scatter(across[lost], changes[lost], s=11, color="#cc3311", linewidths=0)
            top.annotate(
                f"{line.auc_lost}", (place, 1.01), xycoords=("data", "axes fraction"), ha="center",
                va="bottom", fontsize=9, fontweight="bold" if line.auc_lost else "normal",
                color="#cc3311" if line.auc_lost else "0.35",
            )  # fmt: skip
            bottom.bar(place, 100 * line.leaf_ratio, width=0.62, color="#4477aa")
            bottom.annotate(
                f"{100 * line.leaf_ratio:.0f}", (place, 100 * line.leaf_ratio), ha="center", va="bottom",
                fontsize=8, color="0.25",
            )  # fmt: skip
        top.set_yscale("symlog", linthresh=1)
        top.set_ylim(-60, 30)
        top.set_yticks([-50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10])
        top.set_yticklabels(["−50", "−20", "−10", "−5", "−2", "−1", "0", "+1", "+2", "+5", "+10"])
        top.set_title(shape.label, fontsize=10, pad=22)
        bottom.set_ylim(0, 110)
        bottom.set_xticks(range(len(variants)), variants, rotation=60, ha="right", fontsize=8)
        for axis in (top, bottom):
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
    n = len(found[0].names)
    axes[0][0].set_ylabel("change of macro AUC in points, one dot a data set")
    axes[1][0].set_ylabel("leaf table, % of exact")
    figure.suptitle(
        f"The same trees with other leaves, {n} data sets: above, how many lose more than one point",
        fontsize=11, y=1.0,
    )  # fmt: skip
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
