"""Random committees of random models, and what they answer, worked out without Milliwatt's evaluators."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt.ir import AnyModel, Committee, Tree, TreeEnsemble, as_member, validate
from mwtest.models import Spec, build

_CLASSIFIERS = ("mean", "mean", "boosted classes", "one against the rest", "weighted votes")
_BINARY = ("binary", "binary")
_ONLY_CLASSES = ("only margins", "binary margin", "outliers")
_REGRESSORS = ("mean", "boosted values", "boosted quantiles", "boosted counts", "boosted shares")
WEIGHTS = {
    "none": lambda rng, n: (),
    "small integers": lambda rng, n: tuple(float(w) for w in rng.integers(1, 4, n)),
    "halves": lambda rng, n: tuple(float(w) / 2 for w in rng.integers(1, 6, n)),
    "tenths": lambda rng, n: tuple(float(w) / 10 for w in rng.integers(1, 5, n)),
    "any": lambda rng, n: tuple((rng.random(n) + 0.01).tolist()),
}


@dataclass(frozen=True)
class CommitteeSpec:
    """What a random committee looks like; the seed decides the rest.

    Attributes:
        few: some members know fewer classes.
        depth: committees within committees.
    """

    seed: int
    vote: str = "hard"
    task: str = "classifier"
    dtype: str = "float"
    missing: bool = False
    categories: bool = False
    weights: str = "none"
    few: bool = False
    n_features: int = 3
    n_classes: int = 3
    n_members: int = 3
    n_splits: int = 6
    depth: int = 1


def committee_specs() -> st.SearchStrategy[CommitteeSpec]:
    """Specifications that reach every kind of vote, weight and member."""
    return st.builds(
        CommitteeSpec,
        seed=st.integers(0, 2**32 - 1),
        vote=st.sampled_from(["hard", "hard", "share", "mean", "mean"]),
        task=st.sampled_from(["classifier", "classifier", "regressor"]),
        dtype=st.sampled_from(["float", "float", "int8", "uint8", "int16", "int32"]),
        missing=st.booleans(),
        categories=st.sampled_from([False, False, True]),
        weights=st.sampled_from(list(WEIGHTS)),
        few=st.booleans(),
        n_features=st.sampled_from([1, 2, 7, 65]),
        n_classes=st.integers(1, 9),
        n_members=st.sampled_from([1, 2, 3, 4, 5, 8, 9, 12]),
        n_splits=st.sampled_from([0, 1, 3, 20]),
        depth=st.sampled_from([1, 1, 1, 2, 3]),
    )


def build_committee(spec: CommitteeSpec) -> Committee:
    """The committee of a specification."""
    rng = np.random.default_rng(spec.seed)
    return validate(_committee(spec, rng, spec.n_classes, spec.depth))


def _committee(spec: CommitteeSpec, rng: np.random.Generator, n_classes: int, depth: int) -> Committee:
    regresses = spec.task == "regressor"
    vote = "mean" if regresses else spec.vote if depth == spec.depth else str(rng.choice(["share", "mean"]))
    members = []
    for _ in range(spec.n_members if depth == spec.depth else 2):
        known = rng.permutation(n_classes)[: int(rng.integers(1, n_classes + 1)) if spec.few else n_classes]
        known = known if spec.few else np.sort(known)
        inner = depth > 1 and rng.random() < 0.5
        model = (
            _committee(spec, rng, len(known), depth - 1) if inner else _member(spec, rng, vote, len(known))
        )
        if not regresses:
            model = dataclasses.replace(model, classes=tuple(known.tolist()))
        members.append(as_member(model, check_nan=not _missing(spec)))
    return Committee(
        task=spec.task,
        n_features=spec.n_features,
        members=tuple(members),
        vote=vote,
        classes=() if regresses else tuple(range(n_classes)),
        weights=WEIGHTS[spec.weights](rng, len(members)),
        dtype=spec.dtype,
        check_nan=not _missing(spec),
    )


def _missing(spec: CommitteeSpec) -> bool:
    return spec.missing and spec.dtype == "float"


def _member(spec: CommitteeSpec, rng: np.random.Generator, vote: str, n_classes: int) -> TreeEnsemble:
    forms: tuple[str, ...] = _REGRESSORS
    if spec.task == "classifier":
        forms = _CLASSIFIERS + (_BINARY if n_classes == 2 else ())
        if vote != "mean":
            forms += _ONLY_CLASSES if n_classes == 2 else _ONLY_CLASSES[:1]
        if n_classes == 1:
            forms = ("mean",)
    elif spec.n_classes == 1:
        forms += ("median",)
    model = build(
        Spec(
            seed=int(rng.integers(2**32)),
            dtype=spec.dtype,
            task=spec.task,
            leaves=str(rng.choice(["pure", "sixteenths", "any"])),
            missing=spec.missing,
            categories=spec.categories,
            n_features=spec.n_features,
            n_trees=int(rng.integers(1, 6)),
            n_splits=spec.n_splits,
            n_outputs=n_classes if spec.task == "classifier" else spec.n_classes,
            n_rows=int(rng.choice([2, 16, 300])),
            form=str(rng.choice(forms)),
        )
    )
    if model.link == "exp" or (model.task == "regressor" and model.link == "identity"):
        # So that members count something beside each other, and nothing overflows.
        return _damped(model)
    return model


def _damped(model: TreeEnsemble) -> TreeEnsemble:
    largest = max(max(map(abs, row)) for row in model.leaves) or 1.0
    leaves = tuple(tuple(value / largest for value in row) for row in model.leaves)
    return dataclasses.replace(model, leaves=leaves, base=tuple(b / largest for b in model.base))


# -- the independent reference --------------------------------------------------------------------


def reference(model: AnyModel, samples: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Answers (one row a sample) and, for classifiers, classes: sample by sample, node by node."""
    rows = [_answer(model, sample) for sample in samples]
    width = model.n_columns
    answers = np.array([answer for answer, _ in rows], dtype=np.float64).reshape(len(samples), width)
    return answers, np.array([decided for _, decided in rows], dtype=np.intp)


