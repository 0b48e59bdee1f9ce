"""The features of a window's samples by name: how many channels each compares, and what it takes.

``signal_features`` has the C that computes them, `<milliwatt/time_features.h>` the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.ir.signals import INT16, TimeFeature


@dataclass(frozen=True, slots=True)
class Known:
    """What can be asked of a feature.

    Attributes:
        unit: of FLOAT streams: ``x`` samples' unit, ``x²`` its square, ``x²n`` that times the number of
            samples, ``n`` a count, ``1`` no unit, ``rad`` radians.
        scale: by how much results of INT16 streams, which are integers, are multiplied: 256, 32768, or 1 for
            counts and sums; 0: there is none for INT16.
        channels: how many it takes.
        argument: what the argument is, and its range; empty: there is none.
        instead: of what there is none for INT16: the feature that serves.
        least: samples that it needs.
    """

    unit: str
    scale: float
    channels: int = 1
    argument: str = ""
    instead: str = ""
    least: int = 1


LEVEL, THRESHOLD, PER_MILLE = ARGUMENTS = ("level", "threshold", "per mille")
TIME_FEATURES: dict[str, Known] = {
    "mean": Known("x", 256),
    "rms": Known("x", 256),
    "energy": Known("x²n", 0, instead="rms"),
    "variance": Known("x²", 0, instead="std"),
    "std": Known("x", 256),
    "skewness": Known("1", 256),
    "kurtosis": Known("1", 256),
    "min": Known("x", 1),
    "max": Known("x", 1),
    "peak_to_peak": Known("x", 1),
    "abs_mean": Known("x", 256),
    "zero_crossings": Known("n", 1),
    "mean_crossings": Known("n", 1),
    "crossings": Known("n", 1, argument=LEVEL),
    "slope_changes": Known("n", 1, argument=THRESHOLD),
    "waveform_length": Known("x", 1, least=2),
    "jerk": Known("x", 256, least=2),
    "jerk_rms": Known("x", 256, least=2),
    "median": Known("x", 256),
    "percentile": Known("x", 256, argument=PER_MILLE),
    "iqr": Known("x", 256),
    "correlation": Known("1", 32768, channels=2),
    "covariance": Known("x²", 0, channels=2, instead="correlation"),
    "magnitude_area": Known("x", 256, channels=3),
    "roll": Known("rad", 32768, channels=3),
    "pitch": Known("rad", 32768, channels=3),
}
_LONGEST = {"waveform_length": 32_768}  # sums of differences of 16 bits have to stay within 32


def problem_with(feature: TimeFeature, dtype: str, channels: int, frames: int) -> str:
    """What stands against a feature of windows of ``frames`` frames; empty: nothing.

    Args:
        dtype: of the samples.
        channels: that there are.
    """
    known = TIME_FEATURES.get(feature.name)
    if known is None:
        return f"there is no feature {feature.name!r}; there are {', '.join(TIME_FEATURES)}"
    if len(feature.channels) != known.channels or len(set(feature.channels)) != known.channels:
        return f"{feature.name} takes {known.channels} channel{'s' if known.channels > 1 else ''}"
    if any(not 0 <= channel < channels for channel in feature.channels):
        return f"{feature.name} of a channel that there is not: there are {channels}"
    if frames < known.least:
        return f"{feature.name} takes {known.least} samples or more"
    if dtype == INT16 and not known.scale:
        return f"there is no {feature.name} of samples of 16 bits; take {known.instead}"
    if dtype == INT16 and frames > _LONGEST.get(feature.name, frames):
        return f"{feature.name} of samples of 16 bits takes up to {_LONGEST[feature.name]} of them"
    return _problem_with_argument(feature.name, known.argument, feature.argument, dtype)


def _problem_with_argument(name: str, kind: str, argument: float, dtype: str) -> str:
    if not kind:
        return "" if argument == 0.0 else f"{name} takes no argument"
    whole = argument == int(argument)
    if kind == PER_MILLE:
        return "" if whole and 0 <= argument <= 1000 else f"{name} takes whole per mille, 0 to 1000"
    if kind == THRESHOLD and argument < 0:
        return f"{name} takes a threshold that is not negative"
    most = 65_535 if kind == THRESHOLD else 32_767
    if dtype == INT16 and not (whole and -32_768 <= argument <= most):
        return f"{name} of samples of 16 bits takes a {kind} that is a whole number of 16 bits"
    return ""
