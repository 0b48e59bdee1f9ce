"""The C of single stages: what each keeps, how it begins, and how it makes frames of frames.

The code of a stage reads ``n`` frames at ``x`` and writes to ``out``, which may be ``x`` where
:func:`is_in_place` says so. ``n`` is a variable of type ``uint16_t`` that the stage may lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from milliwatt import c_text as text
from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_tables import Tables, read_index
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import (
    INT16,
    Centre,
    Choose,
    Emphasis,
    Fir,
    Goertzel,
    Iir,
    Length,
    RemoveDc,
    Spectrum,
    Stage,
    ToFloat,
)
from milliwatt.signal_spectral import Spectral

C_TYPES = {INT16: "int16_t", "float": "float", "int32": "int32_t"}
SHORT = {INT16: "i16", "float": "f32"}  # of views and tables
_FIXED = {INT16: "q15", "float": "f32"}  # of kernels
_FIR_TIDY = 16  # a filter's buffer is tidied once in so many samples


@dataclass(frozen=True)
class Spot:
    """Where a stage stands.

    Attributes:
        key: what its members are called, and begin with.
        at: before its members: ``state->``.
        before, after: what it reads and writes.
        x, out: pointers.
        frames: the most that come at once.
    """

    key: str
    at: str
    before: Stream
    after: Stream
    x: str
    out: str
    frames: int

    @property
    def kept(self) -> str:
        return self.at + self.key

    @property
    def channels(self) -> int:
        return self.before.channels

    @property
    def c_type(self) -> str:
        """Of what it reads."""
        return C_TYPES[self.before.dtype]

    @property
    def fixed(self) -> str:
        """How kernels for its type end."""
        return _FIXED[self.before.dtype]


@dataclass(frozen=True)
class Code:
    """The C of a stage in its place.

    Attributes:
        kept: members that last from block to block.
        reset: statements before the first frame is there.
        begin: statements when the first frame is at ``x``.
        run: statements that make frames of frames.
        changes_n: these change ``n``.
        headers: that are needed.
    """

    run: str
    kept: tuple[Member, ...] = ()
    reset: str = ""
    begin: str = ""
    changes_n: bool = False
    headers: tuple[str, ...] = ()


def is_in_place(stage: Stage) -> bool:
    """Whether a stage can write where it reads."""
    if isinstance(stage, Choose):
        return list(stage.channels) == sorted(stage.channels)
    if isinstance(stage, Length):
        return not stage.keep
    return not isinstance(stage, ToFloat | Spectrum | Goertzel)


def code_of(stage: Stage, spot: Spot, tables: Tables) -> Code:
    """The C of a stage; a :class:`Spectrum` is one that is given a whole window."""
    return _WRITERS[type(stage)](stage, spot, tables)


def indented(lines: str, by: int = 1) -> str:
    """Lines, further to the right."""
    pad = "    " * by
    return "".join(f"{pad}{line}" if line.strip() else line for line in lines.splitlines(keepends=True))


def numbers(spot: Spot, channel: str = "c", frame: str = "i", *, after: bool = False) -> str:
    """The index of a number in a block of frames."""
    channels = (spot.after if after else spot.before).channels
    return frame if channels == 1 else f"(size_t) {frame} * {channels} + {channel}"


def _each(spot: Spot, body: str) -> str:
    """A loop over frames, and channels in them."""
    if spot.channels == 1:
        return f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n"
    inner = f"for (uint16_t c = 0; c < {spot.channels}; ++c) {{\n{indented(body)}}}\n"
    return f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(inner)}}}\n"


def each_channel(spot: Spot, body: str) -> str:
    """A loop over channels; ``c`` is 0 where there is one."""
    if spot.channels == 1:
        return body.replace("[c]", "[0]")
    return f"for (uint16_t c = 0; c < {spot.channels}; ++c) {{\n{indented(body)}}}\n"


# -- filters ---------------------------------------------------------------------------------------


def _iir(stage: Iir, spot: Spot, tables: Tables) -> Code:
    table = tables.iir(stage, spot.before.dtype)
    count = len(stage.sections) * spot.channels
    if spot.before.dtype == INT16:
        kept = Member(spot.key, "mw_iir_state_q15", count)
    else:
        kept = Member(spot.key, "float", 2 * count)
    of = f"(&{table}, {spot.kept}, {spot.channels}"
    settle = f"(void) mw_iir_settle_{spot.fixed}{of}, {spot.x});\n"
    return Code(
        run=f"(void) mw_iir_run_{spot.fixed}{of}, {spot.x}, {spot.out}, n);\n",
        kept=(kept,),
        reset="" if stage.settled else f"(void) mw_iir_reset_{spot.fixed}{of});\n",
        begin=settle if stage.settled else "",
        headers=("iir.h",),
    )


def _fir(stage: Fir, spot: Spot, tables: Tables) -> Code:
    table = tables.fir(stage, spot.before.dtype)
    n_taps, channels = len(stage.taps), spot.channels
    size = n_taps - 1 + min(n_taps, max(_FIR_TIDY, min(spot.frames, 64)))
    kept = (
        Member(spot.key, f"mw_fir_state_{spot.fixed}", channels),
        Member(f"{spot.key}_buffer", spot.c_type, channels * size),
    )
    offset = "" if channels == 1 else f" + (size_t) c * {size}"
    reset = each_channel(
        spot,
        f"(void) mw_fir_reset_{spot.fixed}(&{table}, &{spot.kept}[c], {spot.kept}_buffer{offset}, {size});\n",
    )
    if channels == 1 and spot.frames <= 32767:
        call = f"mw_fir_run_{spot.fixed}(&{table}, {spot.kept}, {spot.x}, {spot.out}, n)"
        run = f"n = (uint16_t) {call};\n" if stage.decimation > 1 else f"(void) {call};\n"
    else:
        run = _fir_frames(stage, spot, table)
    return Code(run, kept, reset, changes_n=stage.decimation > 1, headers=("fir.h",))


def _fir_frames(stage: Fir, spot: Spot, table: str) -> str:
    """Frame by frame, as channels are interleaved."""
    kernel, at = f"mw_fir_run_{spot.fixed}(&{table}", numbers(spot)
    if stage.decimation == 1:
        return _each(spot, f"(void) {kernel}, &{_c(spot)}, {spot.x} + ({at}), {spot.out} + ({at}), 1);\n")
    to = numbers(spot, frame="made")
    loop = each_channel(spot, f"found = {kernel}, &{_c(spot)}, {spot.x} + ({at}), {spot.out} + ({to}), 1);\n")
    body = f"int found = 0;\n{loop}made = (uint16_t) (made + (uint16_t) found);\n"
    inner = f"uint16_t made = 0;\nfor (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\nn = made;\n"
    return f"{{\n{indented(inner)}}}\n"


def _c(spot: Spot, name: str = "") -> str:
    """What is kept of a channel."""
    return f"{spot.kept}{name}[{'0' if spot.channels == 1 else 'c'}]"


def _emphasis(stage: Emphasis, spot: Spot, tables: Tables) -> Code:
    factor = (
        str(round(stage.factor * 32768)) if spot.before.dtype == INT16 else text.float_literal(stage.factor)
    )
    return Code(
        run=_per_channel(spot, f"mw_emphasize_{spot.fixed}", f"{factor}, "),
        kept=(Member(spot.key, spot.c_type, spot.channels),),
        begin=f"memcpy({spot.kept}, {spot.x}, sizeof {spot.kept});\n",
        headers=("emphasis.h",),
    )


def _remove_dc(stage: RemoveDc, spot: Spot, tables: Tables) -> Code:
    is_integer = spot.before.dtype == INT16
    share = f"{stage.shift}, " if is_integer else f"{text.float_literal(stage.share)}, "
    return Code(
        run=_per_channel(spot, f"mw_remove_dc_{spot.fixed}", share),
        kept=(Member(spot.key, "int32_t" if is_integer else "float", spot.channels),),
        reset=each_channel(spot, f"{spot.kept}[c] = {'0' if is_integer else '0.0f'};\n"),
        headers=("emphasis.h",),
    )


def _per_channel(spot: Spot, kernel: str, argument: str) -> str:
    """A kernel that takes samples of one channel and a pointer to what it keeps of it."""
    if spot.channels == 1:
        return f"{kernel}({spot.x}, n, {argument}{spot.kept}, {spot.out});\n"
    at = numbers(spot)
    return _each(spot, f"{kernel}({spot.x} + ({at}), 1, {argument}&{_c(spot)}, {spot.out} + ({at}));\n")


# -- frames ----------------------------------------------------------------------------------------


def _length(stage: Length, spot: Spot, tables: Tables) -> Code:
    is_integer = spot.before.dtype == INT16
    axes = [f"from[{channel}]" for channel in stage.channels]
    axes += ["0" if is_integer else "0.0f"] * (3 - len(axes))
    n_in, n_out = spot.channels, spot.after.channels
    body = f"const {spot.c_type} *const from = {spot.x} + (size_t) i * {n_in};\n"
    to = "i"
    if stage.keep:
        body += f"{spot.c_type} *const to = {spot.out} + (size_t) i * {n_out};\n"
    kind = "uint16_t" if is_integer else "float"
    body += f"const {kind} length = mw_length_{spot.fixed}({', '.join(axes)});\n"
    value = "(int16_t) (length > 32767 ? 32767 : length)" if is_integer else "length"
    if stage.keep:
        body += f"memcpy(to, from, {n_in} * sizeof *to);\nto[{n_in}] = {value};\n"
    else:
        body += f"{spot.out}[{to}] = {value};\n"
    return Code(f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n", headers=("running.h",))


def _choose(stage: Choose, spot: Spot, tables: Tables) -> Code:
    n_in, n_out = spot.channels, spot.after.channels
    chosen = list(stage.channels)
    step = chosen[1] - chosen[0] if len(chosen) > 1 else 0
    body = f"const {spot.c_type} *const from = {spot.x} + (size_t) i * {n_in};\n"
    if len(chosen) > 4 and chosen == list(range(chosen[0], chosen[-1] + 1, step or 1)):
        source = f"from[{chosen[0]} + {f'{step} * ' if step != 1 else ''}c]"
        inner = f"{spot.out}[(size_t) i * {n_out} + c] = {source};\n"
        body += f"for (uint16_t c = 0; c < {n_out}; ++c) {{\n{indented(inner)}}}\n"
    elif len(chosen) > 8:
        places = tables.indices(chosen)
        source = read_index(places, chosen, "c")
        inner = f"{spot.out}[(size_t) i * {n_out} + c] = from[{source}];\n"
        body += f"for (uint16_t c = 0; c < {n_out}; ++c) {{\n{indented(inner)}}}\n"
    else:
        for to, channel in enumerate(chosen):
            at = "i" if n_out == 1 else f"(size_t) i * {n_out} + {to}"
            body += f"{spot.out}[{at}] = from[{channel}];\n"
    return Code(f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n")


def _to_float(stage: ToFloat, spot: Spot, tables: Tables) -> Code:
    factor = "" if stage.scale == 1.0 else f" * {text.float_literal(stage.scale)}"
    many = f"(size_t) n * {spot.channels}" if spot.channels > 1 else "n"
    return Code(
        f"for (size_t i = 0; i < {many}; ++i) {{\n    {spot.out}[i] = (float) {spot.x}[i]{factor};\n}}\n"
    )


# -- whole windows ---------------------------------------------------------------------------------


def _centre(stage: Centre, spot: Spot, tables: Tables) -> Code:
    if spot.channels == 1:
        return Code(f"mw_centre_{spot.fixed}({spot.x}, n, {spot.out});\n", headers=("emphasis.h",))
    column, at = f"{spot.kept}_column", numbers(spot)
    body = (
        f"for (uint16_t i = 0; i < n; ++i) {{\n    {column}[i] = {spot.x}[{at}];\n}}\n"
        f"mw_centre_{spot.fixed}({column}, n, {column});\n"
        f"for (uint16_t i = 0; i < n; ++i) {{\n    {spot.out}[{at}] = {column}[i];\n}}\n"
    )
    kept = (Member(f"{spot.key}_column", spot.c_type, spot.frames),)
    return Code(each_channel(spot, body), kept, headers=("emphasis.h",))


def _goertzel(stage: Goertzel, spot: Spot, tables: Tables) -> Code:
    """All samples of a channel for each frequency."""
    is_integer, count = spot.before.dtype == INT16, len(stage.frequencies)
    angles = [round(frequency * 2**32) for frequency in stage.frequencies]
    table = tables.indices(angles)
    tail = ", n" if is_integer else ""
    begin = f"mw_goertzel_begin_{spot.fixed}(&block, {read_index(table, angles, 'f')}{tail});\n"
    add = f"mw_goertzel_add_{spot.fixed}(&block, "
    if is_integer:
        begin, add = f"(void) {begin}", f"(void) {add}"
    if spot.channels == 1:
        feed, to = f"{add}{spot.x}, n);\n", "f"
    else:
        feed = (
            f"for (uint16_t i = 0; i < n; ++i) {{\n"
            f"    {add}{spot.x} + ((size_t) i * {spot.channels} + c), 1);\n}}\n"
        )
        to = f"c * {count} + f"
    if is_integer:
        power = "mw_root_u64(mw_goertzel_power_q15(&block))"
        value = f"const uint32_t size = 2U * {power} / n;\n"
        value += f"{spot.out}[{to}] = (int16_t) (size > 32767U ? 32767U : size);\n"
    else:
        value = f"{spot.out}[{to}] = 2.0f / (float) n * mw_root_f32(mw_goertzel_power_f32(&block));\n"
    body = f"mw_goertzel_{spot.fixed} block;\n{begin}{feed}{value}"
    loop = f"for (uint16_t f = 0; f < {count}; ++f) {{\n{indented(body)}}}\n"
    return Code(each_channel(spot, loop) + "n = 1;\n", changes_n=True, headers=("spectrum.h", "roots.h"))


def _spectrum(stage: Spectrum, spot: Spot, tables: Tables) -> Code:
    """The spectra of a window's frames."""
    name, made = tables.spectral(stage, spot.before.dtype)
    kept, values = spectral_members(spot.key, made)
    step = f"(size_t) i * {stage.hop * spot.channels}"
    start = f"{spot.x} + ({step} + c)" if spot.channels > 1 else f"{spot.x} + {step}"
    frame = f"mw_array_{SHORT[made.dtype]}({start}, {stage.length}, {spot.channels})"
    per = spot.after.channels
    to = (
        f"{spot.out} + ((size_t) i * {per}{f' + (size_t) c * {stage.n_values}' if spot.channels > 1 else ''})"
    )
    body = each_channel(spot, spectral_call(name, made, spot, frame, to, values, tables))
    loop = f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n"
    before = f"n = (uint16_t) (1 + (n - {stage.length}) / {stage.hop});\n"
    return Code(before + loop, kept, changes_n=True, headers=("spectral.h", "views.h"))


