"""What generated code says of itself in comments: stages, channels, features and their units."""

from __future__ import annotations

from collections.abc import Iterator

from milliwatt.ir.signal_shapes import Stream, streams, windowed
from milliwatt.ir.signals import (
    INT16,
    Branch,
    Centre,
    Choose,
    Emphasis,
    Fir,
    Goertzel,
    Iir,
    Length,
    RemoveDc,
    Signals,
    Spectrum,
    Stage,
    TimeFeature,
    ToFloat,
)
from milliwatt.ir.time_features import TIME_FEATURES
from milliwatt.ir.validate import KEYWORDS

_AXES = ("x", "y", "z")


# What parameters and variables of generated code are called, and what compilers define, besides keywords.
_TAKEN = frozenset(
    (KEYWORDS + " state frame not and or xor compl bitand bitor explicit export linux unix").split()
)
_TAKEN_ENDS = ("_t", "_take", "_reset")  # types, and functions that a push calls


def channel_names(signals: Signals) -> tuple[str, ...]:
    """Names of raw channels that C can use: where one cannot, with an underscore more.

    Capitals become small letters, as headers have macros of capitals: ``ADC`` on AVR, ``B1`` in Arduino.h.
    """
    if signals.channel_names:
        names: list[str] = []
        for name in signals.channel_names:
            usable = name.lower() if name.isupper() else name
            while usable in _TAKEN or usable in names or usable.endswith(_TAKEN_ENDS):
                usable += "_"
            names.append(usable)
        return tuple(names)
    if signals.channels in (1, 3):
        return _AXES[: signals.channels]
    return tuple(f"x{index}" for index in range(signals.channels))


def stage_words(stage: Stage) -> str:
    """What a stage does, without its coefficients."""
    match stage:
        case Iir():
            return f"{len(stage.sections)} second-order section{'s'[: len(stage.sections) > 1]}"
        case Fir():
            every = (
                f", of which every {_ordinal(stage.decimation)} frame stays" if stage.decimation > 1 else ""
            )
            return f"a filter of {len(stage.taps)} taps{every}"
        case Length():
            more = ", as one more channel" if stage.keep else ""
            return f"the length of the vector of channels {_listed(stage.channels)}{more}"
        case Choose():
            return f"channels {_listed(stage.channels)}"
        case ToFloat():
            return "floats" + (f", times {stage.scale:g}" if stage.scale != 1.0 else "")
        case Emphasis():
            return "pre-emphasis"
        case RemoveDc():
            return "the constant part taken off"
        case Centre():
            return "the window's mean taken off"
        case Spectrum():
            kind = {"none": "shape"}.get(stage.values, stage.values)
            return (
                f"spectra of {stage.length} frames, {stage.hop} apart, transformed by {stage.n_fft}: {kind}"
            )
        case Goertzel():
            count = len(stage.frequencies)
            return f"the amplitude at {count} frequenc{'ies' if count > 1 else 'y'}"


def _ordinal(number: int) -> str:
    tail = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{tail}"


def _listed(numbers: tuple[int, ...]) -> str:
    if len(numbers) > 8:
        return ", ".join(map(str, numbers[:8])) + ", ..."
    return ", ".join(map(str, numbers))


def unit_words(feature: TimeFeature, dtype: str) -> str:
    """The unit of a feature, where there is something to say."""
    known = TIME_FEATURES[feature.name]
    if dtype != INT16:
        return {"rad": "radians"}.get(known.unit, "")
    if known.unit == "rad":
        return "in pi/32768"
    return f"in 1/{known.scale:g}" if known.scale != 1 else ""


def number_words(signals: Signals) -> list[str] | None:
    """What each feature is; None where there are too many, or steps change them, or they are samples."""
    if signals.steps:
        return None
    before = windowed(signals)
    names: list[str] = []
    for branch in signals.branches:
        if not branch.features:
            return None
        names += _branch_words(signals, branch, before)
    names = [names[index] for index in signals.chosen] if signals.chosen else names
    return names if len(names) <= 256 else None


def _branch_words(signals: Signals, branch: Branch, before: Stream) -> Iterator[str]:
    stream = streams(branch.stages, before)[-1]
    stages = (*signals.stages, *branch.stages)
    known = channel_names(signals) if not any(map(_renames, stages)) else None
    for feature in branch.features:
        of = ", ".join(known[c] if known else f"channel {c}" for c in feature.channels)
        argument = f" {feature.argument:g}" if TIME_FEATURES[feature.name].argument else ""
        unit = unit_words(feature, stream.dtype)
        yield f"{feature.name}{argument} of {of}{f', {unit}' if unit else ''}"


def _renames(stage: Stage) -> bool:
    """Whether channels after a stage are others than those before it."""
    return isinstance(stage, Length | Choose | Spectrum | Goertzel)
