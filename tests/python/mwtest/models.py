"""Random IR models, and samples that hit their thresholds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt.dtypes import FEATURE_TYPES, FLOAT32_MAX
from milliwatt.ir import CategorySet, Tree, TreeEnsemble, validate

NUMPY = {"float": np.float32, "int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32}
TINY = 2.0**-149  # the smallest float32 above zero
MICRO = float(np.float32(1e-6))
SPECIAL_FLOATS = (
    0.0, -0.0, TINY, -TINY, 2.0**-126, -(2.0**-126), 2.0**-126 - TINY, MICRO, -MICRO, 0.5, -0.5, 1.0, -1.0,
    2.0**24, -(2.0**24), FLOAT32_MAX, -FLOAT32_MAX, math.inf, -math.inf,
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """What a random model looks like; the seed decides the rest.

    Attributes:
        leaves: ``pure`` (votes), ``sixteenths`` (a common denominator), ``any``.
        shape: how trees grow: ``random``, ``left`` or ``right`` chains.
        n_rows: distinct leaf rows to choose from.
        form: how leaves become answers, a key of :data:`FORMS`; ``mean`` is what forests do.
        categories: some splits are on sets of categories.
    """

    seed: int
    dtype: str = "float"
    task: str = "classifier"
    leaves: str = "any"
    shape: str = "random"
    missing: bool = False
    n_features: int = 3
    n_trees: int = 3
    n_splits: int = 10
    n_outputs: int = 3
    n_rows: int = 8
    form: str = "mean"
    categories: bool = False


# Task, aggregate, link, and whether each tree adds to one output: what ensembles but forests do.
FORMS: dict[str, tuple[str, str, str, bool]] = {
    "boosted classes": ("classifier", "sum", "softmax", True),
    "one against the rest": ("classifier", "sum", "sigmoid", True),
    "weighted votes": ("classifier", "sum", "softmax", False),
    "only margins": ("classifier", "sum", "margin", True),
    "binary": ("classifier", "sum", "sigmoid", False),
    "binary margin": ("classifier", "sum", "margin", False),
    "outliers": ("classifier", "mean", "isolation", False),
    "boosted values": ("regressor", "sum", "identity", False),
    "boosted quantiles": ("regressor", "sum", "identity", True),
    "boosted counts": ("regressor", "sum", "exp", False),
    "boosted shares": ("regressor", "sum", "sigmoid", False),
    "median": ("regressor", "median", "identity", False),
}
_SINGLE = ("binary", "binary margin", "outliers", "median")


def specs() -> st.SearchStrategy[Spec]:
    """Specifications that reach every layout of packed tables and every kind of sum."""
    shapes = st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**32 - 1),
            "dtype": st.sampled_from(["float", "float", "int8", "uint8", "int16", "int32"]),
            "task": st.sampled_from(["classifier", "classifier", "regressor"]),
            "leaves": st.sampled_from(["pure", "sixteenths", "any"]),
            "shape": st.sampled_from(["random", "random", "left", "right"]),
            "missing": st.booleans(),
            "n_features": st.sampled_from([1, 2, 7, 64, 65, 130]),
            "n_trees": st.integers(1, 6),
            "n_splits": st.sampled_from([0, 1, 2, 5, 20, 60, 270]),
            "n_outputs": st.integers(1, 20),
            "n_rows": st.sampled_from([1, 2, 15, 16, 17, 255, 256, 257, 512, 513]),
            "form": st.sampled_from(["mean"] * 8 + list(FORMS)),
            "categories": st.sampled_from([False, False, False, True]),
        }
    )
    return shapes.map(lambda given: Spec(**given))


def build(spec: Spec) -> TreeEnsemble:
    """The model of a specification."""
    rng = np.random.default_rng(spec.seed)
    if spec.form != "mean":
        return _build_form(spec, rng)
    leaves = _leaves(spec, rng)
    missing = spec.missing and spec.dtype == "float"
    trees = tuple(_tree(spec, rng, len(leaves), missing) for _ in range(spec.n_trees))
    classifier = spec.task == "classifier"
    return validate(
        TreeEnsemble(
            task=spec.task,
            n_features=spec.n_features,
            trees=trees,
            leaves=leaves,
            classes=tuple(range(spec.n_outputs)) if classifier else (),
            dtype=spec.dtype,
            check_nan=not missing,
            category_sets=_SETS if spec.categories else (),
        )
    )


def _build_form(spec: Spec, rng: np.random.Generator) -> TreeEnsemble:
    """A model whose scores are more than means of leaf rows."""
    task, aggregate, link, in_turn = FORMS[spec.form]
    n = 1 if spec.form in _SINGLE else max(spec.n_outputs, 2) if task == "classifier" else spec.n_outputs
    scale = 1.0 if link != "identity" else 10.0 ** rng.integers(-6, 7)
    rows = rng.normal(size=(spec.n_rows, 1 if in_turn else n)) * scale
    if spec.leaves == "pure":
        rows = np.rint(rows * 4) / 4  # exact in few bits
    if link == "isolation":
        rows = np.abs(rows)
    missing = spec.missing and spec.dtype == "float"
    trees = tuple(_tree(spec, rng, len(rows), missing) for _ in range(spec.n_trees))
    with_base = aggregate == "sum" and (in_turn or rng.random() < 0.5)
    outputs = tuple(int(rng.integers(n)) for _ in trees) if in_turn and rng.random() < 0.3 else ()
    return validate(
        TreeEnsemble(
            task=task,
            n_features=spec.n_features,
            trees=trees,
            leaves=tuple(map(tuple, rows.tolist())),
            classes=() if task == "regressor" else (0, 1) if n == 1 else tuple(range(n)),
            dtype=spec.dtype,
            check_nan=not missing,
            aggregate=aggregate,
            link=link,
            base=tuple((rng.normal(size=n) * scale).tolist()) if with_base else (),
            outputs=outputs or (tuple(i % n for i in range(len(trees))) if in_turn else ()),
            weights=tuple((rng.random(len(trees)) + 0.01).tolist()) if aggregate == "median" else (),
            cut=float(rng.normal()) if link in ("margin", "isolation") and n == 1 else 0.0,
            cut_inclusive=bool(rng.random() < 0.5),
            category_sets=_SETS if spec.categories else (),
        )
    )


_SETS = (
    CategorySet((0, 1, 5)),
    CategorySet((2, 7, 8, 130), inverted=True),
    CategorySet(()),
    CategorySet((), inverted=True),
    CategorySet((65535,)),
)


def _leaves(spec: Spec, rng: np.random.Generator) -> tuple[tuple[float, ...], ...]:
    n = spec.n_outputs
    if spec.task == "regressor":
        if spec.leaves == "pure":  # small integers: exact in 16 bits
            rows = rng.integers(-100, 100, (spec.n_rows, n)).astype(float)
        else:
            rows = rng.normal(size=(spec.n_rows, n)) * 10.0 ** rng.integers(-6, 7, n)
    elif spec.leaves == "pure":
        rows = np.eye(n)
    elif spec.leaves == "sixteenths":
        rows = rng.multinomial(16, np.full(n, 1 / n), spec.n_rows) / 16
    else:
        rows = rng.dirichlet(np.full(n, 0.5), spec.n_rows).clip(0.0, 1.0)
    return tuple(map(tuple, rows.tolist()))


def thresholds(dtype: str, count: int, rng: np.random.Generator) -> list[float]:
    """Thresholds of a type: its extremes, zeros, denormals, infinities, and any other value."""
    kind = FEATURE_TYPES[dtype]
    if kind.is_integer:
        special = [kind.low, kind.low + 1, kind.high, kind.high - 1, 0, 1, max(-1, kind.low)]
        pool = [int(v) for v in rng.integers(kind.low, kind.high + 1, count)]
    else:
        special = list(SPECIAL_FLOATS)
        any_bits = rng.integers(0, 2**32, count, dtype=np.uint32).view(np.float32)
        pool = np.where(np.isnan(any_bits), np.float32(rng.normal()), any_bits).tolist()
    return [special[rng.integers(len(special))] if rng.random() < 0.4 else value for value in pool]


def _tree(spec: Spec, rng: np.random.Generator, n_rows: int, missing: bool) -> Tree:
    n = spec.n_splits
    left, right = [0] * n, [0] * n
    if n:
        # Grow by hanging each new split under an open side of one that is there already.
        open_sides = [(0, 0), (0, 1)]
        for node in range(1, n):
            last = len(open_sides) - 1
            take = {"left": last - 1, "right": last}.get(spec.shape, int(rng.integers(last + 1)))
            parent, side = open_sides.pop(take)
            (right if side else left)[parent] = node
            open_sides += [(node, 0), (node, 1)]
        for parent, side in open_sides:
            (right if side else left)[parent] = ~int(rng.integers(n_rows))
    limits = thresholds(spec.dtype, n, rng)
    sets = [-1] * n
    if spec.categories:
        sets = np.where(rng.random(n) < 0.4, rng.integers(0, len(_SETS), n), -1).tolist()
        limits = [0 if number >= 0 else limit for number, limit in zip(sets, limits, strict=True)]
    return Tree(
        root=0 if n else ~int(rng.integers(n_rows)),
        feature=tuple(rng.integers(0, spec.n_features, n).tolist()),
        threshold=tuple(limits),
        category_set=tuple(sets) if spec.categories else (),
        left=tuple(left),
        right=tuple(right),
        missing_left=tuple((rng.random(n) < 0.5).tolist()) if missing else (),
    )


def samples(model: TreeEnsemble, rows: int, seed: int) -> NDArray[np.generic]:
    """Device features, most of them on a threshold of the model or one step beside it."""
    rng = np.random.default_rng(seed)
    kind = FEATURE_TYPES[model.dtype]
    used = [t for tree in model.trees for t in tree.threshold]
    special: list[float] = []
    if model.category_sets:
        special = [
            value for value in (0, 1, 2, 5, 7, 9, 130, 65535) if not kind.is_integer or value <= kind.high
        ]
        special += [] if kind.is_integer else [-0.5, -1.0, 5.9, 65536.0]
    pool = np.array(used + thresholds(model.dtype, 20, rng) + 3 * special, dtype=np.float64)
    values = pool[rng.integers(len(pool), size=(rows, model.n_features))]
    step = rng.integers(-1, 2, values.shape)
    if kind.is_integer:
        return (values + step).clip(kind.low, kind.high).astype(NUMPY[model.dtype])
    exact = values.astype(np.float32)
    with np.errstate(over="ignore"):
        below, above = (np.nextafter(exact, np.float32(end)) for end in (-np.inf, np.inf))
    near = np.choose(step + 1, [below, exact, above])
    if model.handles_missing:
        gap = rng.random(near.shape) < 0.2
        sign = np.where(rng.random(near.shape) < 0.5, 0x7FC00000, 0xFFC00000).astype(np.uint32)
        near = np.where(gap, sign.view(np.float32), near)
    return near
