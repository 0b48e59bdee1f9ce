"""Reads trees from CSV rows in emlearn's format: data, never code.

The rows, as emlearn 0.23.2 saves them (``save(format='csv')``) and ``emit/csv.py`` writes them:

``f,<n>``
    how many features.
``c,<n>``
    how many classes; 0: a regressor.
``lb,<bits>``
    what a leaf is. 0: a class index. 2 to 8: a byte for each class, 255 being all of it (emlearn scales
    to 255 whatever the bits are). 32: numbers, one a value or (only ours) one a class. Older emlearn leave
    the row out and mean 0 or, in a regressor, 32.
``l,<leaf>``
    one number, or ``[<number> <number> …]``, which numpy may break over several lines.
``r,<root>``
    a tree: the index of its first ``n`` row, or below zero a leaf.
``n,<feature>,<threshold>,<left>,<right>``
    a split: left when ``x < threshold``. A child above zero lies that many ``n`` rows further down, one
    below zero is leaf ``-1 - child``.

``f``, ``c`` and ``lb`` come first. This format's test is ``<``, the IR's ``<=``, so a threshold becomes the
next value below it. The number that is printed counts, as a float64, with however few digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from milliwatt.dtypes import (
    FEATURE_TYPES,
    FLOAT32_MAX,
    FeatureType,
    float32_from_key,
    floor_float32,
    threshold_key,
)
from milliwatt.errors import MilliwattError
from milliwatt.ir.csv_rows import COUNT, MAX_NUMBER, NUMBER, RESAVE, Rows, fail, parse, shown
from milliwatt.ir.model import CLASSIFIER, REGRESSOR, Tree, TreeEnsemble
from milliwatt.ir.text_file import read_text
from milliwatt.ir.validate import MAX_OUTPUTS, validate

MAX_BYTES = 1 << 28
MAX_LEAF_VALUES = 1 << 24  # leaf rows times their width: a class index becomes a whole row


def load_csv(path: str | Path, *, name: str = "model", dtype: str = "auto") -> TreeEnsemble:
    """Read a CSV file in emlearn's format; every fault is a :class:`ModelFileError` naming file and line."""
    path = Path(path)
    text = read_text(path, cure=RESAVE, most_bytes=MAX_BYTES)
    try:
        return loads_csv(text, name=name, dtype=dtype)
    except MilliwattError as error:
        raise error.within(file=path) from None


def loads_csv(text: str, *, name: str = "model", dtype: str = "auto") -> TreeEnsemble:
    """The model in a CSV text.

    Args:
        name: the model's name, which the format does not hold.
        dtype: the feature type, which the format does not hold either. ``auto``: ``int16`` when all
            thresholds are multiples of 1/2 in its range, as training on integers makes them, else ``float``.

    Raises:
        ModelFileError: names the line at fault and the cure.
    """
    rows = parse(text)
    _check_links(rows)
    kind = _feature_type(rows, dtype)
    classes = rows.counts["c"]
    leaves, leaf_index = _leaves(rows)
    return validate(
        TreeEnsemble(
            task=CLASSIFIER if classes else REGRESSOR,
            n_features=rows.counts["f"],
            trees=_trees(rows, leaf_index, kind),
            leaves=leaves,
            classes=tuple(range(classes)),
            dtype=kind.name,
            name=name,
            origin={"class": "trees", "library": "CSV in emlearn's format"},
        )
    )


# -- leaves --------------------------------------------------------------------------------------


