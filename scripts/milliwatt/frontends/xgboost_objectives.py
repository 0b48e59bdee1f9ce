"""What XGBoost's objectives do with scores: from ``base_score`` to a score, and from scores to answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.model import EXP, IDENTITY, MARGIN, SIGMOID, SOFTMAX


@dataclass(frozen=True)
class Objective:
    """One of XGBoost's objectives.

    Attributes:
        link: from scores to probabilities or values, as in the IR.
        as_value: the link where a regressor is made of it; ``""``: it has no values.
        base: how ``base_score`` becomes a score: ``identity``, ``logit`` or ``log``.
        classifies: a booster with it is a classifier.
    """

    link: str
    as_value: str
    base: str = "identity"
    classifies: bool = False


# Version 3.2 keeps probabilities this far from 0 and 1 before it takes their log-odds.
_EDGE = np.float32(1e-6)
_VALUE = Objective(IDENTITY, IDENTITY)
_POSITIVE = Objective(EXP, EXP, "log")
OBJECTIVES: dict[str, Objective] = {
    "binary:logistic": Objective(SIGMOID, SIGMOID, "logit", classifies=True),
    "binary:logitraw": Objective(MARGIN, IDENTITY, classifies=True),
    "binary:hinge": Objective(MARGIN, "", classifies=True),
    "multi:softmax": Objective(SOFTMAX, "", classifies=True),
    "multi:softprob": Objective(SOFTMAX, "", classifies=True),
    "reg:logistic": Objective(SIGMOID, SIGMOID, "logit"),
    "reg:squarederror": _VALUE,
    "reg:linear": _VALUE,  # its name until version 1
    "reg:squaredlogerror": _VALUE,
    "reg:pseudohubererror": _VALUE,
    "reg:absoluteerror": _VALUE,
    "reg:quantileerror": _VALUE,
    "rank:pairwise": _VALUE,
    "rank:ndcg": _VALUE,
    "rank:map": _VALUE,
    "reg:gamma": _POSITIVE,
    "reg:tweedie": _POSITIVE,
    "count:poisson": _POSITIVE,
    "survival:cox": _POSITIVE,
    "survival:aft": _POSITIVE,
}


def objective_of(name: str) -> Objective:
    """The objective of that name, or an error that lists those that are supported."""
    if name not in OBJECTIVES:
        raise UnsupportedModelError(
            f"objective {name!r} is not supported", cure="train with one of " + ", ".join(OBJECTIVES)
        )
    return OBJECTIVES[name]


def base_margin(
    objective: Objective, base_score: NDArray[np.float32], *, bounded: bool
) -> NDArray[np.float64]:
    """The scores that ``base_score`` stands for, in float32 as XGBoost computes them.

    Args:
        bounded: as version 3.2 does, which keeps probabilities away from 0 and 1.
    """
    one = np.float32(1.0)
    with np.errstate(all="ignore"):
        if objective.base == "logit":
            inside = np.clip(base_score, _EDGE, one - _EDGE) if bounded else base_score
            margin = -np.log(one / inside - one)
        elif objective.base == "log":
            margin = np.log(base_score)
        else:
            margin = base_score
    if not np.isfinite(margin).all():
        raise UnsupportedModelError(
            f"base_score {base_score[~np.isfinite(margin)][0]} gives a score that is not finite",
            option="base_score",
            cure="train on targets that are not all the same, or set base_score",
        )
    scores: NDArray[np.float64] = margin.astype(np.float64)
    return scores
