"""The C of time features: each pass over a channel is made once, whatever is made of it.

What passes a feature needs, and the expression that is its value, stands in ``milliwatt.signal_features``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_spot import SHORT, indented
from milliwatt.ir.signals import INT16, TimeFeature
from milliwatt.signal_features import (
    ABSOLUTE,
    CROSSINGS,
    FEATURE_CODES,
    MEANS,
    PRODUCTS,
    QUANTILES,
    RANGE,
    SHAPE,
    SLOPES,
    SUMS,
    TURNS,
    expression,
    per_mille,
)

_ROOM = 512  # bytes that sorting may take; what takes more is counted instead
_STRUCTS = (SUMS, SHAPE, RANGE, SLOPES)


@dataclass(frozen=True)
class Wanted:
    """A feature, and its place among the numbers."""

    feature: TimeFeature
    at: int

    @property
    def needs(self) -> tuple[str, ...]:
        return FEATURE_CODES[self.feature.name].needs

    @property
    def is_single(self) -> bool:
        return len(self.feature.channels) == 1


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


def time_code(
    wanted: Sequence[Wanted], name: str, dtype: str, frames: int, out: str, scratch: str
) -> TimeCode:
    """The C of features.

    Args:
        name: prefix of functions.
        dtype: of the samples.
        frames: of the window.
        out: C type of numbers.
        scratch: before scratch members.
    """
    return _Window(wanted, name, dtype, frames, out, scratch).code()


@dataclass(frozen=True)
class _Kind:
    """What depends on types and on the window's length.

    Attributes:
        sorts: quantiles are selected in scratch of this C type; empty: counted.
    """

    dtype: str
    frames: int
    out: str
    sorts: str

    @property
    def short(self) -> str:
        return SHORT[self.dtype]

    @property
    def is_integer(self) -> bool:
        return self.dtype == INT16

    @property
    def absolute(self) -> str:
        return "uint32_t" if self.is_integer else "float"

    @property
    def products(self) -> str:
        return "int64_t" if self.is_integer else "float"

    def type_of(self, share: str) -> str:
        """The C type of sums, or of the absolute sum."""
        return f"mw_sums_{self.short}" if share == SUMS else self.absolute

    def value(self, name: str) -> str:
        """The expression of a feature, as a number of the type wanted."""
        found = re.sub(r"\bN\b", str(self.frames), expression(name, self.dtype))
        if self.is_integer and self.out == "float":
            return f"(float) ({found.removeprefix('(int32_t) ')})"
        return found


class _Window:
    """All channels together."""

    def __init__(
        self, wanted: Sequence[Wanted], name: str, dtype: str, frames: int, out: str, scratch: str
    ) -> None:
        self.wanted, self.name, self.scratch = wanted, name, scratch
        size = frames * (2 if dtype == INT16 else 4)
        sorts = any(QUANTILES in one.needs for one in wanted) and size <= _ROOM
        self.kind = _Kind(dtype, frames, out, ("int16_t" if dtype == INT16 else "int32_t") if sorts else "")
        self.single: dict[int, list[Wanted]] = {}
        for one in wanted:
            if one.is_single:
                self.single.setdefault(one.feature.channels[0], []).append(one)
        self.shared = {
            share: {
                c for one in wanted if not one.is_single and share in one.needs for c in one.feature.channels
            }
            for share in (SUMS, ABSOLUTE)
        }
        self.functions: dict[object, tuple[str, str]] = {}

    def code(self) -> TimeCode:
        body = "".join(self._views())
        body += "".join(self._channel(channel) for channel in self._used())
        body += "".join(self._several())
        members = (Member("room", self.kind.sorts, self.kind.frames),) if self.kind.sorts else ()
        return TimeCode(
            "\n".join(function for _, function in self.functions.values()),
            body,
            members,
            ("time_features.h", "views.h", "running.h"),
        )

    def _used(self) -> list[int]:
        return sorted({channel for one in self.wanted for channel in one.feature.channels})

    def _views(self) -> Iterator[str]:
        short = self.kind.short
        for channel in self._used():
            yield f"const mw_view_{short} x{channel} = mw_channel_{short}(window, {channel});\n"
            for share, channels in self.shared.items():
                if channel in channels:
                    yield f"{self.kind.type_of(share)} {share}{channel};\n"

    def _channel(self, channel: int) -> str:
        """All that is made of one channel alone, and what it shares with others."""
        wanted = self.single.get(channel, [])
        shared = [share for share, channels in self.shared.items() if channel in channels]
        if not wanted:
            kernels = {SUMS: "mw_sum", ABSOLUTE: "mw_absolute_sum"}
            return "".join(
                f"(void) {kernels[share]}_{self.kind.short}(&x{channel}, &{share}{channel});\n"
                for share in shared
            )
        first = min(one.at for one in wanted)
        plan = [
            Wanted(TimeFeature(one.feature.name, (0,), one.feature.argument), one.at - first)
            for one in wanted
        ]
        key = (tuple(plan), tuple(shared))
        if key not in self.functions:
            name = f"{self.name}_channel{len(self.functions)}"
            self.functions[key] = (name, _Channel(plan, shared, self.kind).function(name))
        arguments = [f"&x{channel}", *(f"&{share}{channel}" for share in shared)]
        if self.kind.sorts and any(QUANTILES in one.needs for one in wanted):
            arguments.append(f"{self.scratch}room")
        arguments.append(f"out + {first}" if first else "out")
        return f"{self.functions[key][0]}({', '.join(arguments)});\n"

    def _several(self) -> Iterator[str]:
        """Features of several channels, those of the same ones together."""
        found: dict[tuple[int, ...], list[Wanted]] = {}
        for one in self.wanted:
            if not one.is_single:
                found.setdefault(one.feature.channels, []).append(one)
        for channels, several in found.items():
            lines = ""
            if any(PRODUCTS in one.needs for one in several):
                lines += self._products(*channels)
            if any(MEANS in one.needs for one in several):
                lines += self._mean(channels)
            for one in several:
                value = self.kind.value(one.feature.name)
                lines += f"out[{one.at}] = {_of_channels(value, channels)};\n"
            yield f"{{\n{indented(lines)}}}\n"

    def _products(self, a: int, b: int) -> str:
        sums = "" if self.kind.is_integer else f"&sums{a}, &sums{b}, "
        call = f"(void) mw_products_{self.kind.short}(&x{a}, &x{b}, {sums}&products);\n"
        return f"{self.kind.products} products;\n{call}"

    def _mean(self, channels: tuple[int, ...]) -> str:
        """The vector of means, as a state of gravity."""
        if self.kind.is_integer:
            means = [f"mw_mean_q8(&sums{channel}) * 256" for channel in channels]
            return f"const mw_gravity_q15 means = {{{', '.join(means)}}};\n"
        return (
            f"const mw_gravity_f32 means = {{{', '.join(f'sums{channel}.mean' for channel in channels)}}};\n"
        )


class _Channel:
    """The features of one channel: a function, which channels with the same features share.

    Attributes:
        shared: sums that others need too, which it hands out.
    """

    def __init__(self, wanted: Sequence[Wanted], shared: Sequence[str], kind: _Kind) -> None:
        self.wanted, self.shared, self.kind = wanted, shared, kind
        self.needs = {need for one in wanted for need in one.needs} | set(shared)
        self.counts = list(dict.fromkeys(filter(None, map(self._count, wanted))))
        self.per_mille = sorted({value for one in wanted for value in per_mille(one.feature)})

    def function(self, name: str) -> str:
        kind, body = self.kind, "".join([*self._declared(), *self._passes()])
        for one in self.wanted:
            body += f"out[{one.at}] = {self._value(one)};\n"
        parameters = [f"const mw_view_{kind.short} *x"]
        parameters += [f"{kind.type_of(share)} *{share}" for share in self.shared]
        if kind.sorts and self.per_mille:
            parameters.append(f"{kind.sorts} *room")
        parameters.append(f"{kind.out} *out")
        return f"static void {name}({', '.join(parameters)})\n{{\n{indented(body)}}}\n"

    def _count(self, one: Wanted) -> tuple[str, str] | None:
        """The kernel that counts, and its level or threshold."""
        if TURNS in one.needs:
            return "mw_turns", self._number(one.feature.argument)
        if CROSSINGS not in one.needs:
            return None
        level = FEATURE_CODES[one.feature.name].level
        if level == "mean":
            return "mw_crossings", "mw_mean_level(sums)" if self.kind.is_integer else "sums->mean"
        return "mw_crossings", self._number(float(level) if level else one.feature.argument)

    def _number(self, value: float) -> str:
        return text.integer(int(value), 16) if self.kind.is_integer else text.float_literal(value)

    def _declared(self) -> Iterator[str]:
        for struct in _STRUCTS:
            if struct in self.needs and struct not in self.shared:
                yield f"mw_{struct}_{self.kind.short} {struct};\n"
        if ABSOLUTE in self.needs and ABSOLUTE not in self.shared:
            yield f"{self.kind.absolute} absolute;\n"
        for index in range(len(self.counts)):
            yield f"uint16_t count{index} = 0;\n"
        if self.per_mille:
            yield f"const uint16_t per_mille[] = {{{', '.join(map(str, self.per_mille))}}};\n"
            yield f"{'int32_t' if self.kind.is_integer else 'float'} quantiles[{len(self.per_mille)}];\n"

    def _passes(self) -> Iterator[str]:
        """One call for each pass."""
        short = self.kind.short
        calls = {
            SUMS: f"mw_sum_{short}(x, sums)",
            SHAPE: f"mw_shape_of_{short}(x, sums, shape)",
            RANGE: f"mw_range_of_{short}(x, range)",
            SLOPES: f"mw_slopes_of_{short}(x, slopes)",
            ABSOLUTE: f"mw_absolute_sum_{short}(x, absolute)",
        }
        for need, call in calls.items():
            if need in self.needs:
                yield f"(void) {self._own(call)};\n"
        for index, (kernel, level) in enumerate(self.counts):
            yield f"(void) {kernel}_{short}(x, {self._own(level)}, &count{index});\n"
        if self.per_mille:
            how = ("mw_quantiles", "room, ") if self.kind.sorts else ("mw_count_quantiles", "")
            yield f"(void) {how[0]}_{short}(x, {how[1]}per_mille, {len(self.per_mille)}, quantiles);\n"

    def _own(self, value: str) -> str:
        """An expression of pointers, of which those that are not shared are variables here."""
        own = "|".join(name for name in (*_STRUCTS, ABSOLUTE) if name not in self.shared)

        def variable(found: re.Match[str]) -> str:
            star, name, arrow = found.groups()
            return name if star else f"{name}." if arrow else f"&{name}"

        return re.sub(rf"(\*?)\b({own})\b(->)?", variable, value)

    def _value(self, one: Wanted) -> str:
        value = self._own(self.kind.value(one.feature.name))
        count = self._count(one)
        if count is not None:
            value = re.sub(r"\bcount\b", f"count{self.counts.index(count)}", value)
        places = [str(self.per_mille.index(quantile)) for quantile in per_mille(one.feature)]
        return re.sub(r"\bquantiles\[(\d)\]", lambda found: f"quantiles[{places[int(found[1])]}]", value)


def _of_channels(value: str, channels: tuple[int, ...]) -> str:
    """An expression whose arrays of sums are variables here, one a channel."""

    def placed(found: re.Match[str]) -> str:
        return f"{found[1]}{channels[int(found[2])]}"

    value = re.sub(r"\b(sums) \+ (\d)\b", placed, re.sub(r"\b(absolute)\[(\d)\]", placed, value))
    return re.sub(r"\bsums(\d*)", lambda found: f"&sums{found[1] or channels[0]}", value)
