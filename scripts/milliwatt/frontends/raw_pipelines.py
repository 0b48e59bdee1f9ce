"""Pipelines that begin with raw samples: ``milliwatt.features`` in front, then what makes labels of features.

The first steps become :class:`Signals`; the others, down to the model, a model of features. Steps of
scikit-learn that can neither become part of the model stay steps of the signals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.pipelines import convert_pipeline
from milliwatt.frontends.vector_steps import split_device_steps, vector_steps
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signal_json import signals_from_json, signals_to_json
from milliwatt.ir.signal_shapes import (
    Stream,
    branch_shape,
    frames_after,
    n_features,
    n_numbers,
    stream_after,
    stride,
    windowed,
)
from milliwatt.ir.signals import Branch, Centre, Goertzel, Signals, Stage

NamedStep = tuple[str, Any]
_RATE_AGREES = 1e-6  # relatively


@dataclasses.dataclass(frozen=True)
class RawPipeline:
    """A pipeline from raw samples, taken apart.

    Attributes:
        signals: what becomes of raw samples; ``steps`` included.
        head: the pipeline's transformers that do that, in order.
        estimator: what takes the features: the last step, or a pipeline of the last steps.
        feature_names: one a feature.
        is_network: the last step is a neural network.
        has_scales: one with integers of its own, which need no calibration data.
        handles_missing: it was trained on missing values.
    """

    signals: Signals
    head: tuple[NamedStep, ...]
    estimator: Any
    feature_names: tuple[str, ...]
    is_network: bool
    has_scales: bool
    handles_missing: bool

    def features(self, samples: Any) -> NDArray[np.float64]:
        """What the pipeline's own transformers make of recordings or windows, shape (windows, features)."""
        for _, step in self.head:
            samples = step.transform(samples)
        return np.asarray(samples, dtype=np.float64)


def begins_with_samples(estimator: Any) -> bool:
    """Whether an estimator is a pipeline with steps out of ``milliwatt.features``."""
    return _is_pipeline(estimator) and any(_is_ours(step) for _, step in _flat(estimator))


def read_raw_pipeline(estimator: Any, *, nan: str = "auto", input_shape: tuple[int, ...] = ()) -> RawPipeline:
    """Take a pipeline apart.

    Args:
        input_shape: of the features, where the last step is a PyTorch module that has to know it.

    Raises:
        UnsupportedModelError: a step that cannot run on the device, or not in that place; it is named.
        MilliwattError: not fitted; rates that contradict each other.
    """
    steps = [(name, step) for name, step in _flat(estimator) if not _passes(step)]
    count = max(index for index, (_, step) in enumerate(steps) if _is_ours(step)) + 1
    head, rest = steps[:count], steps[count:]
    if not rest:
        raise UnsupportedModelError(
            "a pipeline that ends with a transformer is not supported", cure="let it end with the model"
        )
    signals = _checked(_Walk().read(head))
    names = _names(head, n_numbers(signals))
    from milliwatt.frontends import to_ir, with_input_shape  # which know this package's libraries

    transformers, last = rest[:-1], (rest[-1][0], with_input_shape(rest[-1][1], input_shape))
    whole = type(estimator)

    def fold(left: Sequence[NamedStep]) -> AnyModel:
        if not left:  # networks of other libraries do not know what "fitted" is
            return to_ir(last[1], nan=nan)
        return convert_pipeline(whole([*left, last]), "Pipeline", nan=nan)

    on_device, model = split_device_steps(transformers, fold)
    if on_device:
        made, width = vector_steps(transformers[:on_device], n_numbers(signals))
        signals = dataclasses.replace(signals, steps=tuple(made))
        names = names if width == len(names) and _each_for_itself(made) else ()
    left = transformers[on_device:]
    check_width(signals, model, [*left, last][0])
    final = whole([*left, last]) if left else last[1]
    return RawPipeline(
        signals,
        (*head, *transformers[:on_device]),
        final,
        names,
        is_network=isinstance(model, Network),
        has_scales=isinstance(model, Network) and (model.is_integer or model.hints is not None),
        handles_missing=model.handles_missing,
    )