def spectral_members(key: str, made: Spectral) -> tuple[tuple[Member, ...], bool]:
    """The buffers of a spectrum, and whether its values have to be picked out of more."""
    kind = "int32_t" if made.dtype == INT16 else "float"
    members = [Member(f"{key}_work", kind, made.n_fft + 2)]
    if made.picked:
        members.append(Member(f"{key}_values", C_TYPES[made.dtype], made.n_out))
    return tuple(members), bool(made.picked)


def spectral_call(
    name: str, made: Spectral, spot: Spot, frame: str, to: str, picks: bool, tables: Tables
) -> str:
    """One frame of one channel: ``frame`` is a view, ``to`` where its values go."""
    short = SHORT[made.dtype]
    target = f"{spot.kept}_values" if picks else to
    body = f"const mw_view_{short} frame = {frame};\n"
    body += f"(void) mw_spectral_frame_{short}(&{name}, &frame, {spot.kept}_work, {target});\n"
    if picks:
        place = read_index(tables.indices(made.picked), made.picked, "v")
        pointer = f"{C_TYPES[made.dtype]} *const to = {to};\n"
        body = pointer + body
        body += (
            f"for (uint16_t v = 0; v < {len(made.picked)}; ++v) {{\n"
            f"    to[v] = {spot.kept}_values[{place}];\n}}\n"
        )
    return f"{{\n{indented(body)}}}\n" if spot.channels == 1 else body


_WRITERS: dict[type, Callable[[Any, Spot, Tables], Code]] = {
    Iir: _iir,
    Fir: _fir,
    Length: _length,
    Choose: _choose,
    ToFloat: _to_float,
    Emphasis: _emphasis,
    RemoveDc: _remove_dc,
    Centre: _centre,
    Spectrum: _spectrum,
    Goertzel: _goertzel,
}
