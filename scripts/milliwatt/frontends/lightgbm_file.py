"""LightGBM's saved models (text), read without LightGBM: formats v2 to v4."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ModelFileError, UnsupportedModelError
from milliwatt.frontends.nodes import Nodes
from milliwatt.frontends.saved_trees import RESAVE, CategoryTable, check_tests, reached
from milliwatt.ir import CategorySet

MAGIC = "tree"
_VERSIONS = ("v2", "v3", "v4")
_END = "end of trees"
_GENERIC_NAME = re.compile(r"Column_\d+")
# Bits of decision_type: 0 categorical, 1 missing goes left, 2 and 3 what counts as missing.
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NONE, _ZERO, _NAN = 0, 1, 2
# Values up to this are zero to LightGBM: 1e-35 as a float32.
ZERO = float(np.float32(1e-35))
_Lines = dict[str, str]


@dataclass(frozen=True)
class Booster:
    """A saved model.

    Attributes:
        objective: its words: ``("binary", "sigmoid:1")``; empty where predictions are scores.
        n_outputs: scores of a sample, and trees of a round.
        averages: scores are the mean of the rounds (random forests), not their sum.
        trees: in order; tree ``i`` adds to output ``i % n_outputs``.
        knows_missing: a split sends NaN another way than it sends 0, or than a category it has not
            seen; without missing values in training there is no such split.
        category_sets: what the nodes' ``category_set`` refers to.
    """

    version: str
    objective: tuple[str, ...]
    n_features: int
    n_outputs: int
    averages: bool
    feature_names: tuple[str, ...]
    trees: tuple[Nodes, ...]
    knows_missing: bool
    category_sets: tuple[CategorySet, ...]


def read_booster(text: str) -> Booster:
    """The model in a file's text.

    Raises:
        ModelFileError: not a saved model of LightGBM, or a damaged one; names the tree and field.
        UnsupportedModelError: names the setting.
    """
    head, blocks = _sections(text)
    version = head.get("version", "")
    if version not in _VERSIONS:
        raise UnsupportedModelError(
            f"format {version!r} of LightGBM's files is not known; {', '.join(_VERSIONS)} are",
            option="version",
            cure="save the model with LightGBM 2.2 to 4",
        )
    n_features = _count(head, "max_feature_idx") + 1
    n_outputs = _count(head, "num_tree_per_iteration")
    if n_outputs < 1 or len(blocks) % n_outputs:
        raise _error(f"{len(blocks)} trees for {n_outputs} outputs", "num_tree_per_iteration")
    table = CategoryTable()
    trees, knows_missing = [], False
    for index, block in enumerate(blocks):
        try:
            nodes, knows = _tree(block, n_features, table)
        except MilliwattError as error:
            place = f"Tree={index}.{error.option}" if error.option else f"Tree={index}"
            raise type(error)(error.problem, option=place, cure=error.cure) from None
        trees.append(nodes)
        knows_missing |= knows
    return Booster(
        version=version,
        objective=tuple(head.get("objective", "").split()),
        n_features=n_features,
        n_outputs=n_outputs,
        averages="average_output" in head,
        feature_names=_feature_names(head, n_features),
        trees=tuple(trees),
        knows_missing=knows_missing,
        category_sets=table.sets,
    )


def _error(problem: str, field: str | None = None) -> ModelFileError:
    return ModelFileError(problem, option=field, cure=RESAVE)


def _sections(text: str) -> tuple[_Lines, list[_Lines]]:
    """The head's fields, and each tree's; what follows the trees is for training only."""
    lines = iter(text.splitlines())
    if next(lines, "").strip() != MAGIC:
        raise ModelFileError(
            "not a saved model of LightGBM: its first line is not `tree`",
            cure="give the file that save_model() wrote",
        )
    head: _Lines = {}
    current, blocks = head, list[_Lines]()
    for key, value in _fields(lines):
        if key == _END:
            break
        if key == "Tree":
            if value != str(len(blocks)):
                raise _error(f"tree {value} follows after {len(blocks)} trees", "Tree")
            current = {}
            blocks.append(current)
        else:
            current[key] = value
    else:
        raise _error(f"cut short: the line `{_END}` is missing")
    sizes = head.get("tree_sizes")
    if sizes is not None and len(sizes.split()) != len(blocks):
        raise _error(f"{len(blocks)} trees, but {len(sizes.split())} were saved", "tree_sizes")
    return head, blocks


def _fields(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key:
            yield key, value


def _count(fields: Mapping[str, str], key: str) -> int:
    text = fields.get(key, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _error("missing, or not a count", key)
    return int(text)


def _integers(fields: Mapping[str, str], key: str, length: int | None = None) -> NDArray[np.int64]:
    words = fields.get(key, "").split()
    try:
        column = np.array(list(map(int, words)), dtype=np.int64)
    except (ValueError, OverflowError):
        raise _error("holds something that is not an integer", key) from None
    return _of_length(column, key, length)


def _reals(fields: Mapping[str, str], key: str, length: int) -> NDArray[np.float64]:
    try:
        column = np.array(list(map(float, fields.get(key, "").split())), dtype=np.float64)
    except ValueError:
        raise _error("holds something that is not a number", key) from None
    return _of_length(column, key, length)


def _of_length(column: NDArray, key: str, length: int | None) -> NDArray:  # type: ignore[type-arg]
    if length is not None and len(column) != length:
        raise _error(f"{len(column)} values instead of {length}", key)
    return column


def _feature_names(head: Mapping[str, str], n_features: int) -> tuple[str, ...]:
    """As given in training; LightGBM's own ``Column_0`` says nothing."""
    names = tuple(head.get("feature_names", "").split())
    if len(names) != n_features:
        raise _error(f"{len(names)} names for {n_features} features", "feature_names")
    return () if all(map(_GENERIC_NAME.fullmatch, names)) else names


