"""XGBoost's saved models (``*.json``, ``*.ubj``), read without XGBoost.

The fields are those of XGBoost's model schema, versions 1.0 to 3.2; both formats hold the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ModelFileError, UnsupportedModelError
from milliwatt.frontends import ubjson
from milliwatt.frontends.nodes import Nodes
from milliwatt.frontends.saved_fields import Fields
from milliwatt.frontends.saved_trees import RESAVE, CategoryTable, check_tests, reached
from milliwatt.ir import CategorySet

_CATEGORICAL = 1  # a value of split_type
_LEAF = -1


@dataclass(frozen=True)
class Booster:
    """A saved booster, apart from its trees.

    Attributes:
        objective: its name, ``binary:logistic``.
        base_score: shape (outputs,): where scores start, in terms of what is predicted.
        n_outputs: scores of a sample.
        several_targets: whether outputs are targets of their own, not classes.
        rounds: shape (rounds + 1,): the number of the first tree of each round, and of all trees.
        tree_output: shape (trees,): which output each tree adds to.
        tree_weight: shape (trees,): the factors of dart; ones otherwise.
        vector_leaves: leaves hold a number for every output.
        best_iteration: the round at which early stopping found the best score.
        saved_as: ``classifier``, ``regressor`` or ``ranker`` if the scikit-learn interface wrote
            the file, which then uses rounds up to ``best_iteration`` only; empty otherwise.
        version: of the XGBoost that wrote it; empty: the file does not say.
    """

    objective: str
    base_score: NDArray[np.float32]
    n_features: int
    n_outputs: int
    several_targets: bool
    feature_names: tuple[str, ...]
    rounds: NDArray[np.int64]
    tree_output: NDArray[np.int64]
    tree_weight: NDArray[np.float32]
    vector_leaves: bool
    best_iteration: int | None
    saved_as: str
    version: tuple[int, ...]
    _trees: list[Fields]

    def trees(self, count: int) -> tuple[list[Nodes], tuple[CategorySet, ...]]:
        """The first trees, and the category sets that their splits refer to."""
        table = CategoryTable()
        width = self.n_outputs if self.vector_leaves else 1
        nodes = []
        for index, fields in enumerate(self._trees[:count]):
            try:
                nodes.append(_tree(fields, self.n_features, width, table))
            except MilliwattError as error:
                raise error.within(option=f"trees[{index}]") from None
        return nodes, table.sets


def parse(raw: bytes) -> Any:
    """A saved model's bytes as plain objects: JSON or UBJSON, as the second byte tells."""
    if raw[1:2] in (b"i", b"U", b"I", b"l", b"L", b"$", b"#"):
        return ubjson.loads(raw)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, absurdly long numbers
        raise ModelFileError(f"not valid JSON ({error})", cure=RESAVE) from None


def read_booster(document: Any) -> Booster:
    """What :func:`parse` gave as a booster.

    Raises:
        ModelFileError: not a saved model of XGBoost, or a damaged one; names the field.
        UnsupportedModelError: a linear booster.
    """
    if not isinstance(document, dict) or "learner" not in document:
        raise ModelFileError("not a saved model of XGBoost", cure="give the file that save_model() wrote")
    learner = Fields(document).group("learner")
    parameters = learner.group("learner_model_param")
    model, weights = _gradient_booster(learner.group("gradient_booster"))
    trees = model.groups("trees")
    n_class, n_target = parameters.count("num_class", 0), parameters.count("num_target", 1)
    n_outputs = max(n_class, n_target, 1)
    vector_leaves = bool(trees) and _leaf_width(trees[0]) > 1
    attributes = learner.group("attributes") if "attributes" in learner else Fields({})
    return Booster(
        objective=learner.group("objective").text("name"),
        base_score=_base_score(parameters, n_outputs),
        n_features=_positive(parameters, "num_feature"),
        n_outputs=n_outputs,
        several_targets=n_target > 1,
        feature_names=learner.texts("feature_names"),
        rounds=_rounds(model, len(trees), 1 if vector_leaves else n_outputs),
        tree_output=_tree_output(model, len(trees), n_outputs),
        tree_weight=_tree_weight(weights, len(trees)),
        vector_leaves=vector_leaves,
        best_iteration=attributes.count("best_iteration") if "best_iteration" in attributes else None,
        saved_as=_saved_as(attributes),
        version=tuple(Fields(document).integers("version").tolist()) if "version" in document else (),
        _trees=trees,
    )