def _leaves(rows: Rows) -> tuple[tuple[tuple[float, ...], ...], list[int]]:
    """The distinct leaf rows, and the row of each ``l`` row."""
    classes = rows.counts["c"]
    bits = rows.counts.get("lb", 0 if classes else 32)
    if bits < 32 and not classes:
        raise fail(None, f"leaf bits {bits} in a regressor (c,0), whose leaves are values", "write lb,32")
    texts: dict[str, int] = {}
    index = [texts.setdefault(leaf, len(texts)) for _, leaf in rows.leaves]
    lines = {leaf: number for number, leaf in reversed(rows.leaves)}  # where each is for the first time
    width = max(classes, 1)
    if len(texts) * width > MAX_LEAF_VALUES:
        raise fail(None, f"{len(texts)} leaves of {width} classes are too many", "train with fewer classes")
    read = _class_index if bits == 0 else _class_bytes if bits < 32 else _numbers
    values = [read(leaf, lines[leaf], classes) for leaf in texts]
    for leaf, row in zip(texts, values, strict=True):
        if len(row) != len(values[0]):
            raise fail(lines[leaf], f"{len(row)} values; the first leaf has {len(values[0])}")
    distinct: dict[tuple[float, ...], int] = {}
    number = [distinct.setdefault(row, len(distinct)) for row in values]
    return tuple(distinct), [number[i] for i in index]


def _class_index(leaf: str, line: int, classes: int) -> tuple[float, ...]:
    if leaf.startswith("["):
        raise fail(line, "a list, but lb says that leaves are class indices (or there is no lb row)")
    if not COUNT.match(leaf) or int(leaf) >= classes:
        raise fail(line, f"{shown(leaf)} is not a class from 0 to {classes - 1}")
    row = [0.0] * classes
    row[int(leaf)] = 1.0
    return tuple(row)


def _class_bytes(leaf: str, line: int, classes: int) -> tuple[float, ...]:
    words = _words(leaf, line)
    if len(words) != classes or not leaf.startswith("["):
        raise fail(line, f"{len(words)} values for {classes} classes; write l,[<one byte a class>]")
    for word in words:
        if not COUNT.match(word) or int(word) > 255:
            raise fail(line, f"{shown(word)} is not a whole number from 0 to 255")
    return tuple([int(word) / 255 for word in words])


def _numbers(leaf: str, line: int, classes: int) -> tuple[float, ...]:
    words = _words(leaf, line)
    if classes and not leaf.startswith("["):
        raise fail(
            line,
            f"one value for {classes} classes, but lb is 32",
            "convert with leaf_bits=8, or 0 for class indices",
        )
    if classes and len(words) != classes:
        raise fail(line, f"{len(words)} values for {classes} classes")
    if not 1 <= len(words) <= MAX_OUTPUTS:
        raise fail(line, f"{len(words)} values; 1 to {MAX_OUTPUTS} are possible")
    for word in words:
        if len(word) > MAX_NUMBER or not NUMBER.match(word):
            raise fail(line, f"{shown(word)} is not a number")
    row = tuple([float(word) for word in words])
    if classes and not 0.0 <= min(row) <= max(row) <= 1.0:
        raise fail(line, "a class's share is not between 0 and 1")
    if max(map(abs, row)) > FLOAT32_MAX:
        raise fail(line, "a value that float32 cannot hold", "scale the targets before training")
    return row


def _words(leaf: str, line: int) -> list[str]:
    if not leaf.startswith("["):
        return [leaf]
    if not leaf.endswith("]") or "[" in leaf[1:] or "]" in leaf[:-1]:
        raise fail(line, f"{shown(leaf)} is not a list like [0 128 127]")
    words = leaf[1:-1].split()
    if "..." in words:
        raise fail(
            line,
            "numpy printed ... in place of most classes, which are lost",
            "call numpy.set_printoptions(threshold=sys.maxsize) before emlearn's save(), "
            "or export the estimator with `milliwatt export`",
        )
    return words


# -- trees ---------------------------------------------------------------------------------------