def _tree(block: Mapping[str, str], n_features: int, table: CategoryTable) -> tuple[Nodes, bool]:
    """A tree's splits, then its leaves, as one table of nodes; and whether it knows missing values."""
    if block.get("is_linear", "0") != "0":
        raise UnsupportedModelError(
            "linear_tree is not supported: its leaves are linear models", cure="train with linear_tree=false"
        )
    n_leaves = _count(block, "num_leaves")
    if n_leaves < 1:
        raise _error("a tree without leaves", "num_leaves")
    n = n_leaves - 1
    value = _reals(block, "leaf_value", n_leaves)
    feature, decision, left, right = (
        _integers(block, key, n) for key in ("split_feature", "decision_type", "left_child", "right_child")
    )
    threshold = _reals(block, "threshold", n)
    left, right = (np.where(side >= 0, side, n + ~side) for side in (left, right))
    leaf = np.arange(n + n_leaves) >= n
    if not reached(left, right, leaf).all():
        raise _error("a node hangs under no other")
    check_tests(feature, threshold, n_features)
    category = _categories(block, decision, threshold, table)
    compared = category < 0
    kind = (decision >> 2) & 3
    if (kind > _NAN).any():
        raise _error("an unknown kind of missing value", "decision_type")
    by_default = (decision & _DEFAULT_LEFT) != 0
    threshold = _zeros_together(np.where(compared, threshold, 0.0), compared, kind == _ZERO, by_default)
    # NaN is zero to a split that knows no missing values, and no category at all.
    missing_left = compared & np.where(kind == _NONE, threshold >= 0.0, by_default)
    return _nodes(left, right, feature, threshold, value, missing_left, category), bool((kind == _NAN).any())


def _nodes(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    value: NDArray[np.float64],
    missing_left: NDArray[np.bool_],
    category: NDArray[np.int64],
) -> Nodes:
    n, n_leaves = len(left), len(value)
    none, zeros = np.full(n_leaves, -1), np.zeros(n_leaves, dtype=np.int64)
    return Nodes(
        left=np.concatenate([left, none]),
        right=np.concatenate([right, none]),
        feature=np.concatenate([feature, zeros]),
        threshold=np.concatenate([threshold, zeros.astype(np.float64)]),
        value=np.concatenate([np.zeros(n), value])[:, np.newaxis],
        missing_left=np.concatenate([missing_left, zeros.astype(bool)]),
        samples=np.zeros(n + n_leaves),
        category_set=np.concatenate([category, none]),
    )


def _zeros_together(
    threshold: NDArray[np.float64],
    compared: NDArray[np.bool_],
    zero_missing: NDArray[np.bool_],
    by_default: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Thresholds that keep together what LightGBM takes for zero.

    All values from -ZERO to ZERO are 0 to it, before any split looks at them. A threshold among them
    becomes ZERO where 0 goes left, and the number below -ZERO where it goes right. Where zeros count
    as missing and are sent left from among values that go right, or the other way round, no
    threshold does it.
    """
    zero_left = np.where(zero_missing, by_default, threshold >= 0.0)
    near = compared & (np.abs(threshold) <= ZERO)
    result: NDArray[np.float64] = threshold.copy()
    result[near & zero_left] = ZERO
    result[near & ~zero_left] = np.nextafter(-ZERO, -np.inf)
    apart = compared & ~near & (zero_left != (threshold > 0.0))
    if apart.any():
        raise UnsupportedModelError(
            "zero_as_missing is not supported: a split sends zeros another way than the values beside them",
            cure="train with zero_as_missing=false, with NaN in the place of missing values",
        )
    return result


def _categories(
    block: Mapping[str, str],
    decision: NDArray[np.int64],
    threshold: NDArray[np.float64],
    table: CategoryTable,
) -> NDArray[np.int64]:
    """For each split -1, or the number of its set: those categories go left, all others right."""
    category = np.full(len(decision), -1, dtype=np.int64)
    chosen = np.flatnonzero(decision & _CATEGORICAL)
    if not chosen.size:
        return category
    bounds = _integers(block, "cat_boundaries", _count(block, "num_cat") + 1)
    words = _integers(block, "cat_threshold")
    if bounds[0] < 0 or (np.diff(bounds) < 0).any() or bounds[-1] > len(words):
        raise _error("does not fit cat_threshold", "cat_boundaries")
    if words.size and not 0 <= words.min() <= words.max() < 2**32:
        raise _error("holds something that is not 32 bits", "cat_threshold")
    for split in chosen.tolist():
        index = threshold[split]
        if not (0 <= index < len(bounds) - 1 and index == int(index)):
            raise _error("does not name a set of categories", "threshold")
        some = words[bounds[int(index)] : bounds[int(index) + 1]].tolist()
        category[split] = table.number(_bits(some), inverted=False)
    return category


def _bits(words: Sequence[int]) -> Iterator[int]:
    """Which bits are set in a sequence of 32-bit words."""
    for position, word in enumerate(words):
        yield from (position * 32 + bit for bit in range(32) if word >> bit & 1)