def _answer(model: AnyModel, x: NDArray[Any]) -> tuple[list[float], int]:
    if isinstance(model, TreeEnsemble):
        return _through_link(model, _scores(model, x))
    given = [_answer(member, x) for member in model.members]
    if model.vote == "mean":
        columns = np.zeros((len(given), model.n_columns))
        for place, (member, (answers, _)) in enumerate(zip(model.members, given, strict=True)):
            where = list(member.classes) if model.is_classifier else list(range(model.n_columns))
            columns[place, where] = answers
        mean = np.average(columns, axis=0, weights=model.weights or None)
        return mean.tolist(), int(mean.argmax())
    # As VotingClassifier does: numpy's own sum of weights, in the order of the members.
    votes = [int(member.classes[decided]) for member, (_, decided) in zip(model.members, given, strict=True)]
    counted = np.bincount(votes, weights=model.weights or None, minlength=len(model.classes)).astype(float)
    total = sum(model.weights) if model.weights else float(len(votes))
    shown = counted if model.vote == "hard" and model.weights else counted / total
    return shown.tolist(), int(counted.argmax())


def _scores(model: TreeEnsemble, x: NDArray[Any]) -> list[float]:
    reached = [model.leaves[~_leaf(model, tree, x)] for tree in model.trees]
    if model.aggregate == "median":
        order = sorted(range(len(reached)), key=lambda i: reached[i][0])
        half, passed = sum(model.weights) / 2, 0.0
        for i in order:
            passed += model.weights[i]
            if passed >= half:
                return [reached[i][0]]
    base = model.base or (0.0,) * model.n_outputs
    columns: list[list[float]] = [[] for _ in base]
    for index, row in enumerate(reached):
        for output, value in zip(
            [model.outputs[index]] if model.outputs else range(len(base)), row, strict=True
        ):
            columns[output].append(value)
    share = len(reached) if model.aggregate == "mean" else 1
    return [b + math.fsum(column) / share for b, column in zip(base, columns, strict=True)]


def _leaf(model: TreeEnsemble, tree: Tree, x: NDArray[Any]) -> int:
    node = tree.root
    while node >= 0:
        value = float(x[tree.feature[node]])
        if math.isnan(value):
            left = bool(tree.missing_left[node])
        elif tree.category_set and tree.category_set[node] >= 0:
            found = model.category_sets[tree.category_set[node]]
            left = (math.isfinite(value) and math.trunc(value) in found.members) != found.inverted
        else:
            left = value <= tree.threshold[node]
        node = tree.left[node] if left else tree.right[node]
    return node


def _through_link(model: TreeEnsemble, scores: list[float]) -> tuple[list[float], int]:
    decided = max(range(len(scores)), key=lambda i: scores[i])
    if model.is_binary:
        decided = int(scores[0] >= model.cut if model.cut_inclusive else scores[0] > model.cut)
    if model.link == "sigmoid":
        scores = [1 / (1 + math.exp(-score)) for score in scores]
    elif model.link == "softmax":
        raised = [math.exp(score - max(scores)) for score in scores]
        scores = [value / sum(raised) for value in raised]
    elif model.link == "exp":
        scores = [math.exp(score) for score in scores]
    if model.is_binary and model.has_probabilities:
        return [1 - scores[0], scores[0]], decided
    return scores, decided