def _check_links(rows: Rows) -> None:
    """Every split hangs under exactly one root or split. As links lead down, there is no cycle then."""
    parents = bytearray(len(rows.feature))
    _follow(rows, parents, [line for line, _ in rows.roots], [root for _, root in rows.roots])
    for side in (rows.left, rows.right):
        if 0 in side:
            raise fail(rows.lines[side.index(0)], "a child of 0 is the split itself")
        _follow(rows, parents, rows.lines, [node + c if c > 0 else c for node, c in enumerate(side)])
    lonely = parents.find(0)
    if lonely >= 0:
        raise fail(rows.lines[lonely], "neither a root nor another split leads to this one")


def _follow(rows: Rows, parents: bytearray, lines: Sequence[int], targets: list[int]) -> None:
    """Mark the splits that links lead to, each link with its line."""
    n, n_leaves = len(parents), len(rows.leaves)
    for line, target in zip(lines, targets, strict=True):
        if not -n_leaves <= target < n:
            raise fail(line, f"leads outside the {n} n and {n_leaves} l rows; the file may have been cut off")
        if target >= 0:
            if parents[target]:
                raise fail(line, f"the n row in line {rows.lines[target]} is reached a second time")
            parents[target] = 1


def _feature_type(rows: Rows, dtype: str) -> FeatureType:
    if dtype != "auto":
        if dtype not in FEATURE_TYPES:
            raise MilliwattError(
                f"{dtype!r} is not possible",
                option="dtype",
                cure=f"choose one of auto, {', '.join(FEATURE_TYPES)}",
            )
        return FEATURE_TYPES[dtype]
    kind = FEATURE_TYPES["int16"]
    halves = all(kind.low < t <= kind.high + 1 and t * 2 == int(t * 2) for t in rows.threshold)
    return kind if halves and rows.threshold else FEATURE_TYPES["float"]


def _below(threshold: float, kind: FeatureType) -> int | float | None:
    """The largest value of the feature type below a threshold; None where there is no such value."""
    if kind.is_integer:
        if threshold > kind.high:
            return kind.high
        return math.ceil(threshold) - 1 if threshold > kind.low else None
    if threshold == -math.inf:
        return None
    floor = floor_float32(threshold)
    if floor < threshold:
        return floor
    key = threshold_key(floor)
    return float32_from_key(key - 1 if key else -2)  # -1 is -0, which equals 0


def _trees(rows: Rows, leaf_index: list[int], kind: FeatureType) -> tuple[Tree, ...]:
    limits = {t: _below(t, kind) for t in set(rows.threshold)}
    threshold = [limits[t] for t in rows.threshold]
    sides = [
        [node + jump if jump > 0 else ~leaf_index[~jump] for node, jump in enumerate(side)]
        for side in (rows.left, rows.right)
    ]
    roots = [root if root >= 0 else ~leaf_index[~root] for _, root in rows.roots]
    if None in limits.values():
        # Splits that no value of the feature type sends left are left out; children come after parents.
        instead = list(range(len(threshold)))
        for node in reversed(instead):
            if threshold[node] is None:
                right = sides[1][node]
                instead[node] = right if right < 0 else instead[right]
        sides = [[child if child < 0 else instead[child] for child in side] for side in sides]
        roots = [root if root < 0 else instead[root] for root in roots]
    return tuple([_tree(root, rows.feature, threshold, *sides) for root in roots])


def _tree(
    root: int, feature: list[int], threshold: list[int | float | None], left: list[int], right: list[int]
) -> Tree:
    """The tree under a node of the forest, in pre-order."""
    number: dict[int, int] = {}
    stack = [root] if root >= 0 else []
    while stack:
        node = stack.pop()
        number[node] = len(number)
        if right[node] >= 0:
            stack.append(right[node])
        if left[node] >= 0:
            stack.append(left[node])
    return Tree(
        root=min(root, 0),
        feature=tuple([feature[node] for node in number]),
        threshold=tuple([t for node in number if (t := threshold[node]) is not None]),
        left=tuple([number.get(left[node], left[node]) for node in number]),
        right=tuple([number.get(right[node], right[node]) for node in number]),
    )