def check_width(signals: Signals, model: AnyModel, step: NamedStep) -> None:
    """Refuse a model that was made for other windows.

    Raises:
        UnsupportedModelError: it takes more or less numbers than windows have, or images of another shape.
    """
    label = f"step {step[0]!r} ({type(step[1]).__name__})"
    if model.n_features != n_features(signals):
        raise UnsupportedModelError(
            f"{label} takes {model.n_features} features, and the steps before it make {n_features(signals)}",
            cure="train it on windows of this length, cut and described by these steps",
        )
    if not isinstance(model, Network) or len(signals.branches) != 1 or signals.steps:
        return
    (branch,) = signals.branches
    if branch.features or branch.chosen or len(model.shapes[0]) == 1:
        return
    stream, frames = branch_shape(branch, windowed(signals), signals.length)
    sides = [side for side in (frames, stream.channels) if side > 1]
    if [side for side in model.shapes[0] if side > 1] != sides:
        shape = " by ".join(map(str, model.shapes[0]))
        raise UnsupportedModelError(
            f"{label} takes images of {shape}, and a window is {frames} frames of {stream.channels} numbers",
            cure="train it on images of that shape: a row is a frame, as Flatten() gives them",
        )


def _checked(signals: Signals) -> Signals:
    """Signals whose numbers are numbers: a saved estimator may hold anything."""
    try:
        found = signals_from_json(signals_to_json(signals), "fit the pipeline again")
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise MilliwattError("a step holds what no step has learnt", cure="fit the pipeline again")
    return found


def _each_for_itself(steps: Sequence[object]) -> bool:
    return all(type(step).__name__ != "Affine" for step in steps)


class _Walk:
    """Goes through a pipeline's first steps and gathers what they are."""

    def __init__(self) -> None:
        self.start: Stream | None = None
        self.stream: Stream | None = None
        self.stages: list[Stage] = []
        self.inner: list[Stage] = []  # of a window, before the branches
        self.window: tuple[int, int] | None = None
        self.frames: int | None = None  # raw ones in a row of windows
        self.left: int | None = None  # of these, after the stages so far
        self.branches: list[Branch] = []
        self.rate = 0.0
        self.passed = 1  # raw frames a frame, by the stages so far

    def read(self, head: Sequence[NamedStep]) -> Signals:
        for name, step in head:
            self._take(name, step, f"step {name!r} ({type(step).__name__})")
        if not self.branches:
            raise UnsupportedModelError(
                "no step makes features of windows", cure="put TimeFeatures() or Flatten() before the model"
            )
        assert self.start is not None
        length, hop = self.window or (1, 1)
        return Signals(
            dtype=self.start.dtype,
            channels=self.start.channels,
            length=length,
            hop=hop,
            branches=tuple(self.branches),
            stages=tuple(self.stages),
            restart=self.frames or 0,
            rate=self.rate,
        )

    def _take(self, name: str, step: Any, label: str) -> None:
        if self.branches:
            raise UnsupportedModelError(
                f"{label} takes samples, and comes after features", cure="put it before them"
            )
        self._begin(step, label)
        if type(step).__name__ == "SlidingWindow":
            self._cut(step, label)
        elif type(step).__name__ == "FeatureUnion":
            self._close(label)
            self.branches = self._union(step, label)
        elif hasattr(step, "to_stage"):
            self._stage(step, label)
        elif hasattr(step, "to_features"):
            self._close(label)
            self.branches = [self._branch([(name, step)], label)]
        else:
            raise _before(label)

    def _begin(self, step: Any, label: str) -> None:
        """The first step knows what samples are."""
        if self.start is not None:
            return
        first = next(filter(_is_ours, _leaves(step)), None)
        if first is None:
            raise _before(label)
        if not hasattr(first, "dtype_"):
            raise MilliwattError(f"{label} is not fitted", cure="call fit() of the pipeline first")
        self.start = self.stream = Stream(str(first.dtype_), int(first.n_channels_))
        if first.n_frames_ is not None:
            self.frames = self.left = int(first.n_frames_)

    def _cut(self, step: Any, label: str) -> None:
        if self.window is not None or self.frames is not None:
            raise UnsupportedModelError(
                f"{label} cuts windows of windows", cure="give recordings to the pipeline: a list of arrays"
            )
        if not hasattr(step, "length_"):
            raise MilliwattError(f"{label} is not fitted", cure="call fit() of the pipeline first")
        self._check_rate(step, label)
        self.window = (int(step.length_), int(step.hop_))

    def _stage(self, step: Any, label: str) -> None:
        assert self.stream is not None
        stage = step.to_stage(self.stream.dtype, self.stream.channels)
        self._check_rate(step, label)
        if self.window is None and not isinstance(stage, Centre | Goertzel):
            self.stages.append(stage)
            self.left = None if self.left is None else frames_after(stage, self.left)
            if self.left == 0:
                raise UnsupportedModelError(
                    f"{label} makes nothing of windows of {self.frames} samples", cure="use longer windows"
                )
        else:
            self._close(label)
            self.inner.append(stage)
        self.stream = stream_after(stage, self.stream)
        self.passed *= stride(stage)

    def _close(self, label: str) -> None:
        """From here on there are windows."""
        if self.window is not None:
            return
        if self.left is None:
            raise UnsupportedModelError(
                f"{label} takes windows, and gets recordings", cure="put SlidingWindow(length, hop) before it"
            )
        self.window = (self.left, self.left)

    def _check_rate(self, step: Any, label: str) -> None:
        """Steps that speak of hertz agree on what a raw sample's rate is."""
        rate = getattr(step, "rate", None)
        if not rate:
            return
        raw = float(rate) * self.passed
        if self.rate and abs(raw - self.rate) > _RATE_AGREES * self.rate:
            raise UnsupportedModelError(
                f"{label} is for {rate:g} Hz, and gets {self.rate / self.passed:g} Hz by the steps before it",
                cure="give all steps the rate that they see: decimation and hops divide it",
            )
        self.rate = raw

    def _union(self, union: Any, label: str) -> list[Branch]:
        if any(weight != 1.0 for weight in (union.transformer_weights or {}).values()):
            raise UnsupportedModelError(
                f"{label} has transformer_weights", cure="leave them out: models need none"
            )
        made = []
        for name, part in union.transformer_list:
            if isinstance(part, str) and part == "drop":
                continue
            made.append(self._branch(_flat_of(name, part), f"{label}, {name!r}"))
        return made

    def _branch(self, steps: Sequence[NamedStep], label: str) -> Branch:
        """Stages on a window, and what makes numbers of it."""
        stages: list[Stage] = list(self.inner)
        assert self.stream is not None
        assert self.window is not None
        last: Any
        name, last = steps[-1] if steps else ("passthrough", None)
        if not hasattr(last, "to_features"):
            raise UnsupportedModelError(
                f"{label}: {name!r} ({type(last).__name__}) makes no features",
                cure="end with TimeFeatures() or Flatten(), and put what takes features behind the union",
            )
        stream, passed = self.stream, self.passed
        for name, step in steps[:-1]:
            if not hasattr(step, "to_stage"):
                raise UnsupportedModelError(
                    f"{label}: {name!r} ({type(step).__name__}) cannot run on the samples of a window",
                    cure="use transformers out of milliwatt.features, and end with TimeFeatures or Flatten",
                )
            self._check_rate(step, f"{label}: {name!r}")
            stages.append(step.to_stage(stream.dtype, stream.channels))
            stream, self.passed = stream_after(stages[-1], stream), self.passed * stride(stages[-1])
        self.passed = passed
        made = Branch(tuple(stages), tuple(last.to_features(stream.dtype, stream.channels)))
        if branch_shape(made, self.stream, self.window[0])[1] < 1:
            raise UnsupportedModelError(
                f"{label} makes nothing of windows of {self.window[0]} frames", cure="use longer windows"
            )
        return made


