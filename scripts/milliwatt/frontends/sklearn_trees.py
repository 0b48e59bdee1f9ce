"""scikit-learn's decision trees and the forests made of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import MilliwattError, ModelFileError, UnsupportedModelError
from milliwatt.ir import Label, Tree, TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, REGRESSOR
from milliwatt.ir.validate import check_shape

_SINGLE = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
_FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")
SUPPORTED = _SINGLE + _FORESTS
_RETRAIN = "train and save the model again"


def convert_trees(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A fitted tree or forest as an IR model; ``kind`` is the supported class's name."""
    members = _members(estimator, kind)
    task = CLASSIFIER if kind.endswith("Classifier") else REGRESSOR
    classes = _classes(estimator) if task == CLASSIFIER else ()
    for member in members:
        _check_nodes(member.tree_, int(estimator.n_features_in_))
    follow = nan == "follow" or (nan == "auto" and any(_learnt_missing(m.tree_) for m in members))
    leaves, trees = _trees([member.tree_ for member in members], follow, task)
    for tree in trees:
        _check_shape(tree, len(leaves))
    return TreeEnsemble(
        task=task,
        n_features=int(estimator.n_features_in_),
        trees=tuple(trees),
        leaves=leaves,
        classes=classes,
        feature_names=tuple(str(name) for name in getattr(estimator, "feature_names_in_", ())),
        check_nan=nan != "ignore" and not follow,
        origin=_origin(estimator, members[0]),
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        predict = getattr(estimator, "predict_proba", estimator.predict)
        return np.asarray(predict(samples), dtype=np.float64).reshape(len(samples), -1)


def _members(estimator: Any, kind: str) -> Sequence[Any]:
    fitted = hasattr(estimator, "tree_") if kind in _SINGLE else hasattr(estimator, "estimators_")
    if not fitted:
        raise MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")
    if kind.endswith("Classifier") and int(estimator.n_outputs_) > 1:
        raise UnsupportedModelError(
            f"{kind} with {estimator.n_outputs_} outputs is not supported",
            cure="train one classifier per output; regressors may have several outputs",
        )
    return [estimator] if kind in _SINGLE else list(estimator.estimators_)


def _classes(estimator: Any) -> tuple[Label, ...]:
    labels = estimator.classes_.tolist()
    for label in labels:
        if not isinstance(label, (bool, int, float, str)):
            raise UnsupportedModelError(
                f"a class label of type {type(label).__name__} is not supported",
                cure="train with labels that are numbers, strings or booleans",
            )
    return tuple(labels)


def _origin(estimator: Any, member: Any) -> dict[str, str]:
    import sklearn

    return {
        "class": type(estimator).__name__,
        "library": f"scikit-learn {sklearn.__version__}",
        "splitter": str(getattr(member, "splitter", "best")),
    }


def _check_nodes(tree: Any, n_features: int) -> None:
    """Nodes as scikit-learn makes them; a file from elsewhere may hold anything."""
    left, right = tree.children_left, tree.children_right
    leaf = left == -1
    split = (left >= 0) & (left < len(left)) & (right >= 0) & (right < len(left))
    if not len(left) or not (leaf | split).all():
        raise UnsupportedModelError("a tree of it is damaged: a child is not one of its nodes", cure=_RETRAIN)
    feature, threshold = tree.feature[split], tree.threshold[split]
    if not ((feature >= 0) & (feature < n_features) & ~np.isnan(threshold)).all():
        raise UnsupportedModelError("a tree of it is damaged: a split without a test", cure=_RETRAIN)


def _check_shape(tree: Tree, n_rows: int) -> None:
    try:
        check_shape(tree, n_rows)
    except ModelFileError as error:
        raise UnsupportedModelError(f"a tree of it is damaged: {error.problem}", cure=_RETRAIN) from None


def _learnt_missing(tree: Any) -> bool:
    """True when a split sends NaN somewhere that only training data with NaN can have taught it.

    Without missing values in training, scikit-learn sends NaN to the child with more samples.
    """
    split = tree.children_left >= 0
    if np.isposinf(tree.threshold[split]).any():
        return True  # a split on missing or not
    samples = tree.n_node_samples
    majority = samples[tree.children_left[split]] > samples[tree.children_right[split]]
    return bool((tree.missing_go_to_left[split].astype(bool) != majority).any())


def _trees(
    sources: Sequence[Any], follow: bool, task: str
) -> tuple[tuple[tuple[float, ...], ...], list[Tree]]:
    """The distinct leaf rows of all trees, and the trees that refer to them."""
    is_leaf = [source.children_left < 0 for source in sources]
    rows = np.concatenate([_rows(source, task)[leaf] for source, leaf in zip(sources, is_leaf, strict=True)])
    _check_rows(rows, task)
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    trees, first = [], 0
    for source, leaf in zip(sources, is_leaf, strict=True):
        count = int(leaf.sum())
        trees.append(_tree(source, leaf, inverse[first : first + count], follow))
        first += count
    return tuple(map(tuple, distinct.tolist())), trees


def _check_rows(rows: NDArray[np.float64], task: str) -> None:
    """Leaves must be what a device can answer."""
    if task == REGRESSOR and not (np.abs(rows) <= FLOAT32_MAX).all():
        raise UnsupportedModelError(
            "a leaf's value is beyond what a float can hold on the device",
            cure="scale the targets before training",
        )
    if task == CLASSIFIER and not ((rows >= 0) & (rows <= 1)).all():
        raise UnsupportedModelError(
            "a leaf's class proportions are not between 0 and 1: sample weights were negative",
            cure="train without negative sample weights",
        )


def _rows(source: Any, task: str) -> NDArray[np.float64]:
    """Node values, one row a node: class proportions, or one value an output."""
    value = np.asarray(source.value, dtype=np.float64)
    return value[:, 0, :] if task == CLASSIFIER else value[:, :, 0]


def _tree(source: Any, leaf: NDArray[np.bool_], rows: NDArray[np.intp], follow: bool) -> Tree:
    # Every node's name as a child: its number among the splits, or ~row of its leaf.
    child = np.empty(len(leaf), dtype=np.int64)
    child[~leaf] = np.arange(int((~leaf).sum()))
    child[leaf] = ~rows
    split = ~leaf
    missing = source.missing_go_to_left[split].astype(bool).tolist() if follow else ()
    return Tree(
        root=int(child[0]),
        feature=tuple(source.feature[split].tolist()),
        threshold=tuple(source.threshold[split].tolist()),
        left=tuple(child[source.children_left[split]].tolist()),
        right=tuple(child[source.children_right[split]].tolist()),
        missing_left=tuple(missing),
    )
