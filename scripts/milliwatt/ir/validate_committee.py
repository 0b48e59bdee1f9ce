"""Checks that a committee is well formed, members included."""

from __future__ import annotations

import math
from typing import TypeVar

from milliwatt.dtypes import FLOAT32_MAX
from milliwatt.errors import ModelFileError
from milliwatt.ir.committee import VOTES, AnyModel, Committee, ensembles
from milliwatt.ir.model import MEAN, TreeEnsemble
from milliwatt.ir.network import Network
from milliwatt.ir.validate import (
    check_calibration,
    check_classes,
    check_counts,
    check_name,
    fail,
    validate,
)  # fmt: skip
from milliwatt.ir.validate_network import validate_network
from milliwatt.ir.validate_signals import check_signals

MAX_MEMBERS = 1000
MAX_DEPTH = 8  # committees within committees


M = TypeVar("M", bound=AnyModel)


def validate_model(model: M) -> M:
    """The model itself if it is well formed, whatever kind it is, else :class:`ModelFileError`."""
    if isinstance(model, TreeEnsemble):
        validate(model)
    elif isinstance(model, Network):
        validate_network(model)
    else:
        validate_committee(model)
    if model.signals is not None:
        check_signals(model.signals, model.n_features, model.dtype)
    return model


def validate_committee(model: Committee) -> Committee:
    """The committee itself if it is well formed, else :class:`ModelFileError`.

    Beside what is asked of every model: members of the same task, features and feature type, classes
    that are the committee's, weights that can be added up, and one way to treat missing values.
    """
    _check(model, 1)
    if model.handles_missing and not all(e.handles_missing or not e.n_splits for e in ensembles(model)):
        raise fail("some members know missing values and others do not", "members")
    return model


def _check(model: Committee, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise fail(f"committees within committees, more than {MAX_DEPTH} levels deep", "members")
    if not 1 <= len(model.members) <= MAX_MEMBERS:
        raise fail(f"{len(model.members)} members; 1 to {MAX_MEMBERS} are possible", "members")
    check_name(model.name)
    check_counts(model)
    check_classes(model)
    _check_votes(model)
    for index, member in enumerate(model.members):
        try:
            if isinstance(member, TreeEnsemble):
                validate(member)
            elif isinstance(member, Network):
                raise fail("a network cannot be a member")
            else:
                _check(member, depth + 1)
            _check_member(model, member)
        except ModelFileError as error:
            raise error.inside(f"members[{index}]") from None
    check_calibration(model)


def _check_votes(model: Committee) -> None:
    if model.vote not in VOTES:
        raise fail(f"unknown vote {model.vote!r}", "vote")
    if not model.is_classifier and model.vote != MEAN:
        raise fail("a regressor cannot vote", "vote")
    weights = model.weights
    if weights and len(weights) != len(model.members):
        raise fail(f"{len(weights)} weights for {len(model.members)} members", "weights")
    if not all(0.0 < weight <= FLOAT32_MAX for weight in weights) or sum(weights) > FLOAT32_MAX:
        raise fail("a weight is not > 0, or they are too large", "weights")
    if not 0.0 <= model.noise < math.inf:
        raise fail("not a number >= 0", "noise")


def _check_member(model: Committee, member: AnyModel) -> None:
    if (member.task, member.n_features, member.dtype) != (model.task, model.n_features, model.dtype):
        raise fail("it differs from the whole in task, features or feature type")
    if member.scale or member.calibration is not None or member.signals is not None:
        raise fail("a scale, calibration or signals, which are the whole's")
    if model.is_classifier:
        known = member.classes
        if not all(type(index) is int and 0 <= index < len(model.classes) for index in known):
            raise fail("its classes are not indices of the committee's", "classes")
        if model.vote == MEAN and not member.has_probabilities:
            raise fail("it has no probabilities that could be averaged")
    elif member.n_outputs != model.n_outputs:
        raise fail(f"it has {member.n_outputs} outputs, not {model.n_outputs}")
