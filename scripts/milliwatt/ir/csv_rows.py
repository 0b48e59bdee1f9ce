"""The rows of a CSV file in emlearn's format, taken apart: see ``csv_reader``."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from milliwatt.errors import ModelFileError
from milliwatt.ir.validate import MAX_FEATURES, MAX_OUTPUTS, MAX_TREES

MAX_SPLITS = 1 << 22
MAX_NUMBER = 400  # characters; the largest float64 has 309 digits

RESAVE = "save the model again with emlearn's save(format='csv'), or use `milliwatt export` on its estimator"
_ROWS = "a model's rows begin with f, c, lb, l, r or n; samples are given as --data or calibration"
_COUNTS = {"f": (1, MAX_FEATURES), "c": (0, MAX_OUTPUTS), "lb": (0, 32)}
_WORDS = {"f": "features", "c": "classes", "lb": "leaf bits"}
_LINK = re.compile(r"-?[0-9]{1,9}\Z")
_REAL = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?"
_SPLIT = re.compile(rf"([0-9]{{1,9}}),({_REAL}|-?inf|nan),(-?[0-9]{{1,9}}),(-?[0-9]{{1,9}})\Z")
COUNT = re.compile(r"[0-9]{1,9}\Z")
NUMBER = re.compile(_REAL + r"\Z")


@dataclass
class Rows:
    """What the text says, before anything is made of it.

    Attributes:
        counts: by kind of row: ``f``, ``c``, and ``lb`` if there is one.
        leaves: line number and leaf, not yet read.
        roots: line number and root.
        lines: the line number of each split; the other columns are its four fields.
    """

    counts: dict[str, int] = field(default_factory=dict)
    leaves: list[tuple[int, str]] = field(default_factory=list)
    roots: list[tuple[int, int]] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("l"))
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


def parse(text: str) -> Rows:
    """Take the text apart; the fields of every row are checked one by one, but for leaves."""
    rows = Rows()
    adders: dict[str, Callable[[Rows, int, str], None]] = {"l": _add_leaf, "r": _add_root, "n": _add_split}
    for number, line in _lines(text):
        kind, _, rest = line.partition(",")
        if kind in _COUNTS:
            _add_count(rows, number, kind, rest)
        elif kind in adders:
            if not {"f", "c"} <= rows.counts.keys():
                raise fail(number, f"{kind} row before f and c, which count features and classes")
            adders[kind](rows, number, rest)
        else:
            raise fail(number, f"{shown(line)} is no row of a model in emlearn's CSV format", _ROWS)
    for kind in ("f", "c"):
        if kind not in rows.counts:
            raise fail(None, f"no {kind} row, which says how many {_WORDS[kind]}", f"{_ROWS}; or {RESAVE}")
    if not rows.roots or not rows.leaves:
        what = "r row: no tree" if not rows.roots else "l row: no leaf"
        raise fail(None, f"no {what}; the file may have been cut off")
    return rows


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something with their numbers, from 1; a list in brackets is one line."""
    pieces: list[str] = []
    start = 0
    for number, piece in enumerate(text.split("\n"), 1):
        line = piece.strip(" \t\r")
        if pieces:
            pieces.append(line)
        elif "[" in line:
            pieces, start = [line], number
        elif line:
            yield number, line
        if pieces and "]" in line:
            yield start, " ".join(pieces)
            pieces = []
    if pieces:
        raise fail(start, "a list that begins with [ does not end; the file may have been cut off")


def _add_count(rows: Rows, number: int, kind: str, rest: str) -> None:
    low, high = _COUNTS[kind]
    if kind in rows.counts:
        raise fail(number, f"a second {kind} row; the file may hold two models", "keep one model a file")
    if rows.leaves or rows.roots or rows.feature:
        raise fail(number, f"{kind} row after rows that need it")
    if not COUNT.match(rest) or not low <= int(rest) <= high:
        raise fail(number, f"{shown(rest)} {_WORDS[kind]}; {low} to {high} are possible")
    if kind == "lb" and int(rest) not in (0, *range(2, 9), 32):
        raise fail(number, f"{rest} leaf bits; 0, 2 to 8, and 32 are possible", "convert with leaf_bits=8")
    rows.counts[kind] = int(rest)


def _add_leaf(rows: Rows, number: int, rest: str) -> None:
    if len(rows.leaves) >= MAX_SPLITS + MAX_TREES:
        raise fail(number, "too many leaves", "train fewer or smaller trees")
    rows.leaves.append((number, rest))


def _add_root(rows: Rows, number: int, rest: str) -> None:
    if not _LINK.match(rest):
        raise fail(number, f"{shown(rest)} is not the root of a tree: write r,<index of an n row>")
    if len(rows.roots) >= MAX_TREES:
        raise fail(number, f"more than {MAX_TREES} trees", "train fewer trees")
    rows.roots.append((number, int(rest)))


def _add_split(rows: Rows, number: int, rest: str) -> None:
    found = _SPLIT.match(rest) if len(rest) <= MAX_NUMBER + 40 else None
    if found is None:
        raise fail(number, f"{shown(rest)} is not a split: n,<feature>,<threshold>,<left>,<right> is")
    feature, threshold, left, right = found.groups()
    number_of_feature = int(feature)
    if number_of_feature >= rows.counts["f"]:
        raise fail(number, f"feature {feature}, but the model has {rows.counts['f']}, counted from 0")
    if threshold == "nan":
        raise fail(number, "the threshold is not a number")
    if len(rows.feature) >= MAX_SPLITS:
        raise fail(number, f"more than {MAX_SPLITS} splits", "train fewer or smaller trees")
    rows.lines.append(number)
    rows.feature.append(number_of_feature)
    rows.threshold.append(float(threshold))
    rows.left.append(int(left))
    rows.right.append(int(right))


def fail(line: int | None, problem: str, cure: str = RESAVE) -> ModelFileError:
    """The error for a line (None: for the file)."""
    return ModelFileError(problem, option=None if line is None else f"line {line}", cure=cure)


def shown(text: str) -> str:
    """Text from a file as messages show it, cut where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
