"""The forests that are measured, and the held-out rows they are measured on.

Chosen once, before any of our own figures were known: 10 to 100 trees, shallow and fully grown,
pure and mixed leaves, integer and real features, two to ten classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from datasets import Samples, load
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier


@dataclass(frozen=True)
class Fitted:
    """An estimator and the features it knows.

    Attributes:
        learn: what it was fitted to: int16, or float32.
        rows: what it has not seen, of the same type.
    """

    estimator: Any
    learn: NDArray[Any]
    rows: NDArray[Any]

    @property
    def trees(self) -> list[Any]:
        """scikit-learn's low-level trees."""
        return [tree.tree_ for tree in np.ravel(self.estimator.estimators_)]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """What scikit-learn says of the rows."""
        result: NDArray[np.float64] = self.estimator.predict_proba(self.rows.astype(np.float32))
        return result

    @property
    def n_splits(self) -> int:
        return sum(int(tree.n_leaves) - 1 for tree in self.trees)

    @property
    def is_pure(self) -> bool:
        """Whether every leaf holds one class, so that hard and soft votes are the same."""
        if isinstance(self.estimator, GradientBoostingClassifier):
            return False
        return all(bool((tree.value[tree.children_left < 0].max(axis=2) == 1.0).all()) for tree in self.trees)


@dataclass(frozen=True)
class Forest:
    """The same kind of forest, fitted to int16 features and to the real ones.

    Where features are integers by nature both are one: then float rows are those integers as floats.
    """

    name: str
    data: str
    source: str
    integer: Fitted
    real: Fitted

    def fitted(self, dtype: str) -> Fitted:
        return self.integer if dtype == "int16" else self.real

    @property
    def is_boosted(self) -> bool:
        return isinstance(self.integer.estimator, GradientBoostingClassifier)

    @property
    def is_pure(self) -> bool:
        return self.integer.is_pure and self.real.is_pure

    @property
    def is_huge(self) -> bool:
        """Too large for libraries that take 50 bytes a split or more: minutes of compiling each."""
        return self.integer.n_splits > 5000

    @property
    def n_leaves(self) -> int:
        """The fewer of both forests'."""
        return min(sum(int(tree.n_leaves) for tree in fitted.trees) for fitted in (self.integer, self.real))

    @property
    def n_trees(self) -> int:
        return len(self.integer.trees)

    @property
    def n_classes(self) -> int:
        return len(self.integer.estimator.classes_)

    @property
    def n_features(self) -> int:
        return int(self.integer.rows.shape[1])

    def describe(self) -> str:
        splits = f"{self.integer.n_splits} splits"
        if self.real is not self.integer:
            splits += f" ({self.real.n_splits} in the forest of real features)"
        leaves = "boosted" if self.is_boosted else "pure leaves" if self.is_pure else "mixed leaves"
        return (
            f"{self.data} ({self.source}): {self.n_trees} trees, {splits}, {leaves}, "
            f"{self.n_features} features, {self.n_classes} classes"
        )


def make(name: str, n_rows: int) -> Forest:
    """Train one of :data:`NAMES`; the same every time."""
    data_name, new = _FORESTS[name]
    data = load(data_name)

    def fit(samples: Samples) -> Fitted:
        chosen = np.linspace(0, len(samples.unseen) - 1, min(n_rows, len(samples.unseen))).astype(int)
        return Fitted(new().fit(samples.learn, data.classes), samples.learn, samples.unseen[chosen])

    integer = fit(data.integer)
    real = integer if data.real is data.integer else fit(data.real)
    return Forest(name, data_name, data.source, integer, real)


_New = Callable[[], Any]
_forest = partial(partial, RandomForestClassifier, random_state=0)

_FORESTS: dict[str, tuple[str, _New]] = {
    # As samples/activity/model.py trains it.
    "activity": ("activity", _forest(n_estimators=31, max_samples=200)),
    "activity-shallow": ("activity", _forest(n_estimators=50, max_leaf_nodes=6)),
    "digits-10": ("digits", _forest(n_estimators=10)),
    "digits-50": ("digits", _forest(n_estimators=50)),
    "breast-cancer-10": ("breast-cancer", _forest(n_estimators=10, min_samples_leaf=5)),
    "breast-cancer-100": ("breast-cancer", _forest(n_estimators=100)),
    "vehicle-100": ("vehicle", _forest(n_estimators=100, max_depth=5)),
    "satimage-20": ("satimage", _forest(n_estimators=20, min_samples_leaf=10)),
    "pendigits-20": ("pendigits", _forest(n_estimators=20)),
    "segment-30": ("segment", _forest(n_estimators=30, max_depth=8)),
    "shuttle-30": ("shuttle", _forest(n_estimators=30, max_leaf_nodes=16)),
    # 17 trees for each of 7 classes: 119, the nearest to 120.
    "activity-boosting": ("activity", partial(GradientBoostingClassifier, n_estimators=17, random_state=0)),
}
NAMES = tuple(_FORESTS)