def _before(label: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{label} before steps on samples is not supported",
        cure="put it behind the features, or use a transformer out of milliwatt.features",
    )


def _leaves(step: Any) -> Iterator[Any]:
    """The transformers of a union and of pipelines in it, those left out that do nothing; or the one step."""
    for name, part in getattr(step, "transformer_list", [("", step)]):
        for _, found in _flat_of(name, part):
            if hasattr(found, "transformer_list"):
                yield from _leaves(found)
            elif not isinstance(found, str) and found is not None:
                yield found


def _flat_of(name: str, step: Any) -> list[NamedStep]:
    """The steps of a pipeline, those of pipelines in it included; or the one step."""
    if not _is_pipeline(step):
        return [(name, step)]
    return [found for inner, part in step.steps for found in _flat_of(str(inner), part) if not _passes(part)]


def _flat(estimator: Any) -> list[NamedStep]:
    return _flat_of("", estimator)


def _is_pipeline(step: Any) -> bool:
    return any(cls.__name__ == "Pipeline" for cls in type(step).__mro__) and hasattr(step, "steps")


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _is_ours(step: Any) -> bool:
    """A transformer out of ``milliwatt.features``, or a union with one in it."""
    if hasattr(step, "transformer_list"):
        return any(
            _is_ours(found) for name, part in step.transformer_list for _, found in _flat_of(name, part)
        )
    return type(step).__module__.split(".")[:2] == ["milliwatt", "features"]


def _names(head: Sequence[NamedStep], width: int) -> tuple[str, ...]:
    """The features' names: each step names what it makes of the channels or features before it."""
    names = None
    try:
        for _, step in head:
            names = step.get_feature_names_out(names)
    except (ValueError, LookupError):  # a union refuses two of one name; a file may hold anything
        return ()
    found = tuple(map(str, () if names is None else names))
    return found if len(found) == width else ()
