"""The members of scikit-learn's ensembles of ensembles, as IR models that fit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.ir import Network, TreeModel


def member_models(members: Sequence[Any], kind: str, *, nan: str, own_only: bool = False) -> list[TreeModel]:
    """Each member as an IR model; all of them follow missing values, or none.

    Args:
        kind: the ensemble's class, for messages.
        own_only: scikit-learn's own estimators only.

    Raises:
        UnsupportedModelError: a member is not one of the estimators that are converted.
    """
    models = [_convert(member, kind, nan, own_only) for member in members]
    if nan != "auto" or not any(model.handles_missing for model in models):
        return models
    try:
        return [_convert(member, kind, "follow", own_only) for member in members]
    except MilliwattError as error:
        if error.option != "nan":
            raise
        # One of them refuses missing values, and so does the whole.
        return [_convert(member, kind, "refuse", own_only) for member in members]


def merged_splitter(models: Sequence[TreeModel]) -> str:
    """ "best" when all splits of all members lie between two samples."""
    return "best" if all(model.origin.get("splitter") == "best" for model in models) else "random"


def _convert(member: Any, kind: str, nan: str, own_only: bool) -> TreeModel:
    from milliwatt.frontends import MEMBERS, TREES, to_ir  # which lists the caller of this module

    names = {cls.__name__ for cls in type(member).__mro__}
    if not names & set(TREES if own_only else MEMBERS):
        raise UnsupportedModelError(
            f"{kind} over {type(member).__name__} is not supported",
            option="estimator",
            cure="train it over trees: DecisionTree, ExtraTree, "
            + ("RandomForest or ExtraTrees" if own_only else "forests, or boosted or bagged trees"),
        )
    model = to_ir(member, nan=nan)
    assert not isinstance(model, Network)  # none of these names
    return model
