"""The time features there are: what each takes, what has to be prepared for it, and the C that gives it.

Features are made of structs that passes over a channel fill (``<milliwatt/time_features.h>``). A table says
for each feature which passes it needs and which C expression is its value; generated firmware and the library
of the PC are written from it, so that both compute the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.errors import MilliwattError
from milliwatt.ir.signals import FLOAT, INT16, TimeFeature

SUMS, SHAPE, RANGE, SLOPES, ABSOLUTE = "sums", "shape", "range", "slopes", "absolute"
QUANTILES, CROSSINGS, TURNS, PRODUCTS = "quantiles", "crossings", "turns", "products"
PER_MILLE, LEVEL, THRESHOLD = "per mille", "level", "threshold"
SHORT = {INT16: "i16", FLOAT: "f32"}
LONGEST = 65535  # samples of a window
LONGEST_SLOPES = 32769  # of int16: their waveform length is then below 2^31


@dataclass(frozen=True)
class FeatureKind:
    """A row of the table.

    Attributes:
        needs: passes over each of its channels, in the order in which they are made; ``products`` over both.
        i16, f32: C expressions; ``sums``, ``shape``, ``range``, ``slopes``, ``absolute``, ``count``,
            ``quantiles`` (an array) and ``products`` are what passes left, with the channel's place (``sums0``)
            where there are several; ``mean`` is a ``mw_gravity_q15`` or ``_f32`` of the means; ``N`` is the
            number of samples. Empty: not of that type.
        channels: how many it takes.
        argument: what its argument is; empty: it has none.
        unit: of the results of INT16: 1, or what 1 is divided by.
        least: samples.
        instead: of INT16, where there is no ``i16``.
        per_mille: which quantiles.
        level: what crossings are counted of; empty: the argument.
    """

    needs: tuple[str, ...]
    i16: str
    f32: str
    channels: int = 1
    argument: str = ""
    unit: int = 1
    least: int = 1
    instead: str = ""
    per_mille: tuple[int, ...] = ()
    level: str = ""


TIME_FEATURES: dict[str, FeatureKind] = {
    "mean": FeatureKind((SUMS,), "mw_mean_q8(&sums)", "sums.mean", unit=256),
    "rms": FeatureKind((SUMS,), "(int32_t) mw_rms_q8(&sums)", "mw_rms_f32(&sums)", unit=256),
    "energy": FeatureKind((SUMS,), "", "mw_energy_f32(&sums)", instead="rms"),
    "variance": FeatureKind((SUMS,), "", "mw_variance_f32(&sums, 0)", instead="std"),
    "std": FeatureKind((SUMS,), "(int32_t) mw_std_q8(&sums)", "mw_std_f32(&sums, 0)", unit=256),
    "skewness": FeatureKind((SUMS, SHAPE), "mw_skewness_q8(&shape)", "mw_skewness_f32(&shape)", unit=256),
    "kurtosis": FeatureKind((SUMS, SHAPE), "mw_kurtosis_q8(&shape)", "mw_kurtosis_f32(&shape)", unit=256),
    "min": FeatureKind((RANGE,), "range.low", "range.low"),
    "max": FeatureKind((RANGE,), "range.high", "range.high"),
    "peak_to_peak": FeatureKind((RANGE,), "mw_peak_to_peak_i16(&range)", "mw_peak_to_peak_f32(&range)"),
    "abs_mean": FeatureKind(
        (ABSOLUTE,), "(int32_t) mw_per_sample_q8(absolute, N)", "absolute / (float) N", unit=256
    ),
    "zero_crossings": FeatureKind((CROSSINGS,), "count", "(float) count", level="0"),
    "mean_crossings": FeatureKind((SUMS, CROSSINGS), "count", "(float) count", level="mean"),
    "crossings": FeatureKind((CROSSINGS,), "count", "(float) count", argument=LEVEL),
    "slope_changes": FeatureKind((TURNS,), "count", "(float) count", argument=THRESHOLD),
    "waveform_length": FeatureKind((SLOPES,), "(int32_t) slopes.length", "slopes.length", least=2),
    "jerk": FeatureKind(
        (SLOPES,),
        "(int32_t) mw_per_sample_q8(slopes.length, slopes.n)",
        "mw_jerk_f32(&slopes, 1.0f)",
        unit=256,
        least=2,
    ),
    "jerk_rms": FeatureKind(
        (SLOPES,),
        "(int32_t) mw_root_mean_q8(slopes.squares, slopes.n)",
        "mw_jerk_rms_f32(&slopes, 1.0f)",
        unit=256,
        least=2,
    ),
    "median": FeatureKind((QUANTILES,), "quantiles[0]", "quantiles[0]", unit=256, per_mille=(500,)),
    "percentile": FeatureKind((QUANTILES,), "quantiles[0]", "quantiles[0]", argument=PER_MILLE, unit=256),
    "iqr": FeatureKind(
        (QUANTILES,),
        "quantiles[1] - quantiles[0]",
        "quantiles[1] - quantiles[0]",
        unit=256,
        per_mille=(250, 750),
    ),
    "correlation": FeatureKind(
        (SUMS, PRODUCTS),
        "mw_correlation_q15(&sums0, &sums1, products)",
        "mw_correlation_f32(&sums0, &sums1, products)",
        channels=2,
        unit=32768,
    ),
    "covariance": FeatureKind(
        (SUMS, PRODUCTS),
        "",
        "mw_covariance_f32(&sums0, products, 0)",
        channels=2,
        instead="correlation",
    ),
    "magnitude_area": FeatureKind(
        (ABSOLUTE,),
        "(int32_t) mw_magnitude_area_q8(absolute0, absolute1, absolute2, N)",
        "mw_magnitude_area_f32(absolute0, absolute1, absolute2, N)",
        channels=3,
        unit=256,
    ),
    "roll": FeatureKind((SUMS,), "mw_roll_q15(&mean)", "mw_roll_f32(&mean)", channels=3),
    "pitch": FeatureKind((SUMS,), "mw_pitch_q15(&mean)", "mw_pitch_f32(&mean)", channels=3),
}


def expression(name: str, dtype: str) -> str:
    """The C expression of a feature in a stream of this type."""
    kind = TIME_FEATURES[name]
    return kind.i16 if dtype == INT16 else kind.f32


def per_mille(feature: TimeFeature) -> tuple[int, ...]:
    """Which quantiles a feature is made of."""
    kind = TIME_FEATURES[feature.name]
    return (int(feature.argument),) if kind.argument == PER_MILLE else kind.per_mille


def check_feature(feature: TimeFeature, dtype: str, channels: int, frames: int) -> None:
    """Whether a window of ``frames`` frames of ``channels`` channels has this feature.

    Raises:
        MilliwattError: it has not; the option is the feature's name.
    """
    kind = TIME_FEATURES.get(feature.name)
    if kind is None:
        raise MilliwattError(
            f"there is no time feature {feature.name!r}",
            option="features",
            cure=f"one of {', '.join(TIME_FEATURES)}",
        )
    if not expression(feature.name, dtype):
        raise MilliwattError(
            "is for floats only: of 16 bits it has more bits than an int32",
            option=feature.name,
            cure=f"take {kind.instead}, which says the same, or put ToFloat() before",
        )
    if len(feature.channels) != kind.channels:
        raise MilliwattError(
            f"{len(feature.channels)} channels, where it takes {kind.channels}", option=feature.name
        )
    for channel in feature.channels:
        if not 0 <= channel < channels:
            raise MilliwattError(f"channel {channel} of {channels}", option=feature.name)
    _check_argument(feature, kind, dtype)
    most = LONGEST_SLOPES if feature.name == "waveform_length" and dtype == INT16 else LONGEST
    if not kind.least <= frames <= most:
        raise MilliwattError(
            f"a window of {frames} samples", option=feature.name, cure=f"{kind.least} to {most} of them"
        )


def _check_argument(feature: TimeFeature, kind: FeatureKind, dtype: str) -> None:
    value, low, high = feature.argument, -3.4e38, 3.4e38
    if kind.argument == PER_MILLE:
        low, high = 0.0, 1000.0
    elif kind.argument == THRESHOLD:
        low, high = 0.0, 65535.0 if dtype == INT16 else 3.4e38
    elif kind.argument == LEVEL and dtype == INT16:
        low, high = -32768.0, 32767.0
    elif not kind.argument:
        low = high = 0.0
    if not low <= value <= high:
        raise MilliwattError(
            f"its {kind.argument or 'argument'} is {value:g}",
            option=feature.name,
            cure=f"{low:g} to {high:g}" if kind.argument else "it takes none",
        )
    if value != int(value) and (dtype == INT16 or kind.argument == PER_MILLE):
        raise MilliwattError(
            f"its {kind.argument} is {value:g}",
            option=feature.name,
            cure="give a whole number; percentiles are in per mille"
            if kind.argument == PER_MILLE
            else "give a whole number: samples are",
        )
