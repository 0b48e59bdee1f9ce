"""The C of time features: which passes over a window each needs, and which expression is its value.

Features are made of structs that passes over a channel fill (``<milliwatt/time_features.h>``). The library
that computes them on the PC is written from this table; generated firmware calls the same kernels, and tests
hold the two together. What there is by name, channel and argument: ``ir.time_features``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.ir.signals import INT16, TimeFeature
from milliwatt.ir.time_features import TIME_FEATURES

SUMS, SHAPE, RANGE, SLOPES, ABSOLUTE = "sums", "shape", "range", "slopes", "absolute"
QUANTILES, CROSSINGS, TURNS, PRODUCTS, MEANS = "quantiles", "crossings", "turns", "products", "means"


@dataclass(frozen=True)
class FeatureCode:
    """A row of the table.

    Attributes:
        needs: what is prepared, of each of its channels and in this order; PRODUCTS, MEANS of all together.
        i16, f32: C expressions of what passes left: ``sums``, ``shape``, ``range``, ``slopes``,
            ``absolute``, ``quantiles`` (arrays of channels), ``count``, ``products``, and ``means``, a
            ``mw_gravity_q15`` or ``mw_gravity_f32``; ``N`` is the number of samples. Empty: there is none of
            that type.
        per_mille: which quantiles; empty: the argument.
        level: what crossings are counted of; empty: the argument.
    """

    needs: tuple[str, ...]
    i16: str
    f32: str
    per_mille: tuple[int, ...] = ()
    level: str = ""


_COUNT = ("count", "(float) count")
_RANGE = "mw_peak_to_peak_{}(range)"
FEATURE_CODES: dict[str, FeatureCode] = {
    "mean": FeatureCode((SUMS,), "mw_mean_q8(sums)", "sums->mean"),
    "rms": FeatureCode((SUMS,), "(int32_t) mw_rms_q8(sums)", "mw_rms_f32(sums)"),
    "energy": FeatureCode((SUMS,), "", "mw_energy_f32(sums)"),
    "variance": FeatureCode((SUMS,), "", "mw_variance_f32(sums, 0)"),
    "std": FeatureCode((SUMS,), "(int32_t) mw_std_q8(sums)", "mw_std_f32(sums, 0)"),
    "skewness": FeatureCode((SUMS, SHAPE), "mw_skewness_q8(shape)", "mw_skewness_f32(shape)"),
    "kurtosis": FeatureCode((SUMS, SHAPE), "mw_kurtosis_q8(shape)", "mw_kurtosis_f32(shape)"),
    "min": FeatureCode((RANGE,), "range->low", "range->low"),
    "max": FeatureCode((RANGE,), "range->high", "range->high"),
    "peak_to_peak": FeatureCode((RANGE,), _RANGE.format("i16"), _RANGE.format("f32")),
    "abs_mean": FeatureCode((ABSOLUTE,), "(int32_t) mw_per_sample_q8(*absolute, N)", "*absolute / (float) N"),
    "zero_crossings": FeatureCode((CROSSINGS,), *_COUNT, level="0"),
    "mean_crossings": FeatureCode((SUMS, CROSSINGS), *_COUNT, level="mean"),
    "crossings": FeatureCode((CROSSINGS,), *_COUNT),
    "slope_changes": FeatureCode((TURNS,), *_COUNT),
    "waveform_length": FeatureCode((SLOPES,), "(int32_t) slopes->length", "slopes->length"),
    "jerk": FeatureCode(
        (SLOPES,), "(int32_t) mw_per_sample_q8(slopes->length, slopes->n)", "mw_jerk_f32(slopes, 1.0f)"
    ),
    "jerk_rms": FeatureCode(
        (SLOPES,), "(int32_t) mw_root_mean_q8(slopes->squares, slopes->n)", "mw_jerk_rms_f32(slopes, 1.0f)"
    ),
    "median": FeatureCode((QUANTILES,), "quantiles[0]", "quantiles[0]", per_mille=(500,)),
    "percentile": FeatureCode((QUANTILES,), "quantiles[0]", "quantiles[0]"),
    "iqr": FeatureCode(
        (QUANTILES,), "quantiles[1] - quantiles[0]", "quantiles[1] - quantiles[0]", per_mille=(250, 750)
    ),
    "correlation": FeatureCode(
        (SUMS, PRODUCTS),
        "mw_correlation_q15(sums, sums + 1, products)",
        "mw_correlation_f32(sums, sums + 1, products)",
    ),
    "covariance": FeatureCode((SUMS, PRODUCTS), "", "mw_covariance_f32(sums, products, 0)"),
    "magnitude_area": FeatureCode(
        (ABSOLUTE,),
        "(int32_t) mw_magnitude_area_q8(absolute[0], absolute[1], absolute[2], N)",
        "mw_magnitude_area_f32(absolute[0], absolute[1], absolute[2], N)",
    ),
    "roll": FeatureCode((SUMS, MEANS), "mw_roll_q15(&means)", "mw_roll_f32(&means)"),
    "pitch": FeatureCode((SUMS, MEANS), "mw_pitch_q15(&means)", "mw_pitch_f32(&means)"),
}
NUMBERS = {name: number for number, name in enumerate(FEATURE_CODES)}


def expression(name: str, dtype: str) -> str:
    """The C expression of a feature in a stream of this type."""
    return FEATURE_CODES[name].i16 if dtype == INT16 else FEATURE_CODES[name].f32


def per_mille(feature: TimeFeature) -> tuple[int, ...]:
    """Which quantiles a feature is made of."""
    code = FEATURE_CODES[feature.name]
    return code.per_mille or ((int(feature.argument),) if QUANTILES in code.needs else ())


def host_cases(dtype: str) -> str:
    """The cases of a C ``switch`` over :data:`NUMBERS`, of samples of this type.

    Around it are ``x``, an array of views, one for each of the feature's channels; ``n``, the number of
    samples; ``argument``; ``scratch``, room for that many; ``value``, which gets the feature.
    """
    return "".join(
        _case(name, dtype) for name in FEATURE_CODES if expression(name, dtype) and name in TIME_FEATURES
    )


def host_header(dtype: str) -> str:
    """The file that holds them, ``host/kernels/features_*.h``."""
    return (
        "/* SPDX-License-Identifier: MIT */\n"
        "/* Written by milliwatt.signal_features.host_header(): do not edit. */\n"
        f"/* clang-format off */\n{host_cases(dtype)}"
    )


def _case(name: str, dtype: str) -> str:
    is_integer = dtype == INT16
    short, code, channels = (
        ("i16" if is_integer else "f32"),
        FEATURE_CODES[name],
        TIME_FEATURES[name].channels,
    )
    lines: list[str] = []
    for need in code.needs:
        lines += _prepared(need, code, short, channels)
    lines.append(f"value = {expression(name, dtype).replace('N)', '(uint16_t) n)').replace(') N', ') n')};")
    body = "".join(f"    {line}\n" for line in lines)
    return f"case {NUMBERS[name]}: {{ /* {name} */\n{body}    break;\n}}\n"


def _prepared(need: str, code: FeatureCode, short: str, channels: int) -> Sequence[str]:
    """Declarations and passes."""
    is_integer = short == "i16"
    if need in (SUMS, SHAPE, RANGE, SLOPES, ABSOLUTE):
        kind = f"mw_{need}_{short}"
        call = {SUMS: f"mw_sum_{short}(x + {{0}}, sums + {{0}})"}.get(
            need, f"mw_{need}_of_{short}(x + {{0}}, {need} + {{0}})"
        )
        if need == SHAPE:
            call = f"mw_shape_of_{short}(x + {{0}}, sums + {{0}}, shape + {{0}})"
        if need == ABSOLUTE:
            kind = "uint32_t" if is_integer else "float"
            call = f"mw_absolute_sum_{short}(x + {{0}}, absolute + {{0}})"
        calls = [f"(void) {call.format(channel)};" for channel in range(channels)]
        return [f"{kind} {need}[{channels}];", *calls]
    if need in (CROSSINGS, TURNS):
        mean = "mw_mean_level(sums)" if is_integer else "sums->mean"
        cast = ("(uint16_t)" if need == TURNS else "(int16_t)") if is_integer else "(float)"
        level = mean if code.level == "mean" else f"{cast} {code.level or 'argument'}"
        return ["uint16_t count = 0;", f"(void) mw_{need}_{short}(x, {level}, &count);"]
    if need == QUANTILES:
        asked = ", ".join(map(str, code.per_mille)) or "(uint16_t) argument"
        count, kind = len(code.per_mille) or 1, "int32_t" if is_integer else "float"
        return [
            f"const uint16_t per_mille[] = {{{asked}}};",
            f"{kind} quantiles[{count}];",
            f"(void) mw_quantiles_{short}(x, scratch, per_mille, {count}, quantiles);",
        ]
    if need == PRODUCTS:
        sums = "" if is_integer else "sums, sums + 1, "
        return [
            f"{'int64_t' if is_integer else 'float'} products;",
            f"(void) mw_products_{short}(x, x + 1, {sums}&products);",
        ]
    mean = "mw_mean_q8(sums + {}) * 256" if is_integer else "sums[{}].mean"
    means = ", ".join(mean.format(channel) for channel in range(3))
    return [f"const mw_gravity_{'q15' if is_integer else 'f32'} means = {{{means}}};"]
