"""The C of time features: each pass over a channel is made once, whatever is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_stages import SHORT, indented
from milliwatt.ir.signals import INT16, TimeFeature

SUMS, SHAPE, RANGE, ABSOLUTE, SLOPES, QUANTILES = "sums", "shape", "range", "absolute", "slopes", "quantiles"
_COUNTS = {"zero_crossings", "mean_crossings", "crossings", "slope_changes"}
_PERCENTILES = {"median": (500,), "iqr": (250, 750)}
_ROOM = 512  # bytes that sorting may take; what takes more is counted instead


@dataclass(frozen=True)
class _Feature:
    """How a feature of one channel is made.

    Attributes:
        needs: passes.
        of_i16, of_f32: expressions; ``S`` stands for a pointer to sums, ``N`` for the number of samples.
    """

    needs: tuple[str, ...]
    of_i16: str
    of_f32: str


_ONE: dict[str, _Feature] = {
    "mean": _Feature((SUMS,), "mw_mean_q8(S)", "S->mean"),
    "rms": _Feature((SUMS,), "(int32_t) mw_rms_q8(S)", "mw_rms_f32(S)"),
    "energy": _Feature((SUMS,), "", "mw_energy_f32(S)"),
    "variance": _Feature((SUMS,), "", "mw_variance_f32(S, 0)"),
    "std": _Feature((SUMS,), "(int32_t) mw_std_q8(S)", "mw_std_f32(S, 0)"),
    "skewness": _Feature((SUMS, SHAPE), "mw_skewness_q8(&shape)", "mw_skewness_f32(&shape)"),
    "kurtosis": _Feature((SUMS, SHAPE), "mw_kurtosis_q8(&shape)", "mw_kurtosis_f32(&shape)"),
    "min": _Feature((RANGE,), "range.low", "range.low"),
    "max": _Feature((RANGE,), "range.high", "range.high"),
    "peak_to_peak": _Feature((RANGE,), "mw_peak_to_peak_i16(&range)", "mw_peak_to_peak_f32(&range)"),
    "abs_mean": _Feature((ABSOLUTE,), "(int32_t) mw_per_sample_q8(A, N)", "A / (float) N"),
    "waveform_length": _Feature((SLOPES,), "(int32_t) slopes.length", "slopes.length"),
    "jerk": _Feature(
        (SLOPES,), "(int32_t) mw_per_sample_q8(slopes.length, slopes.n)", "mw_jerk_f32(&slopes, 1.0f)"
    ),
    "jerk_rms": _Feature(
        (SLOPES,), "(int32_t) mw_root_mean_q8(slopes.squares, slopes.n)", "mw_jerk_rms_f32(&slopes, 1.0f)"
    ),
}
_PAIRS = {
    "correlation": ("mw_correlation_q15(&{a}, &{b}, products)", "mw_correlation_f32(&{a}, &{b}, products)"),
    "covariance": ("", "mw_covariance_f32(&{a}, products, 0)"),
}
_ANGLES = ("roll", "pitch")


@dataclass(frozen=True)
class Wanted:
    """A feature, and its place among the numbers."""

    feature: TimeFeature
    at: int


@dataclass(frozen=True)
class TimeCode:
    """The C of features of a window.

    Attributes:
        functions: that the body calls.
        body: statements; ``window`` is a ``const mw_frames *``, ``out`` where numbers go.
        members: scratch.
        headers: that are needed.
    """

    functions: str
    body: str
    members: tuple[Member, ...]
    headers: tuple[str, ...]


def time_code(wanted: Sequence[Wanted], name: str, dtype: str, frames: int, out: str, scratch: str) -> TimeCode:
    """The C of features.

    Args:
        name: prefix of functions.
        dtype: of the samples.
        frames: of the window.
        out: C type of numbers.
        scratch: before scratch members.
    """
    return _Writer(wanted, name, dtype, frames, out, scratch).code()


class _Writer:
    def __init__(
        self, wanted: Sequence[Wanted], name: str, dtype: str, frames: int, out: str, scratch: str
    ) -> None:
        self.wanted, self.name, self.dtype, self.frames, self.out = wanted, name, dtype, frames, out
        self.scratch = scratch
        self.short = SHORT[dtype]
        self.is_integer = dtype == INT16
        self.single: dict[int, list[Wanted]] = {}
        for one in wanted:
            if len(one.feature.channels) == 1:
                self.single.setdefault(one.feature.channels[0], []).append(one)
        self.shared = {SUMS: self._channels(*_PAIRS, *_ANGLES), ABSOLUTE: self._channels("magnitude_area")}
        size = frames * (2 if self.is_integer else 4)
        self.sorts = size <= _ROOM and any(_per_mille(one.feature) for one in wanted)
        self.functions: dict[object, tuple[str, str]] = {}

    def _channels(self, *names: str) -> set[int]:
        return {c for one in self.wanted if one.feature.name in names for c in one.feature.channels}

    def code(self) -> TimeCode:
        body = "".join(self._views())
        body += "".join(self._channel(channel) for channel in self._used())
        body += "".join(self._pairs()) + "".join(self._areas()) + "".join(self._angles())
        members = ()
        if self.sorts:
            members = (Member("room", "int16_t" if self.is_integer else "int32_t", self.frames),)
        headers = ["time_features.h", "views.h"]
        if any(one.feature.name in _ANGLES for one in self.wanted):
            headers.append("running.h")
        texts = [function for _, function in self.functions.values()]
        return TimeCode("\n".join(texts), body, members, tuple(headers))

    def _used(self) -> list[int]:
        return sorted(set(self.single) | self.shared[SUMS] | self.shared[ABSOLUTE])

    def _views(self) -> Iterator[str]:
        for channel in self._used():
            yield f"const mw_view_{self.short} x{channel} = mw_channel_{self.short}(window, {channel});\n"
            if channel in self.shared[SUMS]:
                yield f"mw_sums_{self.short} sums{channel};\n"
            if channel in self.shared[ABSOLUTE]:
                yield f"{'uint32_t' if self.is_integer else 'float'} absolute{channel};\n"

    # -- one channel ---------------------------------------------------------------------------

    def _channel(self, channel: int) -> str:
        """All that is made of one channel alone, and what it shares with others."""
        wanted = self.single.get(channel, [])
        shared = [key for key in (SUMS, ABSOLUTE) if channel in self.shared[key]]
        if not wanted:
            kernels = {SUMS: "mw_sum", ABSOLUTE: "mw_absolute_sum"}
            return "".join(
                f"(void) {kernels[key]}_{self.short}(&x{channel}, &{key}{channel});\n" for key in shared
            )
        first = min(one.at for one in wanted)
        plan = tuple((one.feature.name, one.feature.argument, one.at - first) for one in wanted)
        key = (plan, tuple(shared))
        if key not in self.functions:
            name = f"{self.name}_channel{len(self.functions)}"
            self.functions[key] = (name, self._function(name, wanted, first, shared))
        arguments = [f"&x{channel}", *(f"&{key}{channel}" for key in shared)]
        if self._function_sorts(wanted):
            arguments.append(f"{self.scratch}room")
        arguments.append(f"out + {first}" if first else "out")
        return f"{self.functions[key][0]}({', '.join(arguments)});\n"

    def _function_sorts(self, wanted: Sequence[Wanted]) -> bool:
        return self.sorts and any(_per_mille(one.feature) for one in wanted)

    def _function(self, name: str, wanted: Sequence[Wanted], first: int, shared: Sequence[str]) -> str:
        parameters = [f"const mw_view_{self.short} *x"]
        if SUMS in shared:
            parameters.append(f"mw_sums_{self.short} *sums")
        if ABSOLUTE in shared:
            parameters.append(f"{'uint32_t' if self.is_integer else 'float'} *absolute")
        if self._function_sorts(wanted):
            parameters.append(f"{'int16_t' if self.is_integer else 'int32_t'} *room")
        parameters.append(f"{self.out} *out")
        body = "".join(self._passes(wanted, shared))
        for one in wanted:
            to = f"out[{one.at - first}]" if one.at > first else "*out"
            body += f"{to} = {self._cast(self._value(one.feature, wanted, shared), one.feature)};\n"
        return f"static void {name}({', '.join(parameters)})\n{{\n{indented(body)}}}\n"

    def _cast(self, value: str, feature: TimeFeature) -> str:
        """What is an integer where numbers are floats."""
        if self.out == "float" and (self.is_integer or feature.name in _COUNTS):
            value = value.removeprefix("(int32_t) ")
            return f"(float) {value}" if value.replace("_", "").isalnum() or "(" in value else f"(float) ({value})"
        return value

    def _passes(self, wanted: Sequence[Wanted], shared: Sequence[str]) -> Iterator[str]:
        """Declarations, then one call for each pass."""
        needs = {need for one in wanted if one.feature.name in _ONE for need in _ONE[one.feature.name].needs}
        if any(one.feature.name == "mean_crossings" for one in wanted):
            needs.add(SUMS)
        needs |= set(shared)
        sums, absolute = self._sums(shared), self._absolute(shared)
        counts = _counts(wanted)
        per_mille = _all_per_mille(wanted)
        short = self.short
        if SUMS in needs and SUMS not in shared:
            yield f"mw_sums_{short} sums;\n"
        for key in (SHAPE, RANGE, SLOPES):
            if key in needs:
                yield f"mw_{key}_{short} {key};\n"
        if ABSOLUTE in needs and ABSOLUTE not in shared:
            yield f"{'uint32_t' if self.is_integer else 'float'} absolute;\n"
        for index in range(len(counts)):
            yield f"uint16_t count{index} = 0;\n"
        if per_mille:
            yield f"const uint16_t per_mille[] = {{{', '.join(map(str, per_mille))}}};\n"
            yield f"{'int32_t' if self.is_integer else 'float'} quantiles[{len(per_mille)}];\n"
        if SUMS in needs:
            yield f"(void) mw_sum_{short}(x, {sums});\n"
        if SHAPE in needs:
            yield f"(void) mw_shape_of_{short}(x, {sums}, &shape);\n"
        if RANGE in needs:
            yield f"(void) mw_range_of_{short}(x, &range);\n"
        if ABSOLUTE in needs:
            yield f"(void) mw_absolute_sum_{short}(x, {'absolute' if ABSOLUTE in shared else '&absolute'});\n"
        if SLOPES in needs:
            yield f"(void) mw_slopes_of_{short}(x, &slopes);\n"
        for index, (kernel, argument) in enumerate(counts):
            yield f"(void) mw_{kernel}_{short}(x, {self._level(argument, sums)}, &count{index});\n"
        if per_mille:
            room = ", room" if self.sorts else ""
            kernel = "mw_quantiles" if self.sorts else "mw_count_quantiles"
            yield f"(void) {kernel}_{short}(x{room}, per_mille, {len(per_mille)}, quantiles);\n"

    def _sums(self, shared: Sequence[str]) -> str:
        return "sums" if SUMS in shared else "&sums"

    def _absolute(self, shared: Sequence[str]) -> str:
        return "*absolute" if ABSOLUTE in shared else "absolute"

    def _level(self, argument: float | None, sums: str) -> str:
        if argument is None:
            return f"mw_mean_level({sums})" if self.is_integer else f"{sums.removeprefix('&')}{'.' if '&' in sums else '->'}mean"
        return text.integer(int(argument), 16) if self.is_integer else text.float_literal(argument)

    def _value(self, feature: TimeFeature, wanted: Sequence[Wanted], shared: Sequence[str]) -> str:
        name = feature.name
        if name in _ONE:
            value = _ONE[name].of_i16 if self.is_integer else _ONE[name].of_f32
            sums = self._sums(shared)
            value = value.replace("S->", f"{sums[1:]}." if sums[0] == "&" else f"{sums}->")
            return value.replace("(S", f"({sums}").replace("A,", f"{self._absolute(shared)},").replace(
                "A /", f"{self._absolute(shared)} /"
            ).replace("N", str(self.frames))
        if name in _COUNTS:
            return f"count{_counts(wanted).index(_count(feature))}"
        places = [_all_per_mille(wanted).index(value) for value in _per_mille(feature)]
        if len(places) == 2:
            return f"quantiles[{places[1]}] - quantiles[{places[0]}]"
        return f"quantiles[{places[0]}]"

    # -- several channels ----------------------------------------------------------------------

    def _pairs(self) -> Iterator[str]:
        pairs: dict[tuple[int, ...], list[Wanted]] = {}
        for one in self.wanted:
            if one.feature.name in _PAIRS:
                pairs.setdefault(one.feature.channels, []).append(one)
        for (a, b), several in pairs.items():
            kind = "int64_t" if self.is_integer else "float"
            sums = "" if self.is_integer else f"&sums{a}, &sums{b}, "
            body = f"{kind} products;\n"
            body += f"(void) mw_products_{self.short}(&x{a}, &x{b}, {sums}&products);\n"
            for one in several:
                value = _PAIRS[one.feature.name][0 if self.is_integer else 1].format(a=f"sums{a}", b=f"sums{b}")
                body += f"out[{one.at}] = {self._cast(value, one.feature)};\n"
            yield f"{{\n{indented(body)}}}\n"

    def _areas(self) -> Iterator[str]:
        for one in self.wanted:
            if one.feature.name == "magnitude_area":
                sums = ", ".join(f"absolute{channel}" for channel in one.feature.channels)
                kernel = "mw_magnitude_area_q8" if self.is_integer else "mw_magnitude_area_f32"
                value = f"{kernel}({sums}, {self.frames})"
                value = f"(int32_t) {value}" if self.is_integer else value
                yield f"out[{one.at}] = {self._cast(value, one.feature)};\n"

    def _angles(self) -> Iterator[str]:
        """Of the vector of means, as a state of gravity."""
        found: dict[tuple[int, ...], list[Wanted]] = {}
        for one in self.wanted:
            if one.feature.name in _ANGLES:
                found.setdefault(one.feature.channels, []).append(one)
        for channels, several in found.items():
            kind = "q15" if self.is_integer else "f32"
            means = [
                f"mw_mean_q8(&sums{channel}) * 256" if self.is_integer else f"sums{channel}.mean"
                for channel in channels
            ]
            body = f"const mw_gravity_{kind} mean = {{{', '.join(means)}}};\n"
            for one in several:
                value = f"mw_{one.feature.name}_{kind}(&mean)"
                body += f"out[{one.at}] = {self._cast(value, one.feature)};\n"
            yield f"{{\n{indented(body)}}}\n"


def _per_mille(feature: TimeFeature) -> tuple[int, ...]:
    if feature.name == "percentile":
        return (int(feature.argument),)
    return _PERCENTILES.get(feature.name, ())


def _all_per_mille(wanted: Sequence[Wanted]) -> list[int]:
    return sorted({value for one in wanted for value in _per_mille(one.feature)})


def _count(feature: TimeFeature) -> tuple[str, float | None]:
    """The kernel that counts, and its level or threshold; None: the mean."""
    if feature.name == "slope_changes":
        return "turns", feature.argument
    return "crossings", None if feature.name == "mean_crossings" else feature.argument


def _counts(wanted: Sequence[Wanted]) -> list[tuple[str, float | None]]:
    found: list[tuple[str, float | None]] = []
    for one in wanted:
        if one.feature.name in _COUNTS and _count(one.feature) not in found:
            found.append(_count(one.feature))
    return found
