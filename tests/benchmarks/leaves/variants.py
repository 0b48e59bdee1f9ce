"""The same trees with other leaves, and how well each of them does on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from datasets import DataSet
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

import milliwatt
from milliwatt.emit.leaves import leaf_table
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate
from milliwatt.ir import TreeEnsemble
from milliwatt.passes import CENTRE_BITS, narrow_leaves, prepare

FOLDS = 3
EXACT, DEFAULT = "exact", "default"
# Name, leaf_bits, leaf_clusters.
NARROW = (
    ("hard votes", 0, 0),
    ("4 bits", 4, 0),
    ("8 bits", 8, 0),
    ("2 rows a class", CENTRE_BITS, 2),
    ("4 rows a class", CENTRE_BITS, 4),
    ("8 rows a class", CENTRE_BITS, 8),
)
VARIANTS = (EXACT, DEFAULT, *(name for name, _, _ in NARROW))
# Scores closer than this are equal but for the rounding of their float64 sum; the device has integers.
_DIGITS = 9


@dataclass(frozen=True)
class Shape:
    """How forests are trained."""

    min_samples_leaf: int
    trees: int

    @property
    def label(self) -> str:
        return f"{self.min_samples_leaf} sample{'s' * (self.min_samples_leaf > 1)} a leaf, {self.trees} trees"


SHAPES = (Shape(1, 10), Shape(4, 10), Shape(16, 10), Shape(16, 100))


@dataclass(frozen=True)
class Score:
    """One variant of the forests of one data set: means over the folds.

    Attributes:
        auc: macro average of one class against the rest, scikit-learn's ``roc_auc_score``.
        leaf_bytes: of the emitted leaf table; votes need none.
        splits: of all trees.
        bits: of the default: the width that was taken in each fold, None for exact.
    """

    data: str
    min_samples_leaf: int
    trees: int
    variant: str
    auc: float
    accuracy: float
    leaf_bytes: float
    splits: float
    bits: tuple[int | None, ...] = ()

    @property
    def shape(self) -> Shape:
        return Shape(self.min_samples_leaf, self.trees)


def measure(data: DataSet, shape: Shape) -> list[Score]:
    """All variants of forests of one shape on one data set."""
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in VARIANTS}
    bits: list[int | None] = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for learn, unseen in folds.split(data.features, data.classes):
        forest = RandomForestClassifier(
            shape.trees, min_samples_leaf=shape.min_samples_leaf, random_state=0, n_jobs=1
        ).fit(data.features[learn].astype(np.float32), data.classes[learn])
        x, truth = data.features[unseen].astype(np.float32), data.classes[unseen]
        for name, model in _models(forest, data, learn):
            # The exact leaves are scored by scikit-learn itself.
            given = forest.predict_proba(x) if name == EXACT else evaluate(model, x).round(_DIGITS)
            found[name].append((*_quality(given, truth), leaf_bytes(model), model.n_splits))
            if name == DEFAULT:
                bits.append(_width(model))
    return [
        Score(
            data.name, shape.min_samples_leaf, shape.trees, name,
            *(round(float(value), 6) for value in np.mean(rows, axis=0)),
            bits=tuple(bits) if name == DEFAULT else (),
        )
        for name, rows in found.items()
    ]  # fmt: skip


def _models(
    forest: RandomForestClassifier, data: DataSet, learn: NDArray[np.intp]
) -> Iterator[tuple[str, TreeEnsemble]]:
    nan = "follow" if data.has_missing else "auto"
    exact, _ = prepare(to_ir(forest, nan=nan), "float", None)
    yield EXACT, exact
    yield DEFAULT, milliwatt.convert(forest, dtype="float", nan=nan, calibration=data.features[learn]).ir
    for name, bits, clusters in NARROW:
        yield name, narrow_leaves(exact, bits, clusters)


def _width(model: TreeEnsemble) -> int | None:
    trade = model.calibration.leaves if model.calibration is not None else None
    return trade.leaf_bits if trade is not None else None


def _quality(given: NDArray[np.float64], truth: NDArray[np.intp]) -> tuple[float, float]:
    accuracy = float((given.argmax(axis=1) == truth).mean())
    if given.shape[1] == 2:
        return float(roc_auc_score(truth, given[:, 1])), accuracy
    rows = given / given.sum(axis=1, keepdims=True)  # 1 but for the digits rounded off
    return float(roc_auc_score(truth, rows, multi_class="ovr", average="macro")), accuracy


def leaf_bytes(model: TreeEnsemble) -> int:
    """Flash of the leaf rows as they are emitted: numbers in a row, times rows, times their width."""
    table = leaf_table(model)
    return 0 if table.kind == "votes" else len(table.rows) * len(table.rows[0]) * table.bits // 8
