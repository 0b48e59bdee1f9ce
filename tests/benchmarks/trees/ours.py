"""Milliwatt's candidates, and their C."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from candidate import Candidate, NotSupportedError, Sources
from forests import Forest
from rows import MILLIWATT

import milliwatt
from milliwatt import ir
from milliwatt.errors import UnsupportedModelError
from milliwatt.options import METHODS

SKELETON = "predict_milliwatt.c"
WALK_SKELETON = "predict_milliwatt_proba.c"
# Settings of leaf_bits beside the default, for mixed leaves and for boosted ones.
_MIXED = ("exact", "8", "0")
_BOOSTED = ("16",)


def candidates(forest: Forest) -> Iterator[Candidate]:
    """All shapes of code and both feature types; where leaves are not pure, other leaves too."""
    others = _BOOSTED if forest.is_boosted else () if forest.is_pure else _MIXED
    for dtype in ("int16", "float"):
        for leaf_bits in ("", *(others if _has_leaf_bits() else ())):
            votes = {"": "default", "exact": "exact", "0": "hard"}.get(leaf_bits, f"{leaf_bits} bit")
            for method in METHODS:
                yield Candidate(MILLIWATT, method, dtype, votes, SKELETON, leaf_bits)


def walk(dtype: str) -> Candidate:
    """The packed table walked to the end of every tree, for :mod:`walk`."""
    return Candidate(MILLIWATT, "loadable", dtype, "default", WALK_SKELETON)


def convert(forest: Forest, candidate: Candidate) -> milliwatt.Model:
    """With the defaults, what was learnt from as calibration data, and the candidate's leaves.

    Raises:
        NotSupportedError: Milliwatt does not take such an estimator.
    """
    fitted = candidate.fitted(forest)
    options: dict[str, Any] = {"leaf_bits": candidate.leaf_bits} if candidate.leaf_bits else {}
    try:
        return milliwatt.convert(
            fitted.estimator,
            name="model",
            method=candidate.method,
            dtype=candidate.dtype,
            calibration=fitted.learn,
            **options,
        )
    except UnsupportedModelError as error:
        raise NotSupportedError(str(error)) from None


def export(forest: Forest, candidate: Candidate, directory: Path) -> Sources:
    """Header and source of the candidate."""
    model = convert(forest, candidate)
    model.save(file=directory / "model.c")
    return Sources([directory / "model.c"], [directory], leaves(model.ir))


def leaves(model: ir.TreeEnsemble) -> str:
    """What the leaves became: ``exact``, so many bits, or ``hard`` votes."""
    trade = getattr(model.calibration, "leaves", None)
    bits = getattr(trade, "leaf_bits", None)
    return {None: "exact", 0: "hard"}.get(bits, f"{bits} bit")


def _has_leaf_bits() -> bool:
    """Whether this Milliwatt has the option."""
    return "leaf_bits" in inspect.signature(milliwatt.convert).parameters
