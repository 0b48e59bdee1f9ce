"""Random IR models, and samples that hit their thresholds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt.dtypes import FEATURE_TYPES, FLOAT32_MAX
from milliwatt.ir import Tree, TreeEnsemble, validate

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
        }
    )
    return shapes.map(lambda given: Spec(**given))


def build(spec: Spec) -> TreeEnsemble:
    """The model of a specification."""
    rng = np.random.default_rng(spec.seed)
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
        )
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
    return Tree(
        root=0 if n else ~int(rng.integers(n_rows)),
        feature=tuple(rng.integers(0, spec.n_features, n).tolist()),
        threshold=tuple(thresholds(spec.dtype, n, rng)),
        left=tuple(left),
        right=tuple(right),
        missing_left=tuple((rng.random(n) < 0.5).tolist()) if missing else (),
    )


def samples(model: TreeEnsemble, rows: int, seed: int) -> NDArray[np.generic]:
    """Device features, most of them on a threshold of the model or one step beside it."""
    rng = np.random.default_rng(seed)
    kind = FEATURE_TYPES[model.dtype]
    used = [t for tree in model.trees for t in tree.threshold]
    pool = np.array(used + thresholds(model.dtype, 20, rng), dtype=np.float64)
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
