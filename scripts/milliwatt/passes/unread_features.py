"""Features that the model never reads are not computed: they are taken out of model and signals.

No answer changes. What is left out goes all the way back: a time feature, a band of a spectrum, a channel of
the stream with its place in the window's memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from milliwatt.ir import AnyModel, Calibration, Committee, Network, TreeEnsemble
from milliwatt.ir import signals as nodes
from milliwatt.ir.model import Tree, used_features
from milliwatt.ir.network import Dense
from milliwatt.ir.network_array import Array
from milliwatt.ir.network_integers import InputMap, IntDense
from milliwatt.ir.signal_shapes import Stream, branch_shape, branch_width, streams, windowed
from milliwatt.ir.signals import Affine, Branch, Choose, ScaleEach, Signals, Spectrum, VectorStep

M = TypeVar("M", bound=AnyModel)
T = TypeVar("T")
# Stages that compute each channel by itself, and give as many.
_CHANNELWISE = (nodes.Iir, nodes.Fir, nodes.ToFloat, nodes.Emphasis, nodes.RemoveDc, nodes.Centre)


def drop_unread(model: M) -> M:
    """The model, of signals, without features that it does not read."""
    if model.signals is None:
        return model
    kept = _read_by(model) or [0]  # a model that reads nothing takes one feature all the same
    if len(kept) < model.n_features:
        model = _renumbered(model, kept)
        assert model.signals is not None
        model = dataclasses.replace(model, signals=_keep(model.signals, kept))
    assert model.signals is not None
    return dataclasses.replace(model, signals=_only_read_channels(model.signals))


def _read_by(model: AnyModel) -> list[int]:
    """The features that decide about answers, ascending."""
    if not isinstance(model, Network):
        return used_features(model.trees)
    first = model.layers[0]
    alone = not any(0 in layer.inputs for layer in model.layers[1:])
    if not isinstance(first, Dense | IntDense) or not alone:
        return list(range(model.n_features))
    return [i for i, row in enumerate(_rows(first.weights)) if any(row)]


def _rows(weights: Array) -> Iterable[Sequence[float]]:
    numbers, width = weights.numbers(), weights.shape[1]
    return (numbers[i * width : (i + 1) * width] for i in range(weights.shape[0]))


# -- models ------------------------------------------------------------------------------------


def _renumbered(model: M, kept: Sequence[int]) -> M:
    """The model on the features ``kept``, none of the others of which it reads."""
    common = {
        "n_features": len(kept),
        "feature_names": _some(model.feature_names, kept),
        "scale": _some(model.scale, kept),
        "calibration": _calibration(model.calibration, kept),
    }
    place = {feature: index for index, feature in enumerate(kept)}
    if isinstance(model, TreeEnsemble):
        trees = tuple(_tree(tree, place) for tree in model.trees)
        return dataclasses.replace(model, trees=trees, **common)  # type: ignore[arg-type]
    if isinstance(model, Committee):
        members = tuple(_renumbered(member, kept) for member in model.members)
        return dataclasses.replace(model, members=members, **common)  # type: ignore[arg-type]
    return _renumbered_network(model, kept, common)  # type: ignore[return-value]


def _some(values: tuple[T, ...], kept: Sequence[int]) -> tuple[T, ...]:
    """Those of the features that are kept; nothing, or one for all, stays."""
    return tuple(values[index] for index in kept) if len(values) > 1 else values


def _calibration(found: Calibration | None, kept: Sequence[int]) -> Calibration | None:
    if found is None or not found.low:
        return found
    return dataclasses.replace(
        found, low=tuple(found.low[i] for i in kept), high=tuple(found.high[i] for i in kept)
    )


def _tree(tree: Tree, place: dict[int, int]) -> Tree:
    return dataclasses.replace(tree, feature=tuple(place[feature] for feature in tree.feature))


def _renumbered_network(model: Network, kept: Sequence[int], common: dict[str, object]) -> Network:
    first = model.layers[0]
    assert isinstance(first, Dense | IntDense)
    rows = list(_rows(first.weights))
    size = len(first.weights.data) // first.weights.shape[0]
    data = b"".join(first.weights.data[i * size : (i + 1) * size] for i in kept)
    weights = dataclasses.replace(first.weights, shape=(len(kept), len(rows[0])), data=data)
    begin = dataclasses.replace(first, weights=weights)
    return dataclasses.replace(
        model,
        layers=(begin, *model.layers[1:]),
        input_shape=(len(kept),),
        input_map=_input_map(model.input_map, kept),
        **common,  # type: ignore[arg-type]
    )


def _input_map(found: InputMap | None, kept: Sequence[int]) -> InputMap | None:
    if found is None:
        return None
    return dataclasses.replace(
        found,
        unit=_some(found.unit, kept),
        zero=_some(found.zero, kept),
        scale=_some(found.scale, kept),
        offset=_some(found.offset, kept),
    )


# -- signals -----------------------------------------------------------------------------------


def _keep(signals: Signals, kept: Sequence[int]) -> Signals:
    """Signals that make those features only."""
    if signals.chosen:
        return dataclasses.replace(signals, chosen=tuple(signals.chosen[i] for i in kept))
    if any(isinstance(step, nodes.Normalize) for step in signals.steps):
        return dataclasses.replace(signals, chosen=tuple(kept))  # a norm is of all
    steps: list[VectorStep] = []
    for step in reversed(signals.steps):
        step, kept = _keep_of_step(step, kept)
        steps.insert(0, step)
    return dataclasses.replace(signals, steps=tuple(steps), branches=_keep_of_branches(signals, kept))


def _keep_of_step(step: VectorStep, kept: Sequence[int]) -> tuple[VectorStep, Sequence[int]]:
    """The step that makes those numbers only, and what it reads."""
    if isinstance(step, ScaleEach):
        centre, scale = (tuple(values[i] for i in kept) for values in (step.centre, step.scale))
        return ScaleEach(centre, scale), kept
    if isinstance(step, Affine):
        columns = np.array(step.weights)[:, list(kept)]
        read = np.flatnonzero(columns.any(axis=1)).tolist() or [0]
        rows = tuple(tuple(row) for row in columns[read].tolist())
        return Affine(rows, tuple(step.offset[i] for i in kept)), read
    return step, kept


def _keep_of_branches(signals: Signals, kept: Sequence[int]) -> tuple[Branch, ...]:
    before, made, start = windowed(signals), [], 0
    for branch in signals.branches:
        width = branch_width(branch, before, signals.length)
        mine = [index - start for index in kept if start <= index < start + width]
        start += width
        if mine:
            made.append(_keep_of_branch(branch, mine, width, before, signals.length))
    return tuple(made)


def _keep_of_branch(branch: Branch, mine: list[int], width: int, before: Stream, frames: int) -> Branch:
    if branch.features:
        return dataclasses.replace(branch, features=tuple(branch.features[i] for i in mine))
    chosen = [branch.chosen[i] for i in mine] if branch.chosen else mine
    if len(mine) == width:
        return branch
    if branch.stages and isinstance(branch.stages[-1], Spectrum):
        earlier, last = branch.stages[:-1], branch.stages[-1]
        stream, left = branch_shape(Branch(earlier), before, frames)
        if stream.channels == 1 and branch_shape(branch, before, frames)[1] == 1 and left >= 1:
            # A single spectrum: its other values need not be made.
            return dataclasses.replace(branch, stages=(*earlier, _of_spectrum(last, chosen)), chosen=())
    return dataclasses.replace(branch, chosen=tuple(chosen))


def _of_spectrum(spectrum: Spectrum, indices: Sequence[int]) -> Spectrum:
    chosen = [spectrum.chosen[i] for i in indices] if spectrum.chosen else list(indices)
    return dataclasses.replace(spectrum, chosen=tuple(chosen))


def _only_read_channels(signals: Signals) -> Signals:
    """Signals whose windows hold no channel that no branch reads."""
    if not all(isinstance(stage, _CHANNELWISE) for branch in signals.branches for stage in branch.stages):
        return signals
    count = windowed(signals).channels
    read = sorted(set().union(*(_channels_of(branch, count) for branch in signals.branches)))
    if len(read) == count:
        return signals
    place = {channel: index for index, channel in enumerate(read)}
    branches = tuple(_on_channels(branch, place, count) for branch in signals.branches)
    return dataclasses.replace(signals, branches=branches, stages=_choosing(signals, read))


def _channels_of(branch: Branch, count: int) -> set[int]:
    if branch.features:
        return {channel for feature in branch.features for channel in feature.channels}
    return {index % count for index in branch.chosen} if branch.chosen else set(range(count))


def _on_channels(branch: Branch, place: dict[int, int], count: int) -> Branch:
    features = tuple(
        dataclasses.replace(feature, channels=tuple(place[channel] for channel in feature.channels))
        for feature in branch.features
    )
    moved = tuple(index // count * len(place) + place[index % count] for index in branch.chosen)
    return dataclasses.replace(branch, features=features, chosen=moved)


def _choosing(signals: Signals, read: list[int]) -> tuple[nodes.Stage, ...]:
    """Stages that make those channels only, of which a choice comes as early as it can."""
    stages = list(signals.stages)
    flows = streams(stages, Stream(signals.dtype, signals.channels))
    if stages and isinstance(stages[-1], Spectrum) and flows[-2].channels == 1:
        return (*stages[:-1], _of_spectrum(stages[-1], read))
    at = len(stages)
    while at > 0 and isinstance(stages[at - 1], _CHANNELWISE):
        at -= 1
    return (*stages[:at], Choose(tuple(read)), *stages[at:])
