"""scikit-learn's HistGradientBoostingClassifier and HistGradientBoostingRegressor."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.nodes import Nodes, check_nodes, damaged, learnt_missing
from milliwatt.frontends.sklearn_common import (
    boosted,
    class_labels,
    feature_names,
    origin,
    quietly,
    require_fitted,
)  # fmt: skip
from milliwatt.ir import CategorySet, Tree, TreeEnsemble
from milliwatt.ir.model import CLASSIFIER
from milliwatt.ir.validate import MAX_CATEGORY

SUPPORTED = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_FIELDS = ("value", "count", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right",
           "is_leaf", "is_categorical", "bitset_idx")  # fmt: skip


def convert_histogram(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted HistGradientBoosting as an IR model; ``kind`` is the supported class's name."""
    require_fitted(estimator, kind, "_predictors")
    if kind.endswith("Classifier") and len(estimator.classes_) == 1:
        return _one_class(estimator, nan)
    columns = _Columns(estimator)
    stages = [[_nodes(predictor, columns) for predictor in stage] for stage in estimator._predictors]
    flat = [nodes for stage in stages for nodes in stage]
    learnt = columns.learnt_missing or any(map(learnt_missing, flat))
    follow = nan == "follow" or (nan == "auto" and learnt)
    return boosted(
        estimator,
        kind,
        stages,
        np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1),
        follow=follow,
        check_nan=nan != "ignore" and not follow,
        cut_inclusive=False,  # predict() asks for a raw prediction > 0
        category_sets=columns.sets,
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values."""
    given = quietly(getattr(estimator, "predict_proba", estimator.predict), samples)
    # With one class it gives a second column: the probability of a class that there is not.
    return given[:, : len(estimator.classes_)] if hasattr(estimator, "classes_") else given


def _one_class(estimator: Any, nan: str) -> TreeEnsemble:
    """Its trees say how far it is from a second class; the answer is the only class there is."""
    return TreeEnsemble(
        task=CLASSIFIER,
        n_features=int(estimator.n_features_in_),
        trees=(Tree(root=~0),),
        leaves=((1.0,),),
        classes=class_labels(estimator),
        feature_names=feature_names(estimator),
        check_nan=nan == "refuse",  # there is no split that could not take it
        origin=origin(estimator, "best"),
    )


class _Columns:
    """From the columns that the trees look at to the estimator's features, and their categories.

    An estimator with categorical features encodes these as 0, 1, 2 … in the order of their values,
    and puts them before the others; its trees and bit sets are about the result.
    """

    def __init__(self, estimator: Any) -> None:
        self.n_features = int(estimator.n_features_in_)
        self.feature = np.arange(self.n_features)
        self.learnt_missing = False
        self._categories: list[NDArray[Any]] = []
        self._pool: dict[CategorySet, int] = {}
        self._seen: dict[tuple[int, bytes, bool], int] = {}
        if getattr(estimator, "is_categorical_", None) is not None:
            chosen = np.asarray(estimator.is_categorical_, dtype=bool)
            self.feature = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)])
            encoder = estimator._preprocessor.named_transformers_["encoder"]
            self._categories = list(encoder.categories_)

    @property
    def sets(self) -> tuple[CategorySet, ...]:
        """The sets that splits refer to."""
        return tuple(self._pool)

    def left_set(self, column: int, bits: NDArray[np.uint32], missing_left: bool) -> int:
        """The number of the set of categories that a split on a column sends left.

        Args:
            bits: which encoded categories go left.
            missing_left: where NaN goes, and with it every category that training did not know.
        """
        key = (column, bits.tobytes(), missing_left)
        if key not in self._seen:
            if column >= len(self._categories):
                raise damaged("a categorical split on a feature without categories")
            known = self._known(column)
            left = [bool(int(bits[i // 32]) >> (i % 32) & 1) for i in range(len(known))]
            members = sorted(c for c, goes in zip(known, left, strict=True) if goes != missing_left)
            found = CategorySet(tuple(members), inverted=missing_left)
            self._seen[key] = self._pool.setdefault(found, len(self._pool))
        return self._seen[key]

    def _known(self, column: int) -> list[int]:
        """The categories of a column in the order of their codes."""
        values = np.asarray(self._categories[column]).tolist()
        if values and isinstance(values[-1], float) and np.isnan(values[-1]):
            self.learnt_missing = True
            values = values[:-1]
        for value in values:
            number = isinstance(value, (bool, int, float))
            if not number or not float(value).is_integer() or not 0 <= value <= MAX_CATEGORY:
                raise UnsupportedModelError(
                    f"feature {self.feature[column]} has the category {value!r}; "
                    f"on the device categories are whole numbers from 0 to {MAX_CATEGORY}",
                    option="categorical_features",
                    cure="number the categories 0, 1, 2 … before training (OrdinalEncoder)",
                )
        return [int(value) for value in values]


def _nodes(predictor: Any, columns: _Columns) -> Nodes:
    """The nodes of a ``TreePredictor``, checked, about the estimator's own features."""
    record = predictor.nodes
    if (
        not isinstance(record, np.ndarray)
        or not len(record)
        or not set(_FIELDS) <= set(record.dtype.names or ())
    ):
        raise damaged("not a record of nodes")
    leaf = record["is_leaf"].astype(bool)
    nodes = check_nodes(
        Nodes(
            left=np.where(leaf, -1, record["left"].astype(np.intp)),
            right=record["right"].astype(np.intp),
            feature=record["feature_idx"].astype(np.intp),
            threshold=record["num_threshold"].astype(np.float64),
            value=record["value"].astype(np.float64).reshape(-1, 1),
            missing_left=record["missing_go_to_left"].astype(bool),
            samples=record["count"],
        ),
        columns.n_features,
    )
    return _with_categories(nodes, predictor, columns)


def _with_categories(nodes: Nodes, predictor: Any, columns: _Columns) -> Nodes:
    record = predictor.nodes
    chosen = np.flatnonzero(record["is_categorical"].astype(bool) & ~nodes.leaf)
    sets = np.full(len(nodes.left), -1, dtype=np.intp)
    threshold = nodes.threshold.copy()
    for node in chosen.tolist():
        row = int(record["bitset_idx"][node])
        if row >= len(predictor.raw_left_cat_bitsets):
            raise damaged("a categorical split without its categories")
        bits = np.asarray(predictor.raw_left_cat_bitsets[row], dtype=np.uint32)
        sets[node] = columns.left_set(int(nodes.feature[node]), bits, bool(nodes.missing_left[node]))
        threshold[node] = 0.0  # means nothing there
    # Leaves hold any feature index; what they hold is never read.
    feature = columns.feature[np.where(nodes.leaf, 0, nodes.feature)]
    return dataclasses.replace(
        nodes, feature=feature, threshold=threshold, category_set=sets if len(chosen) else None
    )
