"""What the frontends of scikit-learn's estimators share."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.nodes import Nodes, assemble, check_nodes, check_values
from milliwatt.ir import CategorySet, Label, TreeEnsemble
from milliwatt.ir.model import (
    CLASSIFIER,
    EXP,
    IDENTITY,
    REGRESSOR,
    SIGMOID,
    SOFTMAX,
    SUM,
)  # fmt: skip

_NOISE = 1e-9
# Names of scikit-learn's link classes, and what they are to the two tasks.
_LINKS = {
    (CLASSIFIER, "LogitLink"): SIGMOID,
    (CLASSIFIER, "HalfLogitLink"): SIGMOID,
    (CLASSIFIER, "MultinomialLogit"): SOFTMAX,
    (REGRESSOR, "IdentityLink"): IDENTITY,
    (REGRESSOR, "LogLink"): EXP,
}


def require_fitted(estimator: Any, kind: str, *attributes: str) -> None:
    """Raises :class:`MilliwattError` unless fitting has left all of these behind."""
    for attribute in attributes:
        found = getattr(estimator, attribute, None)
        if found is None or (hasattr(found, "__len__") and len(found) == 0):
            raise MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")


def refuse_follow(kind: str, nan: str) -> None:
    """Raises :class:`MilliwattError` when NaN is to be followed where the library refuses it."""
    if nan == "follow":
        raise MilliwattError(
            f"{kind} itself refuses missing values, so there is no direction to follow",
            option="nan",
            cure="use nan=refuse or nan=auto; or train a HistGradientBoosting, a forest, or bagged trees",
        )


def task_of(kind: str) -> str:
    """Whether the supported class of that name classifies."""
    return CLASSIFIER if kind.endswith("Classifier") else REGRESSOR


def class_labels(estimator: Any) -> tuple[Label, ...]:
    """The estimator's own labels, as Python's own types."""
    labels = np.asarray(estimator.classes_).tolist()
    for label in labels:
        if not isinstance(label, (bool, int, float, str)):
            raise UnsupportedModelError(
                f"a class label of type {type(label).__name__} is not supported",
                cure="train with labels that are numbers, strings or booleans",
            )
    return tuple(labels)


def feature_names(estimator: Any) -> tuple[str, ...]:
    """Names of features as the estimator knew them; empty when it did not."""
    return tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))


def origin(estimator: Any, splitter: str) -> dict[str, str]:
    """What the model is made from. ``splitter`` is "best" where all splits lie between two samples."""
    import sklearn

    return {
        "class": type(estimator).__name__,
        "library": f"scikit-learn {sklearn.__version__}",
        "splitter": splitter,
    }


def tree_nodes(tree: Any, value: NDArray[np.float64], n_features: int) -> Nodes:
    """The nodes of a ``sklearn.tree._tree.Tree``, checked.

    Args:
        value: shape (nodes, outputs), what each node would answer as a leaf.
    """
    nodes = Nodes(
        left=np.asarray(tree.children_left, dtype=np.intp),
        right=np.asarray(tree.children_right, dtype=np.intp),
        feature=np.asarray(tree.feature, dtype=np.intp),
        threshold=np.asarray(tree.threshold, dtype=np.float64),
        value=value,
        missing_left=np.asarray(tree.missing_go_to_left, dtype=bool),
        samples=tree.n_node_samples,
    )
    return check_nodes(_without_nan_thresholds(nodes), n_features)


def _without_nan_thresholds(nodes: Nodes) -> Nodes:
    """The same tree with a number in every test.

    With missing values in training, scikit-learn up to 1.8 now and then splits at NaN. Nothing is <= NaN,
    so its predictions send every number right, and NaN where the node says: as `x <= inf` does with the
    sides swapped.
    """
    never = np.isnan(nodes.threshold) & ~nodes.leaf
    if not never.any():
        return nodes
    return dataclasses.replace(
        nodes,
        left=np.where(never, nodes.right, nodes.left),
        right=np.where(never, nodes.left, nodes.right),
        threshold=np.where(never, np.inf, nodes.threshold),
        missing_left=nodes.missing_left != never,
    )


def summed_noise(n_trees: int, largest: float) -> float:
    """A margin below which the estimator's own float64 sum of so many terms decides.

    The rounding of a sum of n terms is at most n * 2**-52 times the sum of their sizes.
    """
    return max(_NOISE, n_trees * n_trees * largest * 2.0**-52)


def boosted(
    estimator: Any,
    kind: str,
    stages: Sequence[Sequence[Nodes]],
    base: NDArray[np.float64],
    *,
    follow: bool,
    check_nan: bool,
    cut_inclusive: bool,
    category_sets: tuple[CategorySet, ...] = (),
) -> TreeEnsemble:
    """A model of boosting stages, each with one tree an output, as scikit-learn's boosters make them.

    Args:
        base: what each output starts from.
        cut_inclusive: a binary score of exactly 0 means class 1.
    """
    task = task_of(kind)
    name = type(estimator._loss.link).__name__
    if (task, name) not in _LINKS:
        raise UnsupportedModelError(
            f"a {kind} with the loss {type(estimator._loss).__name__} is not supported",
            option="loss",
            cure="train with one of the losses that scikit-learn documents for it",
        )
    classes = class_labels(estimator) if task == CLASSIFIER else ()
    width = len(classes) if len(classes) > 2 else 1
    if len(base) != width or any(len(stage) != width for stage in stages):
        raise UnsupportedModelError(
            f"this {kind} is damaged: not {width} trees in every stage", cure="train and save the model again"
        )
    factor = 2.0 if name == "HalfLogitLink" else 1.0  # its sigmoid takes the doubled score
    base = check_values(base * factor, "the value that boosting starts from")
    scaled = [_scaled(nodes, factor, task) for stage in stages for nodes in stage]
    leaves, trees = assemble(scaled, follow=follow)
    largest = max(max(abs(row[0]) for row in leaves), float(np.abs(base).max()))
    return TreeEnsemble(
        task=task,
        n_features=int(estimator.n_features_in_),
        trees=trees,
        leaves=leaves,
        classes=classes,
        feature_names=feature_names(estimator),
        check_nan=check_nan,
        origin=origin(estimator, "best"),
        aggregate=SUM,
        base=tuple(base.tolist()),
        outputs=tuple(range(width)) * len(stages) if width > 1 else (),
        link=_LINKS[task, name],
        cut_inclusive=cut_inclusive and task == CLASSIFIER and width == 1,
        category_sets=category_sets,
        noise=summed_noise(len(stages), largest),
    )


def _scaled(nodes: Nodes, factor: float, task: str) -> Nodes:
    # Scores of classes grow like this only where each stage overshoots what the last one did.
    cure = "train with a smaller learning_rate" + ("" if task == CLASSIFIER else ", and scale the targets")
    value = check_values(nodes.value[nodes.leaf] * factor, cure=cure)
    full = np.zeros_like(nodes.value)
    full[nodes.leaf] = value
    return dataclasses.replace(nodes, value=full)


def quietly(
    method: Callable[[NDArray[np.float64]], Any], samples: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What a method of an estimator answers to samples, shape (rows, answers)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        return np.asarray(method(samples), dtype=np.float64).reshape(len(samples), -1)