def _gradient_booster(booster: Fields) -> tuple[Fields, Fields | None]:
    """The trees' object, and for dart the object with their weights."""
    name = booster.text("name")
    if name == "gblinear":
        raise UnsupportedModelError("booster gblinear is not supported", cure="train with gbtree or dart")
    if name == "dart":
        return booster.group("gbtree").group("model"), booster
    if name != "gbtree":
        raise UnsupportedModelError(f"booster {name!r} is not supported", cure="train with gbtree or dart")
    return booster.group("model"), None


def _positive(fields: Fields, key: str) -> int:
    count = fields.count(key)
    if count < 1:
        raise fields.error("0, so nothing was trained", key)
    return count


def _base_score(parameters: Fields, n_outputs: int) -> NDArray[np.float32]:
    base = parameters.numbers_in_text("base_score")
    if len(base) not in (1, n_outputs):
        raise parameters.error(f"{len(base)} values for {n_outputs} outputs", "base_score")
    every: NDArray[np.float32] = np.broadcast_to(base, (n_outputs,)).copy()
    return every


def _leaf_width(tree: Fields) -> int:
    return tree.group("tree_param").count("size_leaf_vector", 1)


def _rounds(model: Fields, n_trees: int, n_groups: int) -> NDArray[np.int64]:
    if "iteration_indptr" not in model:  # before version 2
        per_round = max(model.group("gbtree_model_param").count("num_parallel_tree", 1), 1) * n_groups
        return np.append(np.arange(0, n_trees, per_round), n_trees)
    rounds = model.integers("iteration_indptr")
    if not len(rounds):
        rounds = np.zeros(1, dtype=np.int64)
    if rounds[0] != 0 or rounds[-1] != n_trees or (np.diff(rounds) < 0).any():
        raise model.error(f"does not divide {n_trees} trees into rounds", "iteration_indptr")
    return rounds


def _tree_output(model: Fields, n_trees: int, n_outputs: int) -> NDArray[np.int64]:
    output = model.integers("tree_info", n_trees)
    if n_trees and not 0 <= output.min() <= output.max() < n_outputs:
        raise model.error(f"a tree adds to an output outside 0..{n_outputs - 1}", "tree_info")
    return output


def _tree_weight(dart: Fields | None, n_trees: int) -> NDArray[np.float32]:
    if dart is None:
        return np.ones(n_trees, dtype=np.float32)
    weight = dart.reals("weight_drop", n_trees)
    if not np.isfinite(weight).all():
        raise dart.error("a weight is not finite", "weight_drop")
    return weight


