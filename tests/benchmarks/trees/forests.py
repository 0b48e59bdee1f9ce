"""The forests that are measured, and the held-out rows they are measured on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).resolve().parents[3]
# Grey levels 0..16 spread over int16, as emlearn's documentation asks for: its int16 thresholds are
# truncated, and on the raw levels that costs it ten points of accuracy.
DIGITS_SCALE = 2047


@dataclass(frozen=True)
class Forest:
    """A fitted forest and int16 rows it has not seen."""

    name: str
    estimator: Any
    rows: NDArray[np.int16]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """What scikit-learn says."""
        result: NDArray[np.float64] = self.estimator.predict_proba(self.rows.astype(np.float32))
        return result

    @property
    def n_splits(self) -> int:
        return sum(int(tree.tree_.n_leaves) - 1 for tree in self.estimator.estimators_)

    @property
    def is_pure(self) -> bool:
        """Whether every leaf holds one class, so that hard and soft votes are the same."""
        return all(
            bool((tree.tree_.value[tree.tree_.children_left < 0].max(axis=2) == 1.0).all())
            for tree in self.estimator.estimators_
        )

    def describe(self) -> str:
        leaves = "pure leaves" if self.is_pure else "mixed leaves"
        return (
            f"{len(self.estimator.estimators_)} trees, {self.n_splits} splits, {leaves}, "
            f"{self.rows.shape[1]} features, {len(self.estimator.classes_)} classes"
        )


def make(name: str, n_rows: int) -> Forest:
    """Train one of :data:`NAMES`; the same every time."""
    estimator, rows = _FORESTS[name]()
    chosen = np.linspace(0, len(rows) - 1, min(n_rows, len(rows))).astype(int)
    return Forest(name, estimator, np.ascontiguousarray(rows[chosen], dtype=np.int16))


@cache
def _sample() -> ModuleType:
    directory = ROOT / "samples" / "activity"
    sys.path.insert(0, str(directory))
    spec = importlib.util.spec_from_file_location("activity_model", directory / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _activity() -> tuple[Any, NDArray[Any]]:
    sample = _sample()
    recordings = sample.load_dataset()
    return sample.train(sample.training(recordings)), sample.held_out(recordings).features


def _activity_shallow() -> tuple[Any, NDArray[Any]]:
    sample = _sample()
    recordings = sample.load_dataset()
    learn = sample.training(recordings)
    forest = RandomForestClassifier(n_estimators=50, max_leaf_nodes=6, random_state=0)
    return forest.fit(learn.features, learn.exercise), sample.held_out(recordings).features


def _digits(n_trees: int) -> tuple[Any, NDArray[Any]]:
    data, target = load_digits(return_X_y=True)
    learn, unseen, classes, _ = train_test_split(
        (data * DIGITS_SCALE).astype(np.int16), target, test_size=0.3, random_state=0, stratify=target
    )
    return RandomForestClassifier(n_estimators=n_trees, random_state=0).fit(learn, classes), unseen


_FORESTS: dict[str, Callable[[], tuple[Any, NDArray[Any]]]] = {
    "activity": _activity,
    "activity-shallow": _activity_shallow,
    "digits-10": partial(_digits, 10),
    "digits-50": partial(_digits, 50),
}
NAMES = tuple(_FORESTS)
