"""The picture: what each library takes in flash and in work beside Milliwatt, one panel a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, log
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from rows import Row

_COLOURS = {
    "milliwatt": "#c8102e",
    "emlearn": "#1f77b4",
    "m2cgen": "#7f7f7f",
    "micromlgen": "#2ca02c",
    "everywhereml": "#9467bd",
    "tl2cgen": "#8c564b",
}
_MARKERS = {"int16": "o", "float": "s", "double": "^"}
_TYPES = {"int16": "int16 features", "float": "float32", "double": "float64"}
_LABEL_PT, _LINE_PT = 7.0, 8.5


@dataclass(frozen=True)
class _Point:
    """A candidate: geometric means of its figures over ours, of the forests that it can do."""

    library: str
    dtype: str
    label: str
    flash: float
    cost: float


def save(rows: Sequence[Row], path: Path) -> None:
    """Only candidates that qualify are drawn, and of ours only the defaults.

    One on the axes is what Milliwatt's int16 code takes of the same forest: flash of ``compact``,
    work of ``inline``. So each mean is over the forests that a candidate can do, and still comparable.
    """
    able = [row for row in rows if row.qualifies and row.kind != "boosted" and (row.flash_bytes or 0) > 0]
    targets = list(dict.fromkeys(row.target for row in able))
    with mpl.rc_context({"font.size": 9, "axes.axisbelow": True}):
        columns = 2 if len(targets) > 1 else 1
        lines = (len(targets) + columns - 1) // columns
        figure = Figure(figsize=(6.4 * columns, 4.6 * lines + 0.9))
        axes = figure.subplots(lines, columns, squeeze=False)
        drawn = []
        for axis, target in zip(axes.flat, targets, strict=False):
            points = _points([row for row in able if row.target == target])
            _panel(axis, points, target)
            drawn.append((axis, points))
        for axis in axes.flat[len(targets) :]:
            axis.set_visible(False)
        figure.suptitle("Forests of 10 to 100 trees: flash and work of a prediction beside Milliwatt", y=0.99)
        _legend(figure, able)
        figure.tight_layout(rect=(0, 0, 1, 0.955))
        for axis, points in drawn:  # where things are is known now
            _annotate(axis, points)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def _points(rows: Sequence[Row]) -> list[_Point]:
    """All of one target."""
    ours = {
        (row.forest, row.method): row
        for row in rows
        if row.is_ours and row.dtype == "int16" and row.votes == "default"
    }
    drawn = [row for row in rows if not row.is_ours or row.votes == "default"]
    n_forests = len({row.forest for row in rows})
    found = []
    for key in dict.fromkeys((row.library, row.method, row.dtype, row.votes) for row in drawn):
        mine = [row for row in drawn if (row.library, row.method, row.dtype, row.votes) == key]
        flash = [_over(row, ours.get((row.forest, "compact")), "flash_bytes") for row in mine]
        cost = [_over(row, ours.get((row.forest, "inline")), "cost_mean") for row in mine]
        both = [(f, c) for f, c in zip(flash, cost, strict=True) if f and c]
        if both:
            x, y = (exp(sum(map(log, values)) / len(both)) for values in zip(*both, strict=True))
            some = f" ({len(both)}/{n_forests})" if len(both) < n_forests else ""
            found.append(_Point(key[0], key[2], _label(*key) + some, x, y))
    return found


def _over(row: Row, base: Row | None, figure: str) -> float | None:
    under = getattr(base, figure, None)
    return getattr(row, figure) / under if under else None


def _label(library: str, method: str, dtype: str, votes: str) -> str:
    soft = {"soft 8 bit": "8 bit"}.get(votes, "")
    words = [word for word in (method if method != "default" else "", soft) if word]
    return " ".join(words) or library


def _panel(axis: Any, points: Sequence[_Point], target: str) -> None:
    axis.set(xscale="log", yscale="log", title=target)
    for point in sorted(points, key=lambda point: point.library == "milliwatt"):
        style: dict[str, Any] = {"color": _COLOURS[point.library], "marker": _MARKERS[point.dtype]}
        size = 9 if point.library == "milliwatt" else 7
        axis.plot(point.flash, point.cost, markersize=size, mec="black", mew=0.6, linestyle="", **style)
    axis.axhline(1, color=_COLOURS["milliwatt"], linewidth=0.6, linestyle=":")
    axis.axvline(1, color=_COLOURS["milliwatt"], linewidth=0.6, linestyle=":")
    low, high = min(p.flash for p in points), max(p.flash for p in points)
    axis.set_xlim(low / 1.3, high * 1.8)  # room for labels
    axis.set_ylim(min(p.cost for p in points) / 1.4, max(p.cost for p in points) * 1.4)
    axis.set_xlabel("flash over Milliwatt compact int16")
    axis.set_ylabel("work over Milliwatt inline int16")
    for which in (axis.xaxis, axis.yaxis):
        which.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        which.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        which.set_minor_formatter(mpl.ticker.NullFormatter())
    axis.grid(which="both", linewidth=0.3, color="#dddddd")


def _annotate(axis: Any, points: Sequence[_Point]) -> None:
    """Labels beside their points, at the nearest place that covers nothing."""
    scale = 72.0 / axis.figure.dpi
    places = {point: axis.transData.transform((point.flash, point.cost)) * scale for point in points}
    # What is taken: left end, right end and height, in points.
    taken = [(x - 5, x + 5, y) for x, y in places.values()]
    for point in sorted(points, key=lambda point: -point.cost):
        x, y = places[point]
        width = 0.55 * _LABEL_PT * len(point.label)
        for height, to_right in product((0, -5, 5, -10, 10, -15, 15, -20), (True, False)):
            left = x + 7 if to_right else x - 7 - width
            at = (left, left + width, y + height)
            if not any(
                abs(at[2] - h) < _LINE_PT and at[0] < end and at[1] > start for start, end, h in taken
            ):
                break
        taken.append(at)
        axis.annotate(
            point.label, (point.flash, point.cost), xytext=(at[0] - x, height - 2.5),
            textcoords="offset points", fontsize=_LABEL_PT, color=_COLOURS[point.library],
        )  # fmt: skip


def _legend(figure: Any, rows: Sequence[Row]) -> None:
    libraries = [name for name in _COLOURS if any(row.library == name for row in rows)]
    handles = [
        mpl.lines.Line2D([], [], color=_COLOURS[name], marker="o", linestyle="", label=name)
        for name in libraries
    ]
    handles += [
        mpl.lines.Line2D([], [], color="black", marker=_MARKERS[dtype], linestyle="", label=_TYPES[dtype])
        for dtype in _MARKERS
    ]
    figure.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.972), ncols=len(handles), frameon=False,
        fontsize=8.5,
    )  # fmt: skip