def _saved_as(attributes: Fields) -> str:
    if "scikit_learn" not in attributes:
        return ""
    try:
        found = json.loads(attributes.text("scikit_learn"))
        kind = found["_estimator_type"] if "_estimator_type" in found else found["type"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise attributes.error("does not say which estimator this was", "scikit_learn") from None
    for known in ("classifier", "regressor", "ranker"):
        if known in str(kind).lower():  # once the class's name, "XGBClassifier"
            return known
    raise attributes.error(f"unknown estimator {kind!r}", "scikit_learn")


def _tree(fields: Fields, n_features: int, width: int, table: CategoryTable) -> Nodes:
    """Nodes as XGBoost keeps them: inner ones and leaves in one table, node 0 the root.

    What pruning left behind stays in the file's table, but hangs under no other node.
    """
    left = fields.integers("left_children")
    n = len(left)
    right = fields.integers("right_children", n)
    if not n or _leaf_width(fields) not in ((0, 1) if width == 1 else (width,)):
        raise fields.error("no nodes, or leaves of another width than other trees'")
    leaf = left == _LEAF
    seen = reached(left, right, leaf)
    split = seen & ~leaf
    condition = fields.reals("split_conditions", n)
    feature = fields.integers("split_indices", n)
    category = _categories(fields, split, table)
    check_tests(feature[split], condition[split & (category < 0)], n_features)
    # Nothing lies below -inf: `x < -inf` never holds, as `x <= inf` does with the sides swapped.
    never = split & (category < 0) & np.isneginf(condition)
    number = np.cumsum(seen) - 1
    ends = (np.where(leaf, _LEAF, number[np.where(split, side, 0)]) for side in (left, right))
    one, other = ends
    return Nodes(
        left=np.where(never, other, one)[seen],
        right=np.where(never, one, other)[seen],
        feature=np.where(split, feature, 0)[seen],
        threshold=np.where(never, np.inf, _below(condition, split & (category < 0)))[seen],
        value=_leaves(fields, leaf & seen, right, condition, width)[seen],
        missing_left=((fields.integers("default_left", n) != 0) != never)[seen],
        samples=np.zeros(int(seen.sum())),
        category_set=category[seen],
    )


def _below(condition: NDArray[np.float32], compared: NDArray[np.bool_]) -> NDArray[np.float64]:
    """XGBoost's test is ``x < t`` on float32 values, ours ``x <= t'``: t' is the float32 below t."""
    result = np.zeros(len(condition))
    with np.errstate(over="ignore"):  # nothing finite lies below the lowest float32
        result[compared] = np.nextafter(condition[compared], np.float32(-np.inf))
    return result + 0.0


def _categories(fields: Fields, split: NDArray[np.bool_], table: CategoryTable) -> NDArray[np.int64]:
    """For each node -1, or the number of its set: those categories go right, all others left."""
    n = len(split)
    found = np.full(n, -1, dtype=np.int64)
    kinds = fields.integers("split_type", n) if "split_type" in fields else np.zeros(n, dtype=np.int64)
    chosen = split & (kinds == _CATEGORICAL)
    if not chosen.any():
        return found
    nodes = fields.integers("categories_nodes")
    starts = fields.integers("categories_segments", len(nodes)).tolist()
    sizes = fields.integers("categories_sizes", len(nodes)).tolist()
    members = fields.integers("categories").tolist()
    for node, start, size in zip(nodes.tolist(), starts, sizes, strict=True):
        if not (0 <= node < n and 0 <= start <= start + size <= len(members)):
            raise fields.error("does not fit the nodes or the categories", "categories_segments")
        if chosen[node]:
            found[node] = table.number(members[start : start + size], inverted=True)
    if (found[chosen] < 0).any():
        raise fields.error("a split on categories has none", "categories_nodes")
    return found


def _leaves(
    fields: Fields,
    leaf: NDArray[np.bool_],
    right: NDArray[np.int64],
    condition: NDArray[np.float32],
    width: int,
) -> NDArray[np.float64]:
    """Values of leaves, shape (nodes, width); zeros elsewhere."""
    result = np.zeros((len(leaf), width))
    if width == 1:
        result[leaf, 0] = condition[leaf]
        return result
    # Since version 3.2 a leaf's right child is the number of its row; before, every node had a row.
    packed = "leaf_weights" in fields
    key, rows = ("leaf_weights", right[leaf]) if packed else ("base_weights", np.flatnonzero(leaf))
    values = fields.reals(key)
    if len(values) % width or rows.min() < 0 or rows.max() >= len(values) // width:
        raise fields.error("does not hold a row for every leaf", key)
    result[leaf] = values.reshape(-1, width)[rows]
    return result
